"""Sets of shingles, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Keys = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Shingles:
    """Sets one after the other in one array: each sorted, without repeats, and so many long as `sizes` says."""

    values: NDArray[np.uint32]
    sizes: Ints

    @classmethod
    def of(cls, sets: Sequence[bytes]) -> Shingles:
        """From the form in which signatures have them."""
        values = np.frombuffer(b"".join(sets), "<u4").astype(np.uint32, copy=False)
        return cls(values, np.fromiter(map(len, sets), np.int64, len(sets)) // 4)

    @property
    def starts(self) -> Ints:
        """Where each set begins."""
        return np.cumsum(self.sizes) - self.sizes

    def only(self, which: Ints) -> Shingles:
        sizes = self.sizes[which]
        return Shingles(self.values[spread(self.starts[which], sizes)], sizes)


def spread(starts: Ints, sizes: Ints) -> Ints:
    """start, start + 1, ... of every run, one run after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    places: Ints = np.arange(total) + np.repeat(starts - (ends - sizes), sizes)
    return places


def shared(left: Shingles, which: Ints, right: Shingles) -> Ints:
    """How many shingles each set of `right` shares with set `which` of `left`."""
    # The number of the set above its shingles makes one sorted array of all sets, in which each is looked up.
    haystack = np.repeat(np.arange(len(left.sizes)) << 32, left.sizes) | left.values
    pair = np.repeat(np.arange(len(which)), right.sizes)
    needles = which[pair] << 32 | right.values
    place = np.searchsorted(haystack, needles)
    place[place == len(haystack)] = 0
    hit = haystack[place] == needles if len(haystack) else np.zeros(len(needles), np.bool_)
    return np.bincount(pair[hit], minlength=len(which))
