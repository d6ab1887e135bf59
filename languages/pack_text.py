"""The text of a new pack's `pack.yaml`: what the corpus proposes, and English where a speaker has to write."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from languages.completeness import LEAST, PLACEHOLDER
from languages.loader import PROFILE_FILE, WORDS_FILE, load_pack
from languages.proposals import Proposals

_WIDTH = 116
# So many of the English pack's texts, the first ones, stand in a new pack; of a mode's, as many as it must have.
_SHOWN = {
    "system_prompts": 5,
    "topic_prompts": 3,
    "example_turns": 6,
    "reply_prompts": 2,
    "openers": 10,
    "topics": 24,
}
_WORDS_SHOWN = 10


def pack_text(code: str, name: str, native_name: str | None, proposals: Proposals, unseen_limit: float) -> str:
    """A commented `pack.yaml`. The names must hold neither quotation marks, backslashes nor line breaks."""
    english = load_pack("en")
    steering = {field: getattr(english.steering, field)[:count] for field, count in _SHOWN.items()}
    modes = {field: texts[: LEAST[f"modes.{field}"]] for field, texts in english.modes}
    function_words = {"function_words": english.function_words[:_WORDS_SHOWN]}
    return _template().render(
        placeholder=PLACEHOLDER,
        code=code,
        name=name,
        native_name=native_name or _placeholder(name),
        proposals=proposals,
        steering=_for_language(name, steering),
        function_words=_for_language(name, function_words),
        modes=_for_language(name, modes),
        unseen_limit=unseen_limit,
        profile=PROFILE_FILE,
        words=WORDS_FILE,
    )


def _for_language(name: str, texts: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """English texts to translate, about the language instead of English."""
    return {
        field: tuple(_placeholder(text.replace("English", name)) for text in found) for field, found in texts.items()
    }


def _placeholder(text: str) -> str:
    return f"{PLACEHOLDER} {text}"


def _quoted(text: str) -> str:
    """A YAML scalar in quotation marks, on one line."""
    return yaml.safe_dump(text, allow_unicode=True, default_style='"', width=float("inf")).rstrip()


def _listed(field: Mapping[str, tuple[str, ...]]) -> str:
    """A YAML field whose value is a list in brackets, folded."""
    lists = {name: list(texts) for name, texts in field.items()}
    return yaml.safe_dump(lists, allow_unicode=True, default_flow_style=None, width=_WIDTH).rstrip()


@cache
def _template() -> Template:
    # YAML, not HTML. What comes from a corpus goes through `quoted` or `listed`.
    environment = Environment(
        loader=PackageLoader("languages", "."),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    environment.filters["listed"] = _listed
    return environment.get_template("pack.yaml.jinja")
