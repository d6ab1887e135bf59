"""The outer form of a turn: empty, cut off, too long, with leftovers of the chat format, or an echo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from filters.prose import without_code
from filters.text import excerpt, fold, words
from languages.markers import bare_role, role_label, template_field
from languages.pack import LanguagePack, Markers
from schemas.conversation import Draft, Gate
from schemas.filters import ShapeFilter
from schemas.verdict import Drop, Keep, Verdict

# Control tokens of common chat templates: ChatML, Llama, Phi, Mistral, Gemma, DeepSeek.
_TOKEN = re.compile(
    r"<\|[^\s|<>]{1,40}\|>|<｜[^\s<>]{1,40}｜>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|\A\s*<s>|</s>\s*\Z"
)
# Of a user turn about a passage, the share of its n-grams of so many words that the passage may have: an instruction
# that quotes its own reply asks for nothing.
COPIED_WORDS = 5
COPIED_SHARE = 0.5


@dataclass(frozen=True)
class ShapeJudge:
    """Judges the last turn; before there is one, what would be wrong with the passage as one."""

    min_chars: int
    max_chars: int
    language: str
    labels: dict[str, tuple[re.Pattern[str], ...]]
    name: ClassVar[str] = "shape"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.MATERIAL, Gate.USER_TURN, Gate.REPLY})
    heavy: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: ShapeFilter, pack: LanguagePack, others: Sequence[LanguagePack] = ()) -> ShapeJudge:
        """Turns in a language without a pack are held to the labels of the first one."""
        labels = {one.code: _labels(one.markers) for one in (pack, *others)}
        return cls(settings.min_chars, settings.max_chars, pack.code, labels)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        faults = self._faults_of_passage(draft) if gate is Gate.MATERIAL else self._faults(draft)
        for kind, evidence in faults:
            turn = len(draft.turns) - 1 if draft.turns else None
            return Drop(reason=f"{self.name}.{kind}", evidence=evidence, turn=turn)
        return Keep()

    def _faults_of_passage(self, draft: Draft) -> Iterator[tuple[str, str]]:
        text = (draft.passage or "").strip()
        if len(text) > self.max_chars:
            yield "too_long", f"{len(text)} characters, {self.max_chars} at most: {excerpt(text)}"
        marker = self._marker(text, draft.language)
        if marker is not None:
            yield "role_marker", f"holds {excerpt(marker, 40)!r}"

    def _faults(self, draft: Draft) -> Iterator[tuple[str, str]]:
        """What is wrong with the last turn, as kind and evidence, the cheapest to see first."""
        turn = draft.last
        text = turn.content.strip()
        if len(text) < self.min_chars:
            yield "empty", f"{len(text)} characters, {self.min_chars} at least: {excerpt(text)!r}"
        if turn.finish_reason == "length":
            yield "cut_off", f"ends at {turn.completion_tokens} tokens with: {_tail(text)}"
        if len(text) > self.max_chars:
            yield "too_long", f"{len(text)} characters, {self.max_chars} at most: {excerpt(text)}"
        if turn.role == "user" and text.endswith((":", "：")):
            yield "colon", f"ends with: {_tail(text)}"
        marker = self._marker(text, turn.language)
        if marker is not None:
            yield "role_marker", f"holds {excerpt(marker, 40)!r}"
        if turn.role == "user" and draft.passage is not None and (share := _copied(text, draft.passage)) > COPIED_SHARE:
            yield "copied", f"{share:.0%} of it stands in the passage: {excerpt(text)}"
        if turn.role == "assistant" and len(draft.turns) > 1 and fold(text) == fold(draft.turns[-2].content):
            yield "echo", excerpt(text)

    def _marker(self, text: str, language: str) -> str | None:
        """The first leftover. In a code block only control tokens count: a YAML key may be called `user:`."""
        found = _TOKEN.search(text)
        if found is None:
            prose = without_code(text)
            labels = self.labels.get(language, self.labels[self.language])
            found = next(filter(None, (label.search(prose) for label in labels)), None)
        return found.group().strip() if found else None


def _copied(text: str, passage: str) -> float:
    """The share of a turn's word n-grams that a passage has; 0 for a turn too short to tell."""
    ours = _grams(text)
    return sum(gram in theirs for gram in ours) / len(ours) if ours and (theirs := set(_grams(passage))) else 0.0


def _grams(text: str) -> list[tuple[str, ...]]:
    found = words(fold(text))
    return list(zip(*(found[start:] for start in range(COPIED_WORDS)), strict=False))


def _labels(markers: Markers) -> tuple[re.Pattern[str], ...]:
    return (role_label(markers, "user", "assistant", "system"), bare_role(), template_field(markers))


def _tail(text: str) -> str:
    return " ".join(text[-60:].split())
