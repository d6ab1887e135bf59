"""What a corpus teaches about its language: its profile and its words, counted from the lines that are in it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from languages.corpus import CleanLines
from languages.profile import MIN_CHARACTERS, build_profile
from languages.py3langid_detector import Py3langidDetector
from languages.words import WordStatistics, count_words, words_of
from schemas.errors import InputError

# py3langid is taught a language that it does not know from so much of its text, chosen anew from what it has kept. With
# a tenth of the text in English and a tenth in Spanish (Interlingua, docs/new-language.md), all of the text once lets
# 58 % of the Spanish through, this 16 %: the more it is taught, the surer it is, and of what should not be there too.
TEACHING_CHARACTERS = 50_000
TEACHINGS = 3
# Every so many lines, one is kept from the teaching, to measure by.
HELD_OUT_EVERY = 10
# Of the lines that are in the language, this share must not be taken for gibberish, with a margin for other texts.
NOT_GIBBERISH = 0.998
MARGIN = 0.1
# Lines with fewer words are names and titles, in which a single word decides.
WORDS_TO_MEASURE = 6
# A lower limit takes good text for gibberish, a higher one lets gibberish through.
LOWEST_LIMIT = 0.45
HIGHEST_LIMIT = 0.9
OFF = 1.0
# Named in an account of foreign lines.
_MOST_NAMED = 5


@dataclass(frozen=True)
class Learnt:
    """The lines that were learnt from, and what they gave."""

    corpus: CleanLines
    lines: tuple[str, ...]
    profile: str
    words: WordStatistics

    @property
    def characters(self) -> int:
        return sum(map(len, self.lines))


def learn(code: str, lines: Sequence[str]) -> Learnt:
    """Learn a language from lines of text, most of which are in it. Raises InputError when too little is left of them.

    py3langid leaves out what is in other languages; if it does not know this one, it is taught it first.
    """
    corpus, kept = _clean(code, lines)
    characters = sum(map(len, kept))
    if characters < MIN_CHARACTERS:
        left_out = f", after leaving out {account(corpus)}" if account(corpus) else ""
        raise InputError(
            f"--corpus: {characters:,} characters in {code!r}{left_out}: at least {MIN_CHARACTERS:,} are needed, "
            "give more text"
        )
    return Learnt(corpus, kept, build_profile(code, kept), count_words(kept))


def account(corpus: CleanLines) -> str:
    """Which lines were left out, once they have been read, such as `12 short, 3 repeated, 4 foreign (es 3, fr 1)`."""
    parts = [f"{corpus.short:,} short"] if corpus.short else []
    parts += [f"{corpus.repeated:,} repeated"] if corpus.repeated else []
    if corpus.foreign:
        most = ", ".join(f"{language} {count:,}" for language, count in corpus.foreign.most_common(_MOST_NAMED))
        parts.append(f"{corpus.foreign.total():,} foreign ({most})")
    return ", ".join(parts)


def hold_out(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines to measure by, and the others to learn from."""
    others = [line for number, line in enumerate(lines) if number % HELD_OUT_EVERY]
    return list(lines[::HELD_OUT_EVERY]), others


def measure_unseen_limit(lines: Sequence[str]) -> float:
    """The unseen_limit of a pack: above what lines of the language reach whose words have not been counted.

    OFF where the corpus is so small that its language and gibberish look alike.
    """
    held_out, others = hold_out(lines)
    statistics = count_words(others)
    found = [words for words in map(words_of, held_out) if len(words) >= WORDS_TO_MEASURE]
    if not found:
        return OFF
    shares = sorted(map(statistics.unseen, found))
    limit = max(LOWEST_LIMIT, shares[int(NOT_GIBBERISH * len(shares))] + MARGIN)
    return math.ceil(round(100 * limit, 6)) / 100 if limit <= HIGHEST_LIMIT else OFF


def _clean(code: str, lines: Sequence[str]) -> tuple[CleanLines, tuple[str, ...]]:
    """The lines that are in the language, and the account of the others."""
    detector = Py3langidDetector(code, None)
    if code in detector.languages:
        corpus = CleanLines(lines, code, detector)
        return corpus, tuple(corpus)
    kept = tuple(lines)
    for _ in range(TEACHINGS):
        corpus = CleanLines(lines, code, Py3langidDetector(code, count_words(_sample(kept))))
        kept = tuple(corpus)
    return corpus, kept


def _sample(lines: Sequence[str]) -> Sequence[str]:
    """Lines of TEACHING_CHARACTERS together, or all; the same lines give the same sample."""
    share = TEACHING_CHARACTERS / max(1, sum(map(len, lines)))
    return lines if share >= 1 else random.Random(0).sample(lines, math.ceil(share * len(lines)))
