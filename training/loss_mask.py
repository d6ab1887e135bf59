"""Token ids and labels of a conversation: what is learnt of it, token by token.

Learnt is what an engine samples: after the generation prompt, through the token that ends the turn. So a token that
stands on both sides of that border is not learnt, for the prompt has a part of it already; a space that the template
writes between prompt and reply, a channel, or an empty block of reasoning that the prompt has not, are learnt.

`{% generation %}` markers are not looked at, one rule holds for all templates. Where markers differ from it the rule
wins: markers that leave out the end of the turn would never teach the model to stop, and those that take the header in
would teach what the prompt always says.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from transformers import PreTrainedTokenizerBase

from schemas.errors import TemplateError
from schemas.training import Context
from training.chat_template import ChatTemplate, Message, encode, fold_system, shared

IGNORED = -100
Reason = Literal["too_long", "nothing_learnt", "empty_turn", "special_token", "roles", "template"]

_ORDER = re.compile(r"s?(?:u(?:at+)*a)+")  # a tool's turns follow a reply, and a reply them
_LETTERS = {"system": "s", "user": "u", "assistant": "a"}
# Around a turn's text while it is rendered, to find it again. U+FDD0 is no character: it is kept for such use.
_MARK = re.compile("\ufdd0(\\d+)([<>])\ufdd0")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Ids and labels of one sequence, of equal length; labels are not shifted, -100 where nothing is learnt."""

    ids: list[int]
    labels: list[int]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """A conversation that is not trained on, and why; `detail` is what the template said."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A conversation's text, the spans of it that are learnt, and where each reply ends, by its message."""

    text: str
    spans: list[tuple[int, int]]
    ends: dict[int, int]


