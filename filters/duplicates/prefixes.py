"""Under which keys a set of shingles is stored and sought, so that sets as similar as the threshold always meet.

Put the shingles of all sets into one order, rare ones first. Two sets that share many must share one early in both:
if the first that they share is number i of one set and number j of the other (counted from 0), they share at most
as many as are left there, n - i and m - j. So a set is stored under its first few shingles only, together with its
size, and sought under its first few together with every size that a similar set can have. Rare first, because a
template's words, which thousands of rows share, then come last and are hardly ever looked up.
(Prefix and positional filtering: Bayardo et al. 2007, Xiao et al. 2008.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.shingles import Ints, Keys, Shingles

_SPREAD = 0x9E3779B1


@dataclass(frozen=True, slots=True)
class _Plan:
    """Keys of one set: of its shingle at each of these positions, together with a tag."""

    positions: NDArray[np.intp]
    tags: NDArray[np.uint32]

    def keys(self, ordered: Keys) -> Keys:
        """(sets, shingles in order) to (sets, keys)."""
        return ordered[:, self.positions] + self.tags


@dataclass(frozen=True, slots=True)
class Order:
    """An order of shingles that stays, and the keys of sets under it.

    `counts` says how often a shingle was seen: cells by its hash, a power of two of them. Wrong counts only cost time.
    """

    counts: NDArray[np.uint32]
    threshold: float

    @property
    def nbytes(self) -> int:
        return self.counts.nbytes

    def stored(self, sets: Shingles) -> tuple[Keys, Ints]:
        """The keys under which sets are found by others, and of which set each is."""
        return self._keys(sets, _stored)

    def sought(self, sets: Shingles) -> tuple[Keys, Ints]:
        """The keys under which sets find others, and of which set each is."""
        return self._keys(sets, _sought)

    def _keys(self, sets: Shingles, plan: Callable[[int, float], _Plan]) -> tuple[Keys, Ints]:
        """Sets of one size make a matrix, and have one plan."""
        starts = sets.starts
        keys: list[Keys] = [np.empty(0, np.uint32)]
        owners: list[Ints] = [np.empty(0, np.int64)]
        for size in np.unique(sets.sizes).tolist():
            if size:
                which = np.flatnonzero(sets.sizes == size)
                ordered = self._rarest_first(sets.values[starts[which][:, None] + np.arange(size)])
                found = plan(size, self.threshold).keys(ordered)
                keys.append(found.ravel())
                owners.append(np.repeat(which, found.shape[1]))
        return np.concatenate(keys), np.concatenate(owners)

    def _rarest_first(self, sets: Keys) -> Keys:
        """(sets, shingles), each set in order."""
        ranked = self.counts[sets % len(self.counts)].astype(np.uint64) << 32 | sets
        ranked.sort(axis=1)
        return ranked.astype(np.uint32)


def least_shared(ours: int, theirs: int, threshold: float) -> int:
    """How many shingles two sets of these sizes share at least when their Jaccard similarity reaches the threshold."""
    together = ours + theirs
    shared = max(0, int(threshold / (1 + threshold) * together) - 1)
    while shared < together and shared / (together - shared) < threshold:
        shared += 1
    return shared


def sizes_alike(size: int, threshold: float) -> tuple[int, int]:
    """The smallest and the largest size of sets that can be similar to one of this size."""
    smallest = max(1, int(threshold * size) - 1)
    while smallest / size < threshold:
        smallest += 1
    largest = int(size / threshold) + 1
    while size / largest < threshold:
        largest -= 1
    return smallest, largest


@lru_cache(maxsize=512)
def _stored(size: int, threshold: float) -> _Plan:
    """Where a set of this size is found by others.

    Shingles that matter to larger or equal sets only are told apart from those that smaller sets need as well.
    """
    smallest, _ = sizes_alike(size, threshold)
    to_all = size - least_shared(size, size, threshold) + 1
    positions = np.arange(size - least_shared(size, smallest, threshold) + 1)
    return _Plan(positions, _tags(2 * size_class(size) + (positions >= to_all)))


@lru_cache(maxsize=512)
def _sought(size: int, threshold: float) -> _Plan:
    """Where a set of this size looks for others."""
    smallest, largest = sizes_alike(size, threshold)
    positions: list[NDArray[np.intp]] = []
    tags: list[NDArray[np.uint32]] = []
    theirs = smallest
    while theirs <= largest:
        kind = size_class(theirs)
        following = next_class(theirs)
        early = np.arange(size - least_shared(size, theirs, threshold) + 1)
        positions.append(early)
        tags.append(_tags(np.full(len(early), 2 * kind)))
        if following - 1 > size:
            late = np.arange(size - least_shared(size, max(theirs, size + 1), threshold) + 1)
            positions.append(late)
            tags.append(_tags(np.full(len(late), 2 * kind + 1)))
        theirs = following
    return _Plan(np.concatenate(positions), np.concatenate(tags))


def size_class(size: int) -> int:
    """Sizes up to 16 each for itself, larger ones in classes a sixteenth to an eighth wide: consecutive numbers."""
    shift = max(0, size.bit_length() - 4)
    return 8 * shift + (size >> shift)


def next_class(size: int) -> int:
    """The smallest size in the class after that of this one."""
    shift = max(0, size.bit_length() - 4)
    return (size >> shift) + 1 << shift


def _tags(numbers: NDArray[np.int_]) -> NDArray[np.uint32]:
    return (numbers.astype(np.uint64) * _SPREAD & 0xFFFFFFFF).astype(np.uint32)
