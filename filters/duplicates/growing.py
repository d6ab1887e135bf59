"""Arrays that grow without ever moving what they hold."""

from __future__ import annotations

from bisect import bisect_right
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.memory import Memory

Item = TypeVar("Item", bound=np.generic)
Positions = NDArray[np.int64]

_FIRST_BLOCK = 1 << 12


class Growing(Generic[Item]):
    """A column of numbers in blocks, each as long as all before it: few blocks, and no pause to copy them.

    The system gives a block its memory page by page, when it is written, so the unused end of the last one is free.
    """

    def __init__(self, item: type[Item] | np.dtype[Item], memory: Memory) -> None:
        self._item: np.dtype[Item] = np.dtype(item)
        self._memory = memory
        self._blocks: list[NDArray[Item]] = []
        self._starts: list[int] = []
        self._room = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """Of what it holds."""
        return self._length * self._item.itemsize

    def extend(self, values: NDArray[Item]) -> int:
        """Add to the end; the position of the first value."""
        first = self._length
        self._length += len(values)
        while self._room < self._length:
            block = self._memory.zeros(max(_FIRST_BLOCK, self._room), self._item)
            self._blocks.append(block)
            self._starts.append(self._room)
            self._room += len(block)
        self.put(np.arange(first, self._length), values)
        return first

    def take(self, positions: Positions) -> NDArray[Item]:
        """The values there, in the order asked for."""
        taken = np.empty(len(positions), self._item)
        for block, inside, places in self._by_block(positions):
            taken[inside] = block[places]
        return taken

    def put(self, positions: Positions, values: NDArray[Item]) -> None:
        for block, inside, places in self._by_block(positions):
            block[places] = values[inside]

    def _by_block(self, positions: Positions) -> list[tuple[NDArray[Item], slice | NDArray[np.bool_], Positions]]:
        """For each block that is asked: which of the positions it has, and where they are in it."""
        if not len(positions):
            return []
        lowest = bisect_right(self._starts, int(positions.min())) - 1
        highest = bisect_right(self._starts, int(positions.max())) - 1
        if lowest == highest:
            return [(self._blocks[lowest], slice(None), positions - self._starts[lowest])]
        number = np.searchsorted(self._starts, positions, "right") - 1
        parts: list[tuple[NDArray[Item], slice | NDArray[np.bool_], Positions]] = []
        for block in range(lowest, highest + 1):
            inside = number == block
            parts.append((self._blocks[block], inside, positions[inside] - self._starts[block]))
        return parts
