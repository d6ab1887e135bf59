"""Rows found by an exact mark or by their shingles: exact, incremental, in arrays, without pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.chains import Chains
from filters.duplicates.memory import Memory
from filters.duplicates.prefixes import Order
from filters.duplicates.row_store import NO_MARK, Marks, RowStore
from filters.duplicates.shingles import Ints, Keys, Shingles, shared

# Entries read of one chain: so much work at most, however many rows share a key.
MOST_READ = 256
# Shingles are counted by their hashes, in so many cells.
_CELLS = 1 << 18
# Of the counts' own type, which makes counting seventeen times as fast.
_ONE = np.uint32(1)
_COMPARED_TOGETHER = 1 << 15
_FIRST_CAPACITY = 1 << 9
_GROWTH = 4
# Rows that move to a larger table for each row added, and how many at least move at a time.
_MOVES = 4
_MOVED_TOGETHER = 128


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs that are similar enough: the set asked for, the row found, their Jaccard similarity."""

    which: Ints
    rows: Ints
    similarities: NDArray[np.float64]

    def pairs(self) -> Iterator[tuple[int, int, float]]:
        return zip(self.which.tolist(), self.rows.tolist(), self.similarities.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The similarity from which two sets are similar, and a higher one where either has fewer than `few` shingles."""

    all: float
    short: float
    few: int

    def of(self, ours: Ints, theirs: Ints) -> NDArray[np.float64]:
        return np.where(np.minimum(ours, theirs) < self.few, self.short, self.all)


@dataclass(slots=True)
class Work:
    """What finding similar rows has taken so far: sets asked for, rows compared, sets whose chains were cut."""

    sets: int = 0
    compared: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class _Table:
    """Where rows are found, under an order of shingles that stays as it was when the table began."""

    order: Order
    chains: Chains

    @property
    def nbytes(self) -> int:
        return self.order.nbytes + self.chains.nbytes

    def keys(self, marks: Marks, sets: Shingles) -> tuple[Keys, Ints]:
        """The keys under which rows are found, and of which row each is."""
        keys, which = self.order.stored(sets)
        return np.concatenate((_mark_keys(marks), keys)), np.concatenate((np.arange(len(marks)), which))


class RowIndex:
    """Rows have numbers from 0 on; that of a removed row is given to a later one.

    No row that reaches the threshold is missed, unless the work for a set was cut: `work` counts those sets.

    Rows are found in one table. When that is full, a larger one begins, with an order of shingles by what has been
    seen until then; rows move there little by little, and until all have, both tables are asked.
    """

    def __init__(self, thresholds: Thresholds, memory: Memory) -> None:
        self._thresholds = thresholds
        self._memory = memory
        self._rows = RowStore(memory)
        self._counts = np.zeros(_CELLS, np.uint32)
        self._tables = [self._table(_FIRST_CAPACITY)]
        self._entries = 0
        self._to_move = range(0)
        self._there: set[int] = set()
        self._reserved = 0
        self._owed = 0
        self.work = Work()

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes + self._counts.nbytes + sum(table.nbytes for table in self._tables)

    def add(self, marks: Marks, sets: Shingles) -> Ints:
        """The numbers of the new rows. A set may be empty: its row is found by its mark only."""
        np.add.at(self._counts, _cells(sets), _ONE)
        keys, which = self._tables[-1].keys(marks, sets)
        if len(keys) > self._room():
            self._grow(len(keys))
            keys, which = self._tables[-1].keys(marks, sets)
        numbers = self._rows.add(marks, sets)
        if self._to_move:
            # Where a number is given again before it has moved, the new row is there already.
            self._there.update(numbers[numbers < self._to_move.stop].tolist())
        self._tables[-1].chains.add(keys, numbers[which])
        self._entries += len(keys)
        self._owed += _MOVES * len(numbers)
        if len(self._tables) > 1 and self._owed >= _MOVED_TOGETHER:
            self._move(self._owed)
        return numbers

    def remove(self, number: int) -> None:
        row = self._rows.remove(number)
        np.subtract.at(self._counts, _cells(row.sets), _ONE)
        for table in self._tables:
            keys, _ = table.keys(row.marks, row.sets)
            table.chains.remove(keys, number)
        self._entries -= len(keys)

    def same(self, marks: Marks) -> Ints:
        """For each mark a row that has it, or -1."""
        found = np.full(len(marks), -1)
        keys = _mark_keys(marks)
        for table in self._tables:
            which, rows, unread = table.chains.find(keys, MOST_READ)
            self.work.cut += len(unread)
            held = self._rows.marks(rows) == marks[which]
            found[which[held]] = rows[held]
        return found

    def similar(self, sets: Shingles) -> Matches:
        """All rows that reach the threshold, for each of the sets."""
        self.work.sets += len(sets.sizes)
        which, rows, cut = self._meeting(self._tables, sets)
        self.work.cut += cut
        return self._compared(sets, which, rows, lambda some: self._rows.take(some).sets)

    def similar_within(self, sets: Shingles, stored: Ints) -> Matches | None:
        """The pairs among the sets that reach the threshold, of which one at least is a stored one, each pair once.

        None where so many are alike that not all could be compared.
        """
        if not len(stored) or len(sets.sizes) < 2:
            return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        counts = self._counts.copy()
        np.add.at(counts, _cells(sets), _ONE)
        order = Order(counts, self._thresholds.all)
        keys, which = order.stored(sets.only(stored))
        table = _Table(order, Chains(max(1, len(keys)), self._memory))
        table.chains.add(keys, stored[which])
        which, row, cut = self._meeting([table], sets)
        if cut:
            return None
        both = np.isin(which, stored)
        once = (row < which) | ~both
        which, row = which[once], row[once]
        return self._compared(sets, which, row, sets.only)

    def _meeting(self, tables: list[_Table], sets: Shingles) -> tuple[Ints, Ints, int]:
        """(set, row) of every two that have a key in common, and of how many sets some were left out."""
        pairs: list[Ints] = []
        cut: list[Ints] = []
        for table in tables:
            keys, which = table.order.sought(sets)
            found, rows, unread = table.chains.find(keys, MOST_READ)
            pairs.append(which[found] << 32 | rows)
            cut.append(which[unread])
        unique = np.unique(np.concatenate(pairs))
        return unique >> 32, unique & 0xFFFFFFFF, len(np.unique(np.concatenate(cut)))

    def _compared(self, sets: Shingles, which: Ints, rows: Ints, their_sets: Callable[[Ints], Shingles]) -> Matches:
        """Those of the (set, row) pairs that reach the threshold; some at a time, since there may be millions."""
        self.work.compared += len(rows)
        found: list[Matches] = []
        for start in range(0, max(1, len(rows)), _COMPARED_TOGETHER):
            some = slice(start, start + _COMPARED_TOGETHER)
            theirs = their_sets(rows[some])
            both, sizes = shared(sets, which[some], theirs), sets.sizes[which[some]]
            similarities = both / (sizes + theirs.sizes - both)
            near = similarities >= self._thresholds.of(sizes, theirs.sizes)
            found.append(Matches(which[some][near], rows[some][near], similarities[near]))
        return Matches(
            np.concatenate([one.which for one in found]),
            np.concatenate([one.rows for one in found]),
            np.concatenate([one.similarities for one in found]),
        )

    def _table(self, capacity: int) -> _Table:
        return _Table(Order(self._counts.copy(), self._thresholds.all), Chains(capacity, self._memory))

    def _room(self) -> int:
        """For entries of new rows, beside those of the rows that are still to move."""
        chains = self._tables[-1].chains
        return chains.capacity - chains.entries - self._reserved

    def _grow(self, wanted: int) -> None:
        """Begin another table. It is not larger where most entries are those of removed rows, which stay behind."""
        if len(self._tables) > 1:
            self._move(len(self._to_move))
        self._tables.append(self._table(_GROWTH * (self._entries + wanted)))
        self._to_move = range(len(self._rows))
        self._reserved = self._entries
        self._owed = 0

    def _move(self, most: int) -> None:
        moving, self._to_move = self._to_move[:most], self._to_move[most:]
        self._owed = 0
        numbers = np.arange(moving.start, moving.stop)
        numbers = numbers[~np.isin(numbers, list(self._there))]
        rows = self._rows.take(numbers)
        left = np.flatnonzero(rows.marks != NO_MARK)
        keys, which = self._tables[-1].keys(rows.marks[left], rows.sets.only(left))
        self._tables[-1].chains.add(keys, numbers[left][which])
        if not self._to_move:
            del self._tables[:-1]
            self._there.clear()
            self._reserved = 0


def _cells(sets: Shingles) -> NDArray[np.intp]:
    return (sets.values % _CELLS).astype(np.intp)


def _mark_keys(marks: Marks) -> Keys:
    keys: Keys = np.ascontiguousarray(marks).view(np.uint32)[::4]
    return keys
