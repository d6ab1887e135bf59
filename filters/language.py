"""Every turn on its own must be in the language it is meant to be in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from filters.prose import prose
from filters.sentences import sentences
from filters.text import excerpt
from filters.tongue import Fault, Tongue, open_tongue
from languages.function_words import function_words
from languages.loader import available_languages, load_pack
from languages.pack import LanguagePack
from languages.words import words_of
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import DetectorName, LanguageFilter
from schemas.verdict import Drop, Keep, Verdict

# Below so many words the beginning of a turn may still become anything.
BEGINNING_WORDS = 8


@dataclass(frozen=True, slots=True)
class _Spec:
    """What a pack says of telling its language."""

    code: str
    profile: Path | None
    words: Path | None
    function_words: frozenset[str]
    unseen_limit: float


@dataclass(frozen=True)
class LanguageJudge:
    """Judges the last turn at its gate, and the turns too short to be judged alone at the conversation gate.

    Before there are turns, it judges what the draft is made from: a passage, or a conversation in another language.
    While a turn is sampled, it must not be plainly foreign: as a whole, or by its last words.

    Only settings are kept here, so that the filter is cheap to pickle; detectors and statistics are the process's.
    """

    languages: tuple[_Spec, ...]
    detector: DetectorName
    min_words: int
    name: ClassVar[str] = "language"
    gates: ClassVar[frozenset[Gate]] = frozenset(Gate)
    heavy: ClassVar[bool] = True

    @classmethod
    def open(cls, settings: LanguageFilter, pack: LanguagePack, others: Sequence[LanguagePack] = ()) -> LanguageJudge:
        """The filter of a pack, and of others that turns may be in, its detectors loaded.

        Raises LanguageError when a file of a pack cannot be read.
        """
        judge = cls(tuple(map(_spec, (pack, *others))), settings.detector, settings.min_words)
        for one in judge.languages:
            judge.tongue(one.code)
        return judge

    def tongue(self, language: str) -> Tongue:
        """How the turns that are meant to be in a language are judged.

        Raises LanguageError for a language that the detector does not know.
        """
        for one in self.languages:
            if one.code == language:
                return _open(one, self.detector)
        return _other_tongue(language, self.detector)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """Raises LanguageError when a turn is meant to be in a language that the detector does not know."""
        if gate is Gate.MATERIAL:
            return self._judge_given(draft) if draft.given else self._judge_passage(draft)
        if gate is Gate.CONVERSATION:
            return self._judge_short(draft)
        if draft.last.origin == "native" and draft.last.content == draft.passage:
            return Keep()  # judged before there were turns
        if gate is Gate.SAMPLING:
            return self._judge_beginning(draft.last, len(draft.turns) - 1)
        return self._judge_turn(draft.last, len(draft.turns) - 1)

    def _judge_given(self, draft: Draft) -> Verdict:
        """What is wrong with the given turns is wrong with the draft; their scores are not its own."""
        for index, turn in enumerate(draft.given):
            verdict = self._judge_turn(turn, index)
            if isinstance(verdict, Drop):
                return verdict
        whole = self._judge_short(draft.model_copy(update={"turns": draft.given}))
        return whole if isinstance(whole, Drop) else Keep()

    def _judge_passage(self, draft: Draft) -> Verdict:
        if draft.passage is None:
            return Keep()
        text = prose(draft.passage)
        if not words_of(text):
            return self._drop(Fault("none", f"no words in {excerpt(draft.passage)!r}"), None)
        found = self.tongue(draft.language).judge(text)
        return self._drop(found, None) if isinstance(found, Fault) else Keep(scores={"language": found})

    def _judge_turn(self, turn: Turn, index: int) -> Verdict:
        text = prose(turn.content)
        count = len(words_of(text))
        # A reply may be a number or a piece of code. A user turn without any language asks for nothing.
        if count == 0 and (turn.role == "user" or not any(map(str.isalnum, turn.content))):
            return self._drop(Fault("none", f"no words in {excerpt(turn.content)!r}"), index)
        if count >= self.min_words:
            return self._judge_text(text, turn.language, index)
        fault = self.tongue(turn.language).plainly_foreign(text) if count else None
        return self._drop(fault, index) if fault is not None else Keep()

    def _judge_beginning(self, turn: Turn, index: int) -> Verdict:
        """The whole words of a turn that is not there yet. What is doubtful now may be plain by its end.

        Names and quotations may be in any language as long as enough follows, so they are left out.
        """
        text = sentences(turn.content.rpartition(" ")[0])
        if len(words_of(text)) < BEGINNING_WORDS:
            return Keep()
        fault = self.tongue(turn.language).mostly_foreign(text)
        return self._drop(fault, index) if fault is not None else Keep()

    def _judge_short(self, draft: Draft) -> Verdict:
        """Short turns, taken together by language.

        Where even together they are short, they go with the longer turns, which have passed their gates.
        """
        texts = [prose(turn.content) for turn in draft.turns]
        counts = [len(words_of(text)) for text in texts]
        if not any(counts):
            return self._drop(Fault("none", f"no words in {excerpt(draft.turns[0].content)!r}"), 0)
        scores: dict[str, float] = {}
        for language in dict.fromkeys(turn.language for turn in draft.turns):
            ours = [index for index, turn in enumerate(draft.turns) if turn.language == language and counts[index]]
            short = [index for index in ours if counts[index] < self.min_words]
            if len(short) < len(ours) and sum(counts[index] for index in short) < self.min_words:
                continue
            if short:
                verdict = self._judge_text("\n".join(texts[index] for index in short), language, short[0])
                if isinstance(verdict, Drop):
                    # Dropped for all of them together, it is shown by the first that would not stand alone.
                    alone = (self._judge_text(texts[index], language, index) for index in short)
                    return next((one for one in alone if isinstance(one, Drop)), verdict)
                scores = {name: min(score, scores.get(name, score)) for name, score in verdict.scores.items()}
        return Keep(scores=scores)

    def _judge_text(self, text: str, language: str, index: int) -> Verdict:
        found = self.tongue(language).judge(text)
        return self._drop(found, index) if isinstance(found, Fault) else Keep(scores={"language": found})

    def _drop(self, fault: Fault, index: int | None) -> Drop:
        return Drop(reason=f"{self.name}.{fault.kind}", evidence=fault.evidence, turn=index)


@cache
def _other_tongue(language: str, detector: DetectorName) -> Tongue:
    """The other language of a bilingual conversation, told by the pack that ships, else by the detector alone."""
    if language in available_languages():
        return _open(_spec(load_pack(language)), detector)
    return open_tongue(language, detector, None, None, function_words().get(language, frozenset()), 1.0)


def _spec(pack: LanguagePack) -> _Spec:
    return _Spec(pack.code, pack.profile, pack.words, frozenset(pack.function_words), pack.unseen_limit)


def _open(spec: _Spec, detector: DetectorName) -> Tongue:
    return open_tongue(spec.code, detector, spec.profile, spec.words, spec.function_words, spec.unseen_limit)
