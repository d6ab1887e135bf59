"""Unit vectors by row, searched in whole: exact, incremental, without pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.memory import Memory
from filters.duplicates.shingles import Ints

Vectors = NDArray[np.float32]
"""Vectors of the length 1, one a row."""

_BLOCK_ROWS = 4096
_NUMBER = np.dtype(np.float32)
# Sums of float32 in any order are this near, for unit vectors of up to tens of thousands of numbers.
_ROUNDING = 1e-4


class VectorRows:
    """Rows are numbered from 0 on and stay. One thread adds, others may search meanwhile what was there before."""

    def __init__(self, dimensions: int, memory: Memory) -> None:
        self._dimensions = dimensions
        self._memory = memory
        self._blocks: list[Vectors] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def nbytes(self) -> int:
        """Of what it holds."""
        return self._length * self._dimensions * 4

    def add(self, vectors: Vectors) -> range:
        """The numbers of the new rows."""
        numbers = range(self._length, self._length + len(vectors))
        while len(vectors):
            place = self._length % _BLOCK_ROWS
            if not place:
                block = self._memory.zeros(_BLOCK_ROWS * self._dimensions, _NUMBER)
                self._blocks.append(block.reshape(_BLOCK_ROWS, self._dimensions))
            some, vectors = vectors[: _BLOCK_ROWS - place], vectors[_BLOCK_ROWS - place :]
            self._blocks[-1][place : place + len(some)] = some
            self._length += len(some)
        return numbers

    def best(self, vectors: Vectors, threshold: float, start: int, end: int) -> list[tuple[int, float]]:
        """For each vector the most similar row from `start` to before `end`, the oldest of several, with the cosine.

        (-1, 0.0) where none reaches the threshold.
        """
        found = [(-1, 0.0)] * len(vectors)
        while start < end:
            block, first = divmod(start, _BLOCK_ROWS)
            last = min(_BLOCK_ROWS, first + end - start)
            for which, row, cosine in similar(vectors, self._blocks[block][first:last], threshold):
                if cosine > found[which][1]:
                    found[which] = (start + row, cosine)
            start += last - first
        return found


def similar(vectors: Vectors, rows: Vectors, threshold: float) -> list[tuple[int, int, float]]:
    """(vector, row, cosine) of all that reach the threshold, in the order of the rows for each vector.

    Cosines are of float64, so that they depend on the two vectors alone: neither on the processor's way to multiply
    matrices nor on what was searched at the same time.
    """
    which, row = np.nonzero(vectors @ rows.T >= threshold - _ROUNDING)
    cosines = _cosines(vectors, which, rows, row)
    near = cosines >= threshold
    return list(zip(which[near].tolist(), row[near].tolist(), cosines[near].tolist(), strict=True))


def _cosines(vectors: Vectors, which: Ints, rows: Vectors, row: Ints) -> NDArray[np.float64]:
    left, right = vectors[which].astype(np.float64), rows[row].astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines: NDArray[np.float64] = (left * right).sum(axis=1) / lengths
    return cosines
