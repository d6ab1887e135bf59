"""A text held against one language: its segments, the stretches of other languages in it, and words that are none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from filters.mixing import Mixture, MixtureReader
from filters.segments import letters, segments
from filters.text import excerpt
from languages.detection import Detection, Detector
from languages.detectors import open_detector
from languages.function_words import function_words
from languages.words import WordStatistics, read_words, words_of
from schemas.errors import LanguageError
from schemas.filters import DetectorName

# Of a text's letters, the share that must lie in segments of its language.
SEGMENT_SHARE = 0.8
# A segment with two function words of the language or more, that make this share of its words and outnumber those of
# the language that the detector sees, is in it whatever the detector says: short sentences full of foreign names.
RESCUE_WORDS = 2
RESCUE_SHARE = 0.3
# A few words that the corpus knows are in the language unless another one is so much likelier, in nats.
FEW_WORDS = 5
FAMILIAR_LEAD = 8.0
# Quotations up to this share of a text's words may be in any language.
QUOTED_SHARE = 0.25
# Quotations as short as titles may be half of it.
TITLE_WORDS = 6
TITLES_SHARE = 0.5
# From these shares of a text's words on there is too much of other languages: anywhere, and in sentences of their own.
MIXED_SHARE = 0.2
FOREIGN_SENTENCES = 0.1
# Gibberish: so many words at least, and this share of them unknown to the corpus. Dialects have more known ones.
GIBBERISH_WORDS = 4
UNKNOWN_SHARE = 0.6

# Of the words of a text that may go on, the share in another language that no likely end makes good.
BEGINNING_SHARE = 0.6

_QUOTATION = re.compile(
    r"""
      "(?=\S)[^"\n]{1,500}(?<=\S)" | “[^”\n]{1,500}” | «[^»\n]{1,500}» | „[^“”\n]{1,500}[“”]
    | (?<!\w)'(?=\S)[^'\n]{1,200}(?<=\S)'(?!\w) | ‘[^’\n]{1,200}’(?!\w)
    """,
    re.VERBOSE,
)
UNKNOWN = Detection("unknown", 0.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is not in the language."""

    kind: str
    evidence: str


