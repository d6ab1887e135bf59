"""The text of a new pack's `pack.yaml`: what the corpus proposes, and English where a speaker has to write."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from languages.completeness import PLACEHOLDER
from languages.loader import PROFILE_FILE, WORDS_FILE
from languages.proposals import Proposals

_WIDTH = 116
# Where the corpus proposes nothing, and what no corpus proposes.
_ENGLISH = {
    "example_turns": (
        "How do I cook rice?",
        "Why do leaves change their colour in autumn?",
        "Will you help me to write a letter?",
        "Explain, please, how a refrigerator works.",
        "Give me three ideas for a birthday party.",
        "What is the difference between a storm and a shower?",
    ),
    "openers": ("What is", "How", "Why", "When", "Which", "Can you", "Explain", "Write", "Give me", "Tell me"),
    "function_words": ("and", "or", "not", "the", "this", "that", "in", "of", "to", "is"),
    "topics": (
        "cooking",
        "house and cleaning",
        "nature",
        "animals",
        "plants and gardening",
        "the weather",
        "health",
        "sport",
        "travel",
        "music",
        "books",
        "languages",
        "mathematics",
        "science",
        "technology",
        "history",
        "geography",
        "work",
        "school",
        "family and friends",
        "festivals and customs",
        "money",
        "traffic",
        "art",
    ),
}


def pack_text(code: str, name: str, native_name: str | None, proposals: Proposals, unseen_limit: float) -> str:
    """A commented `pack.yaml`. The names must hold neither quotation marks, backslashes nor line breaks."""
    return _template().render(
        placeholder=PLACEHOLDER,
        code=code,
        name=name,
        native_name=native_name or _placeholder(name),
        function_words=proposals.function_words,
        openers=proposals.openers,
        example_turns=proposals.example_turns,
        english={field: tuple(map(_placeholder, texts)) for field, texts in _ENGLISH.items()},
        unseen_limit=unseen_limit,
        profile=PROFILE_FILE,
        words=WORDS_FILE,
    )


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
