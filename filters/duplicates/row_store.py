"""What each row holds: an exact mark, and a set of shingles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.growing import Growing
from filters.duplicates.memory import Memory
from filters.duplicates.shingles import Ints, Shingles, spread

MARK = np.dtype("V16")
Marks = NDArray[np.void]
NO_MARK = np.zeros((), MARK)

_ROW = np.dtype([("mark", MARK), ("start", np.int64), ("size", np.int32)], align=True)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, with a mark and a set for each. A removed one has NO_MARK and an empty set."""

    marks: Marks
    sets: Shingles


class RowStore:
    """Rows by their numbers, from 0 on. The place of a removed row is given to a later one with as many shingles."""

    def __init__(self, memory: Memory) -> None:
        self._records: Growing[np.void] = Growing(_ROW, memory)
        self._shingles: Growing[np.uint32] = Growing(np.uint32, memory)
        self._removed: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """How many numbers have been given."""
        return len(self._records)

    @property
    def nbytes(self) -> int:
        return self._records.nbytes + self._shingles.nbytes

    def add(self, marks: Marks, sets: Shingles) -> Ints:
        """The numbers of new rows."""
        numbers = np.full(len(marks), -1)
        if self._removed:
            numbers[:] = [self._removed_row(size) for size in sets.sizes.tolist()]
            self._fill(numbers, marks, sets)
        new = np.flatnonzero(numbers < 0)
        fresh = sets.only(new)
        records = np.empty(len(new), _ROW)
        records["mark"], records["size"] = marks[new], fresh.sizes
        records["start"] = fresh.starts + self._shingles.extend(fresh.values)
        numbers[new] = self._records.extend(records) + np.arange(len(new))
        return numbers

    def take(self, numbers: Ints) -> Rows:
        records = self._records.take(numbers)
        sizes = records["size"].astype(np.int64)
        sets = Shingles(self._shingles.take(spread(records["start"], sizes)), sizes)
        return Rows(records["mark"], sets)

    def marks(self, numbers: Ints) -> Marks:
        marks: Marks = self._records.take(numbers)["mark"]
        return marks

    def remove(self, number: int) -> Rows:
        """The row as it was."""
        place = np.array([number])
        row = self.take(place)
        self._removed.setdefault(int(row.sets.sizes[0]), []).append(number)
        record = self._records.take(place)
        record["mark"], record["size"] = NO_MARK, 0
        self._records.put(place, record)
        return row

    def _removed_row(self, size: int) -> int:
        removed = self._removed.get(size)
        return removed.pop() if removed else -1

    def _fill(self, numbers: Ints, marks: Marks, sets: Shingles) -> None:
        """Put rows where there is a number for them."""
        which = np.flatnonzero(numbers >= 0)
        numbers, sets = numbers[which], sets.only(which)
        records = self._records.take(numbers)
        records["mark"], records["size"] = marks[which], sets.sizes
        self._records.put(numbers, records)
        self._shingles.put(spread(records["start"], sets.sizes), sets.values)