class Tongue:
    """One language, and how to tell it."""

    def __init__(
        self, code: str, own: frozenset[str], detector: Detector, words: WordStatistics | None, unseen_limit: float
    ) -> None:
        self._code = code
        self._own = own
        self._detector = detector
        self._words = words
        self._unseen_limit = unseen_limit
        self._mixtures = MixtureReader(code, own, detector)

    def judge(self, text: str) -> float | Fault:
        """The share of a text's letters in segments of the language, or what is wrong with it, the plainest first."""
        text, quoted = apart_from_quotations(text)
        found = self._segments(text)
        if isinstance(found, Fault):
            return found
        mixture = self._mixtures.read(text)
        return self._mixed(mixture, text, quoted) or self._gibberish(mixture) or found

    def mostly_foreign(self, text: str) -> Fault | None:
        """Whether most of a text that may go on is in another language.

        The segments have to say so as well as the words: what only one of them sees may be a list of names.
        """
        mixture = self._mixtures.read(text)
        if mixture.foreign < BEGINNING_SHARE * max(1, len(mixture.words)):
            return None
        found = self._segments(text)
        return found if isinstance(found, Fault) else None

    def plainly_foreign(self, text: str) -> Fault | None:
        """Whether at least half of a text too short to be judged is in another language."""
        mixture = self._mixtures.read(text)
        return _fault("foreign", mixture) if 2 * mixture.foreign >= max(1, len(mixture.words)) else None

    def _mixed(self, mixture: Mixture, text: str, quoted: str) -> Fault | None:
        """Too much of other languages inside sentences, or between them. A quotation counts in such company only."""
        if mixture.stretches and quoted:
            mixture = self._mixtures.read(f"{text}\n{quoted}")
        total = len(mixture.words)
        if mixture.foreign >= MIXED_SHARE * total or mixture.in_foreign_sentences >= FOREIGN_SENTENCES * total:
            return _fault("mixed", mixture) if mixture.stretches else None
        return None

    def _segments(self, text: str) -> float | Fault:
        right = total = 0
        wrong: list[tuple[int, int, str, Detection]] = []
        for number, segment in enumerate(segments(text), 1):
            if not (count := letters(segment)):
                continue
            total += count
            # Nothing is seen in capitals, nor in a script that no detector knows.
            seen = self._detector.detect(segment) or self._detector.detect(segment.lower()) or UNKNOWN
            if seen.language == self._code or self._rescued(segment, seen.language) or self._familiar(segment):
                right += count
            else:
                wrong.append((count, number, segment, seen))
        if right >= SEGMENT_SHARE * total:
            return round(right / total, 3) if total else 1.0
        _, number, segment, seen = max(wrong, key=lambda one: one[0])
        where = f"segment {number}: " if number > 1 or right else ""
        what = f"{seen.language} ({seen.probability:.2f}), not {self._code}: {excerpt(segment)}"
        return Fault("foreign", where + what)

    def _rescued(self, segment: str, seen: str) -> bool:
        """Counted are function words that the two languages do not share."""
        theirs = function_words().get(seen)
        if theirs is None:
            return False
        found = words_of(segment)
        ours = [word for word in found if word in self._own and word not in theirs]
        others = sum(word in theirs and word not in self._own for word in found)
        return len(set(ours)) >= RESCUE_WORDS and len(ours) >= max(RESCUE_SHARE * len(found), others + 1)

    def _familiar(self, segment: str) -> bool:
        """Whether the corpus knows every word of a few, and no language is far likelier: detectors need more text."""
        words = words_of(segment)
        if self._words is None or len(words) > FEW_WORDS or not all(word in self._words.counts for word in words):
            return False
        total = np.sum([self._detector.evidence(word) for word in words], axis=0)
        return bool(total.max() - total[self._detector.languages.index(self._code)] < FAMILIAR_LEAD)

    def _gibberish(self, mixture: Mixture) -> Fault | None:
        """Words made of pieces that the language's corpus never has. Names, which are in no language, are left out."""
        if self._words is None or self._unseen_limit >= 1:
            return None
        words = words_of(" ".join(word.text for word in mixture.words if not word.name))
        odd = [word for word in words if word not in self._words.counts]
        if len(words) < GIBBERISH_WORDS or len(odd) < UNKNOWN_SHARE * len(words):
            return None
        share = self._words.unseen(words)
        if share <= self._unseen_limit:
            return None
        return Fault("gibberish", f"{share:.0%} of its pieces are in no {self._code} word: {excerpt(' '.join(odd))}")


def _fault(kind: str, mixture: Mixture) -> Fault:
    longest, total = mixture.longest, len(mixture.words)
    return Fault(kind, f"{longest.language} in {mixture.foreign} of {total} words, such as: {excerpt(str(longest))}")


def apart_from_quotations(text: str) -> tuple[str, str]:
    """The text without what it quotes, and that; where it quotes too much to be left alone, all of it and nothing."""
    quotations = _QUOTATION.findall(text)
    if not quotations:
        return text, ""
    rest, quoted = _QUOTATION.sub(" ", text), "\n".join(quotations)
    titles = all(len(words_of(quotation)) <= TITLE_WORDS for quotation in quotations)
    most = TITLES_SHARE if titles else QUOTED_SHARE
    return (rest, quoted) if len(words_of(quoted)) <= most * len(words_of(text)) else (text, "")


@cache
def open_tongue(
    code: str,
    detector: DetectorName,
    profile: Path | None,
    words: Path | None,
    own: frozenset[str],
    unseen_limit: float,
) -> Tongue:
    """A language and its function words, loaded once per process (one to two seconds).

    Raises LanguageError when a pack's file cannot be read, or the detector does not know the language.
    """
    opened = open_detector(detector, code, profile, words)
    if code not in opened.languages:
        raise LanguageError(
            f"the detector {detector} does not know the language {code!r}: make a pack with `iturri language new`"
        )
    statistics = read_words(words) if words is not None else None
    return Tongue(code, own, opened, statistics, unseen_limit)
