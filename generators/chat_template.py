"""Prompt ids and stop ids from the tokenizer's own chat template.

Nothing is tabled by model family. The template renders a conversation whose next user turn is a sentinel; what stands
left of the sentinel is the prompt that makes the model write that turn. A reply is sampled from the template's
generation prompt and what `reply_start` adds to it. The template has written the tokens that begin a text itself, so
the tokenizer never adds any.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from generators.one_line import one_line
from generators.rendering import SENTINELS, Renderer
from generators.reply_start import derive_start
from generators.segments import SegmentEncoder
from generators.turn_ends import derive_ends
from schemas.conversation import Message
from schemas.errors import InputError

_SENTINEL = SENTINELS[-1]
_PROBES = ("Kaixo", "zer", "Erantzuna")
_OPENINGS = 4096
# What tokenizers are called that are nothing but their tokenizer.json.
_PLAIN_CLASSES = ("TokenizersBackend", "PreTrainedTokenizerFast")
# Of models that come with it, AutoTokenizer may choose another tokenizer.
_MISTRAL_FILE = "tekken.json"


class TokenizerTemplate:
    """The chat template of a transformers tokenizer; what it cannot do, `docs/chat-templates.md` says.

    Raises TemplateError when there is no template, when it cannot be rendered, when it does not show what is said, and
    when nothing that a turn cannot hold ends its turns.
    """

    def __init__(self, tokenizer: Any, name: str, eos_token_ids: Iterable[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._renderer = Renderer(tokenizer, name)
        self._hash = hashlib.sha256(self._renderer.text.encode()).hexdigest()
        self._encoder = SegmentEncoder(tokenizer)
        left = self._renderer.left([{"role": "user", "content": _SENTINEL}], _SENTINEL)
        self._ends = derive_ends(self._renderer, tokenizer, self._encoder.encode, eos_token_ids)
        self._reply_start = derive_start(self._renderer)
        self._cut = self._joins_space(left)
        self._reply_cut = self._joins_space(self._asked([{"role": "user", "content": _SENTINEL}]))
        self._opening = lru_cache(maxsize=_OPENINGS)(self._user_prefix)

    @property
    def hash(self) -> str:
        return self._hash

    @property
    def stop_token_ids(self) -> tuple[int, ...]:
        return self._ends.token_ids

    @property
    def stop_texts(self) -> tuple[str, ...]:
        return self._ends.texts

    @property
    def has_system_role(self) -> bool:
        return self._renderer.has_system_role

    def user_prefix(self, messages: Sequence[Message], opener: str | None = None) -> list[int]:
        if all(message.role == "system" for message in messages):  # drafts begin with few different steering texts
            return list(self._opening(tuple(messages), opener))
        return self._user_prefix(tuple(messages), opener)

    def reply_prefix(self, messages: Sequence[Message]) -> list[int]:
        text = self._asked(self._renderer.dicts(messages))
        return self._encoder.encode(text.rstrip(" ") if self._reply_cut else text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the ids, special tokens included."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=False))

    def _user_prefix(self, messages: tuple[Message, ...], opener: str | None) -> list[int]:
        turn = Message(role="user", content=(opener or "") + _SENTINEL)
        left = self._renderer.left(self._renderer.dicts((*messages, turn)), _SENTINEL)
        return self._encoder.encode(left if opener or not self._cut else left.rstrip(" "))

    def _asked(self, messages: list[dict[str, str]]) -> str:
        return self._renderer.render(messages, add_generation_prompt=True) + self._reply_start

    def _joins_space(self, left: str) -> bool:
        """Whether a turn's text begins with the space that the template writes before it.

        With a template such as `[INST] text` the space and the first word make one token, so a prompt that ends with
        the space stands where no training text ever stood. Without it the model samples the space itself.
        """
        if not left.endswith(" "):
            return False
        ids = self._encoder.encode(left)
        return any(self._encoder.encode(left + probe)[: len(ids)] != ids for probe in _PROBES)


def load_template(name: str, revision: str | None = None) -> TokenizerTemplate:
    """The chat template of the tokenizer in a folder or on the Hub; its code is never run.

    Raises InputError when the tokenizer cannot be loaded, TemplateError when it has no usable chat template.
    """
    try:
        tokenizer = _tokenizer(name, revision)
    except InputError:
        raise
    except Exception as error:  # transformers raises what its many readers raise
        raise InputError(f"{name}: the tokenizer cannot be loaded: {one_line(error)}") from error
    return TokenizerTemplate(tokenizer, name, _generation_eos(name, revision))


def _tokenizer(name: str, revision: str | None) -> Any:
    """What AutoTokenizer gives; it imports PyTorch first, seconds and hundreds of megabytes, so it is not asked where
    the model's own files name the plain class."""
    config = _json_file(name, "tokenizer_config.json", revision)
    plain = config.get("tokenizer_class") in _PLAIN_CLASSES and "auto_map" not in config
    if plain and _cached(name, _MISTRAL_FILE, revision) is None:
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(name, revision=revision)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False)


def _generation_eos(name: str, revision: str | None) -> tuple[int, ...]:
    """The ends of text that `generation_config.json` lists; many models list more there than their tokenizer."""
    eos = _json_file(name, "generation_config.json", revision).get("eos_token_id")
    if eos is None:
        return ()
    return tuple(eos) if isinstance(eos, list) else (eos,)


def _json_file(name: str, file: str, revision: str | None) -> dict[str, Any]:
    """One of the model's files; empty where it has none. Raises InputError when it is no JSON object."""
    path = _cached(name, file, revision)
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {file} cannot be read: {one_line(error)}") from error
    if not isinstance(found, dict):
        raise InputError(f"{name}: {file} cannot be read: it holds no JSON object")
    return found


def _cached(name: str, file: str, revision: str | None) -> Path | None:
    from transformers.utils import cached_file

    path = cached_file(
        name,
        file,
        revision=revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )
    return None if path is None else Path(path)
