"""Which rows of a batch repeat which: rows that the index holds, and rows of the batch itself that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from filters.duplicates.row_index import RowIndex
from filters.duplicates.row_store import Marks
from filters.duplicates.shingles import Shingles


class Repeat(NamedTuple):
    """The row that a row of a batch repeats: a kept one of the batch by its place, or one of the index by its number.

    The least of several is the most similar one, and of equals the one with the lowest number. An exact repeat has the
    distance 0.
    """

    distance: float
    in_batch: bool
    number: int
    exact: bool = False


class BatchRepeats:
    """Ask for the rows in their order, and say which are held: only these can be repeated by later ones."""

    def __init__(self, index: RowIndex, digests: Sequence[bytes], marks: Marks, sets: Shingles, *, held: bool) -> None:
        """Without `held` no row will be, and those of the index are all there is."""
        self._digests = digests
        self._same = index.same(marks).tolist()
        # Equal rows are looked for once: thousands of them would stand in each other's way.
        self._first: dict[bytes, int] = {}
        for place, row in enumerate(self._same):
            if row < 0:
                self._first.setdefault(digests[place], place)
        places = np.fromiter(self._first.values(), np.int64, len(self._first))
        fresh = sets.only(places)
        self._known: dict[int, Repeat] = {}
        for which, row, similarity in index.similar(fresh).pairs():
            repeat = Repeat(1 - similarity, False, row)
            self._known[which] = min(repeat, self._known.get(which, repeat))
        self._number = {digest: number for number, digest in enumerate(self._first)}
        self._beside: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        self._holders: dict[int, int] = {}
        # Who repeats a row of the index is never held.
        unknown = np.array([number for number in range(len(places)) if number not in self._known], np.int64)
        within = index.similar_within(fresh, unknown) if held else None
        self.crowded = held and within is None
        if within is not None:
            for number, other, similarity in within.pairs():
                self._beside[number].append((1 - similarity, other))
                self._beside[other].append((1 - similarity, number))

    def of(self, place: int) -> Repeat | None:
        """What the row repeats; None for nothing."""
        if self._same[place] >= 0:
            return Repeat(0, False, self._same[place], exact=True)
        number = self._number[self._digests[place]]
        holder = self._holders.get(number)
        if holder is not None:
            return Repeat(0, True, holder, exact=True)
        near = [
            Repeat(distance, True, self._holders[other])
            for distance, other in self._beside.get(number, ())
            if other in self._holders
        ]
        if number in self._known:
            near.append(self._known[number])
        return min(near, default=None)

    def hold(self, place: int) -> None:
        self._holders[self._number[self._digests[place]]] = place
