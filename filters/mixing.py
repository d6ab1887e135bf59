"""Code-mixing: stretches of a text whose words, taken together, are in another language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import regex
from numpy.typing import NDArray

from languages.detection import KEPT_WORDS, Detector, Evidence
from languages.function_words import grammar
from languages.words import LONGEST

# What one word may say for or against a language, in nats: no single word, however odd, decides.
MOST_PER_WORD = 8.0
# Taken off each word, so that a stretch grows by words that say something only.
PRICE_PER_WORD = 0.5
# What a function word says at least for its language: detectors were not made for words as short.
FUNCTION_WORD = 4.0
# From this lead on a stretch is in the other language.
MIN_LEAD = 9.0
MIN_WORDS = 3
# Two words are enough where they could hardly say more.
PLAIN_LEAD = 13.0
# A word beside a stretch that says less than this for our language goes with the stretch.
UNDECIDED = 3.0
# So many words in a row that each speak for the other language need no function word among them.
SOLID_STRETCH = 4
# A sentence with so many words in such stretches, and with this share of its words, is another language's.
SENTENCE_WORDS = 6
SENTENCE_SHARE = 0.7
# Keeps a stretch that was found out of the next ones.
WALL = 1e4
# So many words are searched at once, which bounds memory.
CHUNK = 256

# Words with clitics and endings ("l'eau", "Potter's", "Madril-en"), figures with theirs, and what ends a sentence; not
# what a point ties to a figure ("XIV.a").
_TOKEN = regex.compile(r"(?<![\p{L}\d][.])\p{L}[\p{L}\p{M}\d]*(?:[-'’][\p{L}\p{M}]+)*|\d[\p{L}\p{M}\d]*|[.!?…:;\n]")
_APOSTROPHE = regex.compile(r"['’]")
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in a text, and the number of its sentence there."""

    text: str
    sentence: int
    name: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring words in another language."""

    words: tuple[Word, ...]
    language: str

    def __str__(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Mixture:
    """How much of a text is in other languages."""

    words: tuple[Word, ...]
    stretches: tuple[Stretch, ...]

    @property
    def foreign(self) -> int:
        """Words in stretches of other languages."""
        return sum(len(stretch.words) for stretch in self.stretches)

    @property
    def in_foreign_sentences(self) -> int:
        """Those of them that stand in sentences which are hardly anything else."""
        sentences = Counter(word.sentence for word in self.words)
        foreign = Counter(word.sentence for stretch in self.stretches for word in stretch.words)
        return sum(
            count
            for sentence, count in foreign.items()
            if count >= SENTENCE_WORDS and count >= SENTENCE_SHARE * sentences[sentence]
        )

    @property
    def longest(self) -> Stretch:
        return max(self.stretches, key=lambda stretch: len(stretch.words))


class MixtureReader:
    """Finds the stretches of a text that are not in the language `code`, whose function words are `own`.

    Borrowed nouns and names stay part of the language that borrows them; it is grammar that makes another language
    (Myers-Scotton's matrix language frame). So a stretch needs a function word of another language, unless every word
    of it speaks for that language.
    """

    def __init__(self, code: str, own: frozenset[str], detector: Detector) -> None:
        self._own = own
        self._detector = detector
        self._ours = detector.languages.index(code)
        self._columns = {language: column for column, language in enumerate(detector.languages)}
        self._leads = lru_cache(KEPT_WORDS)(self._measure)

    def read(self, text: str) -> Mixture:
        words = tuple(_words(text))
        found: list[Stretch] = []
        for start in range(0, len(words), CHUNK):
            found += self._stretches(words[start : start + CHUNK])
        return Mixture(words, tuple(found))

    def _stretches(self, words: tuple[Word, ...]) -> Iterator[Stretch]:
        leads = np.stack([self._leads(word.text.lower(), word.name) for word in words])
        while True:
            start, end, sums = _best(leads)
            if sums.max() < MIN_LEAD:
                return
            best = int(sums.argmax())
            languages = {self._detector.languages[column] for column in np.flatnonzero(sums >= MIN_LEAD)}
            solid = end - start >= SOLID_STRETCH and bool((leads[start:end, best] > 0).all())
            start, end = self._widened(start, end, words, leads[:, best])
            stretch = words[start:end]
            enough = len(stretch) >= (MIN_WORDS if sums[best] < PLAIN_LEAD else MIN_WORDS - 1)
            if solid or (enough and self._has_grammar(stretch, languages)):
                yield Stretch(stretch, self._detector.languages[best])
            leads[start:end] = -WALL

    def _measure(self, word: str, name: bool) -> Evidence:
        """How much more a word says for each language than for ours. A name speaks for none, but against some."""
        evidence = self._detector.evidence(word)
        leads: Evidence = np.clip(evidence - evidence[self._ours], -MOST_PER_WORD, MOST_PER_WORD)
        if word in self._own:
            leads = np.minimum(leads, 0)
        else:
            for language in grammar().get(word, ()):
                if (column := self._columns.get(language)) is not None:
                    leads[column] = max(leads[column], FUNCTION_WORD)
        if name:
            leads = np.minimum(leads, 0) * np.float32(0.5)
        leads -= PRICE_PER_WORD
        leads[self._ours] = -MOST_PER_WORD
        return leads

    def _widened(self, start: int, end: int, words: tuple[Word, ...], leads: Evidence) -> tuple[int, int]:
        """A stretch with the undecided words beside it, as long as the whole is in the other language."""

        def goes_with(index: int) -> bool:
            word = words[index]
            return leads[index] > -UNDECIDED and not word.name and word.text.lower() not in self._own

        lead = float(leads[start:end].sum())
        while end < len(words) and goes_with(end) and lead + leads[end] >= MIN_LEAD:
            lead, end = lead + float(leads[end]), end + 1
        while start and goes_with(start - 1) and lead + leads[start - 1] >= MIN_LEAD:
            lead, start = lead + float(leads[start - 1]), start - 1
        return start, end

    def _has_grammar(self, stretch: tuple[Word, ...], languages: set[str]) -> bool:
        """Whether there is a function word in it of a language that it may be in; clitics such as l' and d' count."""
        clitics = (_APOSTROPHE.split(word.text.lower(), maxsplit=1)[0] for word in stretch)
        return any(word not in self._own and not grammar().get(word, _NONE).isdisjoint(languages) for word in clitics)


def _words(text: str) -> Iterator[Word]:
    """A name is a word with a capital that does not begin a sentence."""
    sentence, begins = 0, True
    for token in _TOKEN.findall(text):
        if token[0].isalnum():
            if token[0].isalpha():
                yield Word(token[:LONGEST], sentence, token[0].isupper() and not begins)
            begins = False
        else:
            sentence, begins = sentence + 1, True


def _best(leads: Evidence) -> tuple[int, int, NDArray[np.float64]]:
    """The stretch with the highest sum in one language (Kadane's algorithm, in all at once), and its sums in all."""
    sums = np.vstack([np.zeros(leads.shape[1]), np.cumsum(leads, axis=0, dtype=np.float64)])
    lowest = np.minimum.accumulate(sums, axis=0)
    gains = sums - lowest
    end, column = np.unravel_index(int(gains.argmax()), gains.shape)
    start = int(np.flatnonzero(sums[: end + 1, column] == lowest[end, column])[-1])
    return start, int(end), sums[end] - sums[start]
