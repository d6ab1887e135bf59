"""A translated turn against what it was translated from: length, what was left out, what was left as it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from filters.segments import letters
from filters.text import excerpt, fold, words
from languages.protected_text import protected_pieces, without_protected
from schemas.conversation import Draft, Gate
from schemas.filters import TranslationFilter
from schemas.verdict import Drop, Keep, Verdict

# Letters that a short text may have more or fewer than its length allows: "Yes" is "Bai, hala da" as well as "Bai".
SLACK_LETTERS = 15
# Source that stands there still: 4-grams of words, of at least so many.
NGRAM = 4
MIN_NGRAMS = 4
# A turn that equals its source was not translated if it has so many words that are no names.
SAME_WORDS = 2
# Of so many list items or lines, more than this share must be left.
MIN_ITEMS = 3
MIN_LINES = 6
KEPT_STRUCTURE = 0.5
# Of the numbers of the source, at most this share, or this many, may be missing: "a 20-year-old" may have words for it.
MISSING_NUMBERS = 1 / 3
FREE_NUMBERS = 1

_ITEM = re.compile(r"^[ \t]*(?:[-*+•–]|\d{1,3}[.)]|[a-zA-Z]\))[ \t]+\S", re.MULTILINE)
_MARK = re.compile(r"⟦[^⟦⟧\n]{0,40}⟧")
_GROUPING = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"\d(?:[\d.,'’]*\d)?")


@dataclass(frozen=True)
class TranslationJudge:
    """Judges the last turn if it was translated; its protected pieces apart, which must all be there as they were."""

    min_ratio: float
    max_ratio: float
    max_leftover: float
    name: ClassVar[str] = "translation"
    gates: ClassVar[frozenset[Gate]] = frozenset({Gate.USER_TURN, Gate.REPLY})
    heavy: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: TranslationFilter) -> TranslationJudge:
        return cls(settings.min_ratio, settings.max_ratio, settings.max_leftover)

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        turn = draft.last
        if turn.original is None:
            return Keep()
        for kind, evidence in self._faults(turn.original, turn.content):
            return Drop(reason=f"{self.name}.{kind}", evidence=evidence, turn=len(draft.turns) - 1)
        return Keep()

    def _faults(self, source: str, translation: str) -> Iterator[tuple[str, str]]:
        """What is wrong with the translation, as kind and evidence."""
        pieces = protected_pieces(source)
        rest, faults = _taken_out(pieces, translation)
        if faults:
            yield "placeholders", faults
        source, translation = without_protected(source), without_protected(rest)
        yield from self._length(letters(source), letters(translation))
        yield from self._leftover(source, translation)
        yield from _structure(source, translation)
        yield from _numbers(source, translation)

    def _length(self, source: int, translation: int) -> Iterator[tuple[str, str]]:
        least, most = self.min_ratio * source - SLACK_LETTERS, self.max_ratio * source + SLACK_LETTERS
        if not least <= translation <= most:
            ratio = f"{translation / source:.2f} of them" if source else "the source has none"
            yield "length", f"{translation} letters for {source}, {ratio}"

    def _leftover(self, source: str, translation: str) -> Iterator[tuple[str, str]]:
        if fold(source) == fold(translation) and sum(map(_plain, words(source))) >= SAME_WORDS:
            yield "leftover", f"the same as its source: {excerpt(source)}"
        grams = _grams(source)
        left = grams & _grams(translation)
        if grams.total() >= MIN_NGRAMS and left.total() > self.max_leftover * grams.total():
            example = excerpt(" ".join(next(iter(left))))
            yield "leftover", f"{left.total() / grams.total():.0%} of the source stands there, such as: {example}"


def _taken_out(pieces: list[str], translation: str) -> tuple[str, str]:
    """The translation with a space for each protected piece of its source, and which are missing or too many.

    Pieces are looked for as strings, the longest first: in another language an ending may be glued to them.
    """
    lost: list[str] = []
    doubled: list[str] = []
    for piece, count in sorted(Counter(pieces).items(), key=lambda item: -len(item[0])):
        found = translation.count(piece)
        if found < count:
            lost.append(piece)
        elif found > count:
            doubled.append(piece)
        translation = translation.replace(piece, " ")
    invented = _MARK.findall(translation)
    told = (("lost", lost), ("doubled", doubled), ("invented", invented))
    return translation, "; ".join(
        f"{what} {len(which)}, such as {excerpt(which[0], 50)!r}" for what, which in told if which
    )


def _structure(source: str, translation: str) -> Iterator[tuple[str, str]]:
    """A list that became a sentence, paragraphs that were passed over."""
    for what, least, count in (("list items", MIN_ITEMS, _items), ("lines", MIN_LINES, _lines)):
        ours, theirs = count(translation), count(source)
        if theirs >= least and ours < KEPT_STRUCTURE * theirs:
            yield "structure", f"{ours} {what} of {theirs}"


def _items(text: str) -> int:
    return len(_ITEM.findall(text))


def _lines(text: str) -> int:
    return sum(any(map(str.isalpha, line)) for line in text.splitlines())


def _numbers(source: str, translation: str) -> Iterator[tuple[str, str]]:
    theirs, ours = _digits(source), _digits(translation)
    missing = [number for number in theirs if number not in ours]
    if len(missing) > max(FREE_NUMBERS, MISSING_NUMBERS * len(theirs)):
        yield "numbers", f"{len(missing)} of {len(theirs)} numbers are missing, such as {excerpt(missing[0], 40)}"


def _digits(text: str) -> dict[str, None]:
    """The different numbers of two digits or more, without marks between digits: these differ between languages."""
    found = ("".join(filter(str.isdigit, number)) for number in _NUMBER.findall(_GROUPING.sub("", text)))
    return dict.fromkeys(number for number in found if len(number) >= 2)


def _grams(text: str) -> Counter[tuple[str, ...]]:
    """The n-grams of words without a name in them."""
    found = words(text)
    grams = zip(*(found[start:] for start in range(NGRAM)), strict=False)
    return Counter(gram for gram in grams if all(map(_plain, gram)))


def _plain(word: str) -> bool:
    """Whether a word is no name, no figure, and does not begin a sentence."""
    return word[0].isalpha() and not word[0].isupper()
