"""Prompt ids and stop ids from the tokenizer's own chat template.

Nothing is tabled by model family. The template renders a conversation whose next user turn is a sentinel; what stands
left of the sentinel is the prompt that makes the model write that turn, and the special tokens between the turns are
the ones that end it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from generators.one_line import one_line
from generators.segments import SegmentEncoder
from schemas.conversation import Message
from schemas.errors import InputError, TemplateError

_SENTINELS = ("SentinelAlpha", "SentinelBeta", "SentinelGamma")
_SENTINEL = _SENTINELS[-1]
_PROBES = ("Kaixo", "zer", "Erantzuna")
_OPENINGS = 4096


class TokenizerTemplate:
    """The chat template of a transformers tokenizer.

    A template without a system role gets system messages folded into the next user turn, a blank line between them, as
    Gemma's documentation tells its users to (ai.google.dev/gemma/docs/core/prompt-structure). A template that can
    switch reasoning off (`enable_thinking`) is rendered with it off: replies are published, reasoning is not.

    Raises TemplateError when there is no template, when it cannot be rendered, or when plain text and not a special
    token ends its user turns, since stops are token ids.
    """

    def __init__(self, tokenizer: Any, name: str, eos_token_ids: Iterable[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._name = name
        try:
            text = tokenizer.get_chat_template()
        except (AttributeError, ValueError) as error:
            raise TemplateError(
                f"{name}: the tokenizer has no chat template; use an instruction-tuned model"
            ) from error
        self._hash = hashlib.sha256(text.encode()).hexdigest()
        self._encoder = SegmentEncoder(tokenizer)
        self._has_system_role = self._probe_system_role()
        self._stop_token_ids = self._derive_stops(eos_token_ids)
        self._cut = self._derive_cut()
        self._opening = lru_cache(maxsize=_OPENINGS)(self._user_prefix)

    @property
    def hash(self) -> str:
        return self._hash

    @property
    def stop_token_ids(self) -> tuple[int, ...]:
        return self._stop_token_ids

    @property
    def has_system_role(self) -> bool:
        return self._has_system_role

    def user_prefix(self, messages: Sequence[Message], opener: str | None = None) -> list[int]:
        if all(message.role == "system" for message in messages):  # drafts begin with few different steering texts
            return list(self._opening(tuple(messages), opener))
        return self._user_prefix(tuple(messages), opener)

    def reply_prefix(self, messages: Sequence[Message]) -> list[int]:
        return self._encode(self._render(self._dicts(messages), add_generation_prompt=True))

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the ids, special tokens included."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=False))

    def _user_prefix(self, messages: tuple[Message, ...], opener: str | None) -> list[int]:
        left = self._left(self._dicts((*messages, Message(role="user", content=(opener or "") + _SENTINEL))))
        return self._encode(left if opener else self._cut_off(left))

    def _left(self, messages: list[dict[str, str]]) -> str:
        text = self._render(messages)
        at = text.rfind(_SENTINEL)
        if at < 0:
            raise TemplateError(f"{self._name}: the chat template does not show the text of user turns")
        return text[:at]

    def _dicts(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        dicts: list[dict[str, str]] = []
        folded: list[str] = []
        for message in messages:
            if message.role == "system" and not self._has_system_role:
                folded.append(message.content)
                continue
            content = message.content
            if folded and message.role == "user":
                content = "\n\n".join((*folded, content))
                folded = []
            dicts.append({"role": message.role, "content": content})
        return dicts

    def _render(self, messages: list[dict[str, str]], add_generation_prompt: bool = False) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, enable_thinking=False
            )
        except Exception as error:  # a template is a program: what it raises is not known
            raise TemplateError(f"{self._name}: the chat template cannot be rendered: {one_line(error)}") from error
        return str(text)

    def _encode(self, text: str) -> list[int]:
        # The template has written the tokens that begin a text itself; the tokenizer must not add them again.
        return self._encoder.encode(text)

    def _probe_system_role(self) -> bool:
        system, user, _ = _SENTINELS
        try:
            text = self._render([{"role": "system", "content": system}, {"role": "user", "content": user}])
        except TemplateError:
            return False
        return system in text

    def _derive_stops(self, eos_token_ids: Iterable[int]) -> tuple[int, ...]:
        """The special tokens from the end of one user turn to the start of the next, then the ends of text."""
        first, reply, second = _SENTINELS
        text = self._render(
            [
                {"role": "user", "content": first},
                {"role": "assistant", "content": reply},
                {"role": "user", "content": second},
            ]
        )
        special = set(self._tokenizer.all_special_ids)
        special |= {id_ for id_, token in self._tokenizer.added_tokens_decoder.items() if token.special}
        after_first = text[text.find(first) + len(first) :]
        between, _, rest = after_first.partition(reply)
        ends = self._encode(between.lstrip())
        if not ends or ends[0] not in special:
            raise TemplateError(
                f"{self._name}: the chat template ends user turns with plain text, not with a special token, "
                "so their sampling cannot be stopped; use another model"
            )
        frame = (*ends, *self._encode(rest.partition(second)[0].lstrip()))
        own_eos = self._tokenizer.eos_token_id
        eos = (*eos_token_ids, *(() if own_eos is None else (own_eos,)))
        return tuple(dict.fromkeys((*(id_ for id_ in frame if id_ in special), *eos)))

    def _derive_cut(self) -> bool:
        """Whether a turn's text begins with the space that the template writes before it.

        With a template such as `[INST] text` the space and the first word make one token, so a prompt that ends with
        the space stands where no training text ever stood. Without it the model samples the space itself.
        """
        left = self._left([{"role": "user", "content": _SENTINEL}])
        if not left.endswith(" "):
            return False
        ids = self._encode(left)
        return any(self._encode(left + probe)[: len(ids)] != ids for probe in _PROBES)

    def _cut_off(self, left: str) -> str:
        return left.rstrip(" ") if self._cut else left


def load_template(name: str, revision: str | None = None) -> TokenizerTemplate:
    """The chat template of the tokenizer in a folder or on the Hub; its code is never run.

    Raises InputError when the tokenizer cannot be loaded, TemplateError when it has no usable chat template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False)
    except Exception as error:  # transformers raises what its many readers raise
        raise InputError(f"{name}: the tokenizer cannot be loaded: {one_line(error)}") from error
    return TokenizerTemplate(tokenizer, name, _generation_eos(name, revision))


def _generation_eos(name: str, revision: str | None) -> tuple[int, ...]:
    """The ends of text that `generation_config.json` lists; many models list more there than their tokenizer."""
    from transformers.utils import cached_file

    path = cached_file(
        name,
        "generation_config.json",
        revision=revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if path is None:
        return ()
    try:
        eos = json.loads(Path(path).read_text(encoding="utf-8")).get("eos_token_id")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{name}: generation_config.json cannot be read: {one_line(error)}") from error
    if eos is None:
        return ()
    return tuple(eos) if isinstance(eos, list) else (eos,)