class Encoder:
    """Encodes conversations and documents. Raises TemplateError for a tokenizer without a usable chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context: Context) -> None:
        self._tokenizer = tokenizer
        self._context = context
        self._template = ChatTemplate(tokenizer)
        special = [token for token in tokenizer.all_special_tokens if token.strip()]
        self._special = re.compile("|".join(map(re.escape, special)) or r"(?!)")

    def conversation(self, messages: Sequence[Message]) -> Encoded | Left:
        """The ids are those of `tokenizer.apply_chat_template`, after system turns are folded where it has none."""
        if not _ORDER.fullmatch("".join(_letter(message["role"]) for message in messages)):
            return Left("roles")
        if any(_is_empty(message) for message in messages):
            return Left("empty_turn")
        # As text it would be encoded as the token itself, and teach the model to go on after its own end.
        if any(self._special.search(str(message.get("content"))) for message in messages):
            return Left("special_token")
        try:
            encoded, stops = self._encode(messages)
            if len(encoded.ids) > self._context.max_length:
                return self._shorter(messages, stops) or Left("too_long")
        except TemplateError as error:
            return Left("template", str(error))
        return Left("nothing_learnt") if _teaches_nothing(encoded) else encoded

    def _shorter(self, messages: Sequence[Message], stops: dict[int, int]) -> Encoded | None:
        """The conversation up to the last reply that fits; none where the recipe has it dropped, or the first does not.

        It is rendered anew, for templates write a last reply otherwise than others.
        """
        if self._context.too_long == "drop":
            return None
        for last in sorted(stops, reverse=True):
            if last + 1 == len(messages) or messages[last + 1]["role"] != "user":
                continue
            if stops[last] <= self._context.max_length:
                encoded, _ = self._encode(messages[: last + 1])
                if len(encoded.ids) <= self._context.max_length:
                    return None if _teaches_nothing(encoded) else replace(encoded, truncated=True)
        return None

    def document(self, text: str) -> list[Encoded]:
        """Plain completion in pieces of at most `max_length`: bos where the tokenizer adds one, the text, eos.

        All of it is learnt but the first token of each piece, which nothing predicts. A blank text has no pieces.
        """
        if not text.strip():
            return []
        ids = list(self._tokenizer(text, verbose=False, split_special_tokens=True)["input_ids"])
        eos = self._tokenizer.eos_token_id
        if eos is not None and ids[-1] != eos:
            ids.append(eos)
        size = self._context.max_length
        pieces = [ids[start : start + size] for start in range(0, len(ids), size)]
        return [Encoded(piece, [IGNORED, *piece[1:]]) for piece in pieces]

    def _encode(self, messages: Sequence[Message]) -> tuple[Encoded, dict[int, int]]:
        """Also how many tokens there are up to the end of each reply, by its message."""
        rendered = self._render(messages)
        ids, offsets = encode(self._tokenizer, rendered.text)
        starts = [start for start, _ in offsets]
        labels = [IGNORED] * len(ids)
        for start, end in rendered.spans:
            first, last = self._first(rendered.text, start, ids, offsets), bisect_left(starts, end)
            labels[first:last] = ids[first:last]
        labels[:1] = [IGNORED]  # nothing predicts it
        return Encoded(ids, labels), {at: bisect_left(starts, end) for at, end in rendered.ends.items()}

    def _first(self, text: str, border: int, ids: list[int], offsets: list[tuple[int, int]]) -> int:
        """The first token that is sampled after a prompt that ends at the border.

        Some tokenizers leave blanks out of offsets. Where the border does not lie between two tokens by their offsets,
        the prompt is encoded by itself, as an engine does.
        """
        first = bisect_left(offsets, (border,))
        if first == 0 or first == len(ids) or (offsets[first - 1][1] == border == offsets[first][0]):
            return first
        prompt, _ = encode(self._tokenizer, text[:border])
        same = shared(prompt, ids)
        return same if same == len(prompt) else max(first, same + 1)

    def _render(self, messages: Sequence[Message]) -> _Rendered:
        """Raises TemplateError where the template refuses the messages, or they cannot be found in what it writes."""
        folded: dict[int, int] = {}
        given: Sequence[Message] = messages
        if not self._template.has_system_role:
            given, folded = fold_system(messages)
        marked = [self._marked(at, message, folded.get(at, 0)) for at, message in enumerate(given)]
        plain, marks = _unmarked(self._template.render(marked))
        if plain != self._template.render(given):
            raise TemplateError("it writes turns otherwise than they are, so that they cannot be found in the text")
        spans: list[tuple[int, int]] = []
        ends: dict[int, int] = {}
        before = 0
        for at, message in enumerate(given):
            after = next((marks[key] for key in ((at + 1, "<"), (at + 1, ">")) if key in marks), len(plain))
            start, end = marks.get((at, "<")), marks.get((at, ">"), before)
            if message["role"] == "assistant":
                if found := self._reply(plain, (before, marks.get((at, ">")), after), marked[: at + 1]):
                    spans.append(found)
                    ends[at + len(messages) - len(given)] = end = found[1]
            elif message["role"] == "user" and start is not None and self._context.loss_on == "all":
                spans.append((len(plain[:start].rstrip(" ")), _through(plain, (self._template.asked_end,), end, after)))
            before = end
        return _Rendered(plain, spans, ends)

    def _marked(self, at: int, message: Message, folded: int) -> Message:
        """The message with marks in its text, inside of blanks at its edges, which templates may take off."""
        text, role = message.get("content"), message["role"]
        if role == "system" or not isinstance(text, str) or not text.strip():
            return message
        end = len(text.rstrip())
        text = f"{text[:end]}\ufdd0{at}>\ufdd0{text[end:]}"
        if role != "assistant":  # templates look for reasoning where a reply begins
            blank = 0 if folded or self._template.keeps_space else len(text) - len(text.lstrip())
            start = folded + blank
            text = f"{text[:start]}\ufdd0{at}<\ufdd0{text[start:]}"
        return {**message, "content": text}

    def _reply(
        self, text: str, place: tuple[int, int | None, int], messages: Sequence[Message]
    ) -> tuple[int, int] | None:
        """The learnt part of the last of the messages; None where the template shows nothing of it.

        `place` is where the turn before it ends, its own text does, and the text of the turn after it begins.
        """
        before, own, after = place
        if own is None and not messages[-1].get("tool_calls"):
            return None
        if messages[-2]["role"] == "user":
            prompt = self._template.prompts[after == len(text)]
        else:
            asked, marks = _unmarked(self._template.render(messages[:-1], prompt=True))
            prompt = asked[max(marks.values(), default=0) :]
        start = before + _past(text[before : after if own is None else own], prompt)
        end = _through(text, self._template.ends, start if own is None else own, after)
        return start, end


def _past(region: str, prompt: str) -> int:
    """How much of the region the prompt is, blanks of the turn before it included."""
    at = region.find(prompt)
    if at >= 0 and not region[:at].strip():
        return at + len(prompt)
    blank = len(region) - len(region.lstrip())
    return blank + shared(region[blank:], prompt.lstrip())


def _through(text: str, ends: Sequence[str], start: int, stop: int) -> int:
    """Where the first of the ends ends that stands between start and stop; start where none does."""
    found = [(at, at + len(end)) for end in ends if (at := text.find(end, start, stop)) >= 0]
    return min(found)[1] if found else start


def _unmarked(text: str) -> tuple[str, dict[tuple[int, str], int]]:
    """The text without marks, and where they stood in it."""
    parts = _MARK.split(text)
    marks: dict[tuple[int, str], int] = {}
    pieces, at = parts[:1], len(parts[0])
    for number, side, piece in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        marks[int(number), side] = at
        pieces.append(piece)
        at += len(piece)
    return "".join(pieces), marks


def _teaches_nothing(encoded: Encoded) -> bool:
    return all(label == IGNORED for label in encoded.labels)


def _letter(role: object) -> str:
    """Of a role in the order of turns; `?`, which is in no order, for what is none."""
    return _LETTERS.get(role, "t") if isinstance(role, str) else "?"


def _is_empty(message: Message) -> bool:
    text = message.get("content")
    if message["role"] == "assistant" and message.get("tool_calls"):
        return False
    return message["role"] in _LETTERS and not (isinstance(text, str) and text.strip())
