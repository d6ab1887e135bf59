"""The chat template that a model is trained on and saved with: pinned, probed, and what ends its turns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from schemas.errors import TemplateError

Message = Mapping[str, Any]
"""`role` and `content`; what else a message holds is the template's to read."""

# No template writes these, and no tokenizer merges them with a special token.
_USER, _REPLY, _NEXT = "SentinelAlpha", "SentinelBeta", "SentinelGamma"
_SPACED = f"\n  {_USER}"
_CURE = "give model.chat_template, or a tokenizer whose eos token ends turns"


def pin(tokenizer: PreTrainedTokenizerBase, template: str | None = None) -> None:
    """Makes a template the tokenizer's only one, so that it is saved with it: its own, or the given one.

    `template` is a .jinja file, or a folder or Hub name of a model that has one. Raises TemplateError where there is no
    template, and where none of its tokens ends a reply.
    """
    tokenizer.chat_template = text_of(tokenizer) if template is None else _given(template)
    ChatTemplate(tokenizer)


def text_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """The template's text. Raises TemplateError where there is none, or several and none of them the default."""
    try:
        return str(tokenizer.get_chat_template())
    except (AttributeError, ValueError) as error:
        several = isinstance(tokenizer.chat_template, dict)
        found = "the tokenizer has several chat templates and none called default" if several else "no chat template"
        raise TemplateError(
            f"model: {tokenizer.name_or_path}: {found}; give model.chat_template, a .jinja file or a model that has one"
        ) from error


