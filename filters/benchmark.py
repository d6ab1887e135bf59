"""A benchmark as the n-grams of words by which its items are known again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from filters.duplicates.shingles import Ints, spread
from filters.text import fold, words

# Brown et al. 2020 (GPT-3), appendix C: n is the 5th percentile of the items' lengths in words, within these. A text
# that is shorter than n, but not than the least, is sought as a whole: a short question beside a long passage.
SHORTEST, LONGEST = 8, 13
_PERCENTILE = 5
# A text of fewer words says nothing, not even where a whole turn is the same.
LEAST_WORDS = 3
# An n-gram in more texts of one benchmark is a template's, and so is a short text that as many items share. A longer
# one may be a passage with many questions; an instruction is shared by all items. Where a template ends an n-gram needs
# as many words of its own as the shortest one has.
MOST_TEXTS = 10
MOST_SHARING = 50
_CELLS_EACH = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.uint32]
_NONE: Hashes = np.empty(0, np.uint64)


def folded_words(text: str) -> list[str]:
    """The words of a text without case, width and punctuation."""
    return words(fold(text))


def word_hashes(found: list[str]) -> Hashes:
    """xxh3-64 of each word."""
    return np.fromiter((xxhash.xxh3_64_intdigest(word.encode()) for word in found), np.uint64, len(found))


def gram_hashes(hashes: Hashes, ngram: int) -> Hashes:
    """64-bit hashes of all runs of `ngram` words, by where they begin: a polynomial in the hashes of the words."""
    count = max(0, len(hashes) - ngram + 1)
    grams = np.zeros(count, np.uint64)
    for offset in range(ngram):
        grams = grams * _MULTIPLIER + hashes[offset : offset + count]
    return grams


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Sorted hashes, each beside the number of a text that has it: 13 to 14 bytes for every two.

    One bit of `cells` says whether any hash begins with the bits that number it. Most of what is sought is not there,
    and this tells so eight times as fast as a search in an array that no processor's cache holds.
    """

    hashes: Hashes
    texts: Numbers
    cells: NDArray[np.uint8]

    @classmethod
    def of(cls, hashes: Hashes, texts: Numbers) -> Grams:
        """From pairs in the order of their texts."""
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        filled = np.zeros(1 << max(3, (_CELLS_EACH * len(hashes) - 1).bit_length()), np.bool_)
        filled[_cells(hashes, len(filled))] = True
        return cls(hashes, texts[order], np.packbits(filled, bitorder="little"))

    @property
    def nbytes(self) -> int:
        return self.hashes.nbytes + self.texts.nbytes + self.cells.nbytes

    def find(self, sought: Hashes) -> tuple[Ints, Ints]:
        """(place among those sought, text) of every two that meet, by place."""
        cells = _cells(sought, 8 * len(self.cells))
        places = np.flatnonzero(self.cells[cells >> 3] >> (cells & 7).astype(np.uint8) & 1)
        starts = np.searchsorted(self.hashes, sought[places])
        sizes = np.searchsorted(self.hashes, sought[places], "right") - starts
        return np.repeat(places, sizes), self.texts[spread(starts, sizes)].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Which items hold which text; `rows` counts all of them, and an item is the place of its row."""

    name: str
    ngram: int
    rows: int
    starts: Ints
    holders: Numbers

    @property
    def texts(self) -> int:
        return len(self.starts) - 1

    def of(self, text: int) -> list[int]:
        """The items that hold a text, in their order."""
        held: list[int] = self.holders[self.starts[text] : self.starts[text + 1]].tolist()
        return held


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """`grams`, by their length, are sought anywhere in a turn; `whole`, those of short items, have to be all of it."""

    items: Items
    grams: dict[int, Grams]
    whole: Grams


class BenchmarkReader:
    """Takes the items of a benchmark one by one: 8 bytes for every word of a text that no other item has."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = 0
        self._numbers: dict[bytes, int] = {}
        self._words: list[Hashes] = []
        # (text, item) of every two; the longest text of each item that has any.
        self._held = array("I")
        self._holders = array("I")
        self._longest = array("I")

    @property
    def texts(self) -> int:
        """How many different ones it has taken."""
        return len(self._words)

    def add(self, texts: Iterable[str]) -> None:
        """The next item. Its texts are compared one by one, and what has no space in it (ids, addresses) not at all."""
        hashed = (word_hashes(folded_words(text)) for text in texts if len(text.split(maxsplit=1)) > 1)
        numbers = [self._number(one) for one in hashed if len(one) >= LEAST_WORDS]
        for number in dict.fromkeys(numbers):
            self._held.append(number)
            self._holders.append(self._rows)
        if numbers:
            self._longest.append(max(numbers, key=lambda number: len(self._words[number])))
        self._rows += 1

    def read(self) -> Benchmark:
        """The benchmark that these items are. Needs at least one text."""
        sizes = np.fromiter(map(len, self._words), np.int64, len(self._words))
        longest = np.frombuffer(self._longest, np.uint32)
        ngram = int(np.clip(np.percentile(sizes[longest], _PERCENTILE), SHORTEST, LONGEST))
        held, holders = np.frombuffer(self._held, np.uint32), np.frombuffer(self._holders, np.uint32)
        sharing = np.bincount(held, minlength=len(sizes))
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(sharing)))
        items = Items(self._name, ngram, self._rows, starts, holders[np.argsort(held, kind="stable")])
        used = sharing <= np.where(sizes < LONGEST, MOST_TEXTS, MOST_SHARING)
        grams = {length: self._grams(length, sizes, used & (sizes == length)) for length in range(SHORTEST, ngram)}
        grams[ngram] = self._grams(ngram, sizes, used & (sizes >= ngram))
        return Benchmark(items, grams, self._whole(sizes, longest))

    def _number(self, hashes: Hashes) -> int:
        number = self._numbers.setdefault(xxhash.xxh3_128_digest(hashes.tobytes()), len(self._words))
        if number == len(self._words):
            self._words.append(hashes)
        return number

    def _grams(self, length: int, sizes: Ints, wanted: NDArray[np.bool_]) -> Grams:
        """The n-grams of the wanted texts, without those that are a template's or too much of them is."""
        texts = np.flatnonzero(wanted)
        words = np.concatenate([_NONE, *(self._words[text] for text in texts.tolist())])
        counts, ends = sizes[texts] - length + 1, np.cumsum(sizes[texts])
        places = spread(ends - sizes[texts], counts)
        hashes, owners = gram_hashes(words, length)[places], np.repeat(texts.astype(np.uint32), counts)
        common = _in_many_texts(hashes, owners)
        edges = np.bincount(places[common], minlength=len(words) + 1)
        edges -= np.bincount(places[common] + length, minlength=len(words) + 1)
        own_before = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.cumsum(edges)[:-1] == 0)))
        used = own_before[places + length] - own_before[places] >= SHORTEST
        grams = Grams.of(hashes[used], owners[used])
        once = _changes(grams.hashes) | _changes(grams.texts)
        return Grams.of(grams.hashes[once], grams.texts[once])

    def _whole(self, sizes: Ints, longest: Numbers) -> Grams:
        """Of the items that have no longer text the longest one."""
        texts, items = np.unique(longest, return_counts=True)
        texts = texts[(sizes[texts] < SHORTEST) & (items <= MOST_TEXTS)]
        hashes = [gram_hashes(self._words[text], len(self._words[text])) for text in texts.tolist()]
        return Grams.of(np.concatenate([_NONE, *hashes]), texts)


def _in_many_texts(hashes: Hashes, texts: Numbers) -> NDArray[np.bool_]:
    """For each n-gram whether more than MOST_TEXTS have it. Pairs are in the order of their texts."""
    order = np.argsort(hashes, kind="stable")
    begins = _changes(hashes[order])
    run = np.cumsum(begins) - 1
    many = np.bincount(run[begins | _changes(texts[order])]) > MOST_TEXTS
    found = np.empty(len(hashes), np.bool_)
    found[order] = many[run]
    return found


def _cells(hashes: Hashes, cells: int) -> Ints:
    """The first bits of each hash, as many as number so many cells, which are a power of two."""
    return (hashes >> np.uint64(65 - cells.bit_length())).astype(np.int64)


def _changes(values: Hashes | Numbers) -> NDArray[np.bool_]:
    """Where a value is not the one before it."""
    return np.concatenate((np.ones(min(1, len(values)), np.bool_), values[1:] != values[:-1]))
