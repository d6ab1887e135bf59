"""Every turn on its own must be in the language it is meant to be in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from filters.detector import Detection, Detector, open_detector
from filters.prose import prose
from filters.text import excerpt, fold, words
from languages.pack import LanguagePack
from schemas.conversation import Draft, Gate, Turn
from schemas.errors import LanguageError
from schemas.recipe import LanguageFilter
from schemas.verdict import Drop, Keep, Verdict

# A segment has at least so many letters, so that it can be told by itself, and at most so many characters, so that
# nothing lies beyond what langdetect reads.
SEGMENT_LETTERS = 40
SEGMENT_CHARACTERS = 2_000
# Of a turn's letters, the share that must lie in segments of its language: leaves room for a quotation or a title.
SEGMENT_SHARE = 0.8
# A segment with two function words of the pack's language or more, that make this share of its words, is in it
# whatever the detector says: short sentences full of foreign names. Measured: recall rises, precision does not fall.
RESCUE_WORDS = 2
RESCUE_SHARE = 0.3

_BREAK = re.compile(r"(?<=[.!?…:;])\s+|\n+")


@dataclass(frozen=True)
class LanguageJudge:
    """Judges the last turn at its gate, and the turns too short to be judged alone at the conversation gate.

    Only settings are kept here, so that the filter is cheap to pickle; the detector is the process's.
    """

    code: str
    profile: Path | None
    function_words: frozenset[str]
    min_words: int
    name: ClassVar[str] = "language"
    gates: ClassVar[frozenset[Gate]] = frozenset(Gate)
    heavy: ClassVar[bool] = True

    @classmethod
    def open(cls, settings: LanguageFilter, pack: LanguagePack) -> LanguageJudge:
        """The filter of a pack, its detector loaded. Raises LanguageError when a profile cannot be read."""
        judge = cls(pack.code, pack.profile, frozenset(pack.function_words), settings.min_words)
        judge.detector()
        return judge

    def detector(self) -> Detector:
        return open_detector(self.code, self.profile)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """Raises LanguageError when a turn is meant to be in a language that has no profile."""
        if gate is Gate.CONVERSATION:
            return self._judge_short(draft)
        return self._judge_turn(draft.last, len(draft.turns) - 1)

    def _judge_turn(self, turn: Turn, index: int) -> Verdict:
        text = prose(turn.content)
        count = len(_language_words(text))
        # A reply may be a number or a piece of code. A user turn without any language asks for nothing.
        if count == 0 and (turn.role == "user" or not any(map(str.isalnum, turn.content))):
            return Drop(reason="language.none", evidence=f"no words in {excerpt(turn.content)!r}", turn=index)
        if count < self.min_words:
            return Keep()
        return self._judge_text(text, turn.language, index)

    def _judge_short(self, draft: Draft) -> Verdict:
        """Short turns, taken together by language.

        Where even together they are short, they go with the longer turns, which have passed their gates.
        """
        texts = [prose(turn.content) for turn in draft.turns]
        counts = [len(_language_words(text)) for text in texts]
        if not any(counts):
            return Drop(reason="language.none", evidence=f"no words in {excerpt(draft.turns[0].content)!r}", turn=0)
        scores: dict[str, float] = {}
        for language in dict.fromkeys(turn.language for turn in draft.turns):
            ours = [index for index, turn in enumerate(draft.turns) if turn.language == language and counts[index]]
            short = [index for index in ours if counts[index] < self.min_words]
            if len(short) < len(ours) and sum(counts[index] for index in short) < self.min_words:
                continue
            if short:
                verdict = self._judge_text("\n".join(texts[index] for index in short), language, short[0])
                if isinstance(verdict, Drop):
                    return verdict
                scores = {name: min(score, scores.get(name, score)) for name, score in verdict.scores.items()}
        return Keep(scores=scores)

    def _judge_text(self, text: str, language: str, index: int) -> Verdict:
        detector = self.detector()
        if language not in detector.languages:
            raise LanguageError(
                f"a turn is meant to be in {language!r}, for which there is no langdetect profile: "
                "use a language pack that has one"
            )
        right = 0
        wrong: list[tuple[int, str, Detection]] = []
        for segment in segments(text):
            letters = sum(map(str.isalpha, segment))
            if not letters:
                continue
            # Nothing is seen in capitals, nor in a script that no profile knows.
            detection = detector.detect(segment) or detector.detect(segment.lower()) or Detection("unknown", 0.0)
            if detection.language == language or (language == self.code and self._rescued(segment)):
                right += letters
            else:
                wrong.append((letters, segment, detection))
        total = right + sum(letters for letters, _, _ in wrong)
        if right >= SEGMENT_SHARE * total:
            return Keep(scores={"language": round(right / total, 3)} if total else {})
        _, segment, detection = max(wrong, key=lambda one: one[0])
        seen = f"{detection.language} ({detection.probability:.2f}), not {language}: {excerpt(segment)}"
        return Drop(reason="language.foreign", evidence=seen, turn=index)

    def _rescued(self, segment: str) -> bool:
        found = words(fold(segment))
        ours = [word for word in found if word in self.function_words]
        return len(set(ours)) >= RESCUE_WORDS and len(ours) >= RESCUE_SHARE * len(found)


def _language_words(text: str) -> list[str]:
    """Words with a letter in them: figures belong to no language."""
    return [word for word in words(text) if any(map(str.isalpha, word))]


def segments(text: str) -> Iterator[str]:
    """Sentences and lines, joined until they can be told by themselves. What is left over goes with the last one."""
    ready: str | None = None
    waiting = ""
    for piece in _pieces(text):
        waiting = f"{waiting} {piece}" if waiting else piece
        if sum(map(str.isalpha, waiting)) >= SEGMENT_LETTERS:
            if ready is not None:
                yield ready
            ready, waiting = waiting, ""
    if ready is None:
        ready = waiting
    elif waiting:
        ready = f"{ready} {waiting}"
    if ready:
        yield ready


def _pieces(text: str) -> Iterator[str]:
    for sentence in _BREAK.split(text):
        for start in range(0, len(sentence), SEGMENT_CHARACTERS):
            piece = sentence[start : start + SEGMENT_CHARACTERS].strip()
            if piece:
                yield piece