def template_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """sha256 of the template's text in hexadecimal, as rows of a publication record it."""
    return hashlib.sha256(text_of(tokenizer).encode()).hexdigest()


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id of the token that ends a reply. Raises TemplateError where none does."""
    return ChatTemplate(tokenizer).end_id


class ChatTemplate:
    """A tokenizer's chat template, and what it writes around turns, found by rendering.

    `prompts` is what stands between a user turn's text and the place where a reply is sampled, in the middle of a
    conversation and at its end: the generation prompt, as far as a finished conversation has it too.
    `ends` are the texts that end a reply, at the end of a conversation and in its middle; each ends with a token.
    `asked_end` ends a user turn. `end_id` is the last token of a reply.
    Raises TemplateError when there is no template, it cannot be rendered, or no token ends a reply.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.name = tokenizer.name_or_path
        self._tokenizer = tokenizer
        text_of(tokenizer)
        asked = [{"role": "user", "content": _USER}]
        answered = [*asked, {"role": "assistant", "content": _REPLY}]
        try:
            finished = self.render(answered)
            prompt, unprompted = self.render(asked, prompt=True), self.render(asked)
            going_on = self._attempt([*answered, {"role": "user", "content": _NEXT}, answered[-1]]) or finished
        except TemplateError as error:
            raise TemplateError(f"model.chat_template: {self.name}: it cannot be rendered: {error}") from error
        if _USER not in prompt or _USER not in finished or _REPLY not in finished:
            raise TemplateError(
                f"model.chat_template: {self.name}: it does not show the text of turns; give another template"
            )
        self._marks = _marks(tokenizer)
        self.prompts = self._prompts(prompt, prompt == unprompted, _between(going_on), _between(finished))
        self.asked_end = self._asked_end(prompt.rpartition(_USER)[2])
        middle = going_on.partition(_REPLY)[2].partition(_NEXT)[0].lstrip()
        self.end_id, end = self._end(finished, finished.rpartition(_REPLY)[2], middle)
        self.ends = tuple(dict.fromkeys((end, *self._middle_end(middle, end, going_on.partition(_USER)[0]))))
        self.has_system_role = _NEXT in self._attempt([{"role": "system", "content": _NEXT}, *answered])
        self.keeps_space = _SPACED in self._attempt([{"role": "user", "content": _SPACED}, answered[-1]])

    def render(self, messages: Sequence[Message], prompt: bool = False) -> str:
        """Raises TemplateError with one line of what the template raises: it is a program."""
        try:
            return str(
                self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=prompt)
            )
        except Exception as error:
            raise TemplateError(" ".join(str(error).split()) or type(error).__name__) from error

    def _attempt(self, messages: Sequence[Message]) -> str:
        try:
            return self.render(messages)
        except TemplateError:
            return ""

    def _prompts(self, prompt: str, ignored: bool, middle: str, last: str) -> tuple[str, str]:
        """Where the template writes no generation prompt, the header of a finished reply is one all the same."""
        asked = prompt.rpartition(_USER)[2]
        if ignored and last[shared(asked, last) :].strip():
            return middle, last
        return middle[: shared(asked, middle)], last[: shared(asked, last)]

    def _end(self, text: str, tail: str, middle: str) -> tuple[int, str]:
        """What follows the last reply's text, through the special tokens that come first and other replies have too."""
        found = self._first_marks(text, tail)
        if not found:
            raise TemplateError(
                f"model.chat_template: {self.name}: template without end-of-turn token: a reply ends with "
                f"{tail!r}, and no token of the tokenizer ends it; {_CURE}"
            )
        return next((end for end in reversed(found) if middle.startswith(end[1])), found[-1])

    def _middle_end(self, middle: str, end: str, header: str) -> list[str]:
        """What ends a reply that others follow; nothing where only the next turn's header does."""
        found = self._first_marks(middle, middle)
        opening = {id_ for id_, _ in self._tokens(header)}
        ends = found and (found[0][1] == self.asked_end or found[0][0] not in opening)
        return [found[0][1]] if ends and not middle.startswith(end) else []

    def _asked_end(self, asked: str) -> str:
        """A token, or a mark in plain text such as `[/INST]`."""
        if found := self._first_marks(asked, asked):
            return found[0][1]
        return asked.strip().partition("\n")[0].rstrip()

    def _first_marks(self, text: str, tail: str) -> list[tuple[int, str]]:
        """The first special tokens of the tail that stand side by side, each with the tail up to its end."""
        start = len(text) - len(tail)
        found: list[tuple[int, str]] = []
        for id_, (_, end) in self._tokens(text):
            if end <= start:
                continue
            if id_ not in self._marks and found:
                break
            if id_ in self._marks:
                found.append((id_, text[start:end].strip()))
        return found

    def _tokens(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        return list(zip(*encode(self._tokenizer, text), strict=True))


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and where they stand in a rendered text. Raises TemplateError for a tokenizer that cannot say where."""
    if not tokenizer.is_fast:
        raise TemplateError(
            f"model: {tokenizer.name_or_path}: its tokenizer cannot say which characters a token stands for; "
            "give a model with a tokenizer.json"
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return encoded["input_ids"], encoded["offset_mapping"]


def shared(first: Sequence[object], second: Sequence[object]) -> int:
    """How much both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def fold_system(messages: Sequence[Message]) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Messages without system turns, their text before that of the next user turn, a blank line between them.

    Also says of which messages how many characters are the system's.
    """
    made: list[dict[str, Any]] = []
    folded: dict[int, int] = {}
    waiting = ""
    for message in messages:
        if message["role"] == "system":
            waiting += f"{message['content']}\n\n"
            continue
        copy = dict(message)
        if waiting and message["role"] == "user":
            copy["content"] = waiting + message["content"]
            folded[len(made)] = len(waiting)
            waiting = ""
        made.append(copy)
    return made, folded


def _between(text: str) -> str:
    """From the first user turn's text to its reply's."""
    return text.partition(_USER)[2].partition(_REPLY)[0]


def _marks(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Special tokens, and those that were added to the vocabulary and are no blanks."""
    added = tokenizer.added_tokens_decoder
    special = {id_ for id_ in tokenizer.all_special_ids if id_ != tokenizer.unk_token_id}
    ends = set() if tokenizer.eos_token_id is None else {tokenizer.eos_token_id}
    return special | ends | {id_ for id_, token in added.items() if token.content.strip()} - {tokenizer.unk_token_id}


def _given(template: str) -> str:
    read: Callable[[], str] = (
        (lambda: Path(template).read_text(encoding="utf-8"))
        if template.endswith(".jinja")
        else (lambda: str(AutoTokenizer.from_pretrained(template).get_chat_template()))
    )
    try:
        return read()
    except Exception as error:  # transformers raises what its many readers raise
        told = " ".join(str(error).split())
        raise TemplateError(f"model.chat_template: {template}: there is no chat template to be read: {told}") from error
