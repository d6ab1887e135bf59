"""How many different values went by, in a memory that does not grow."""

from __future__ import annotations

from math import inf, log

import numpy as np

from filters.duplicates.shingles import Keys

_BITS = 14
_REGISTERS = 1 << _BITS
_REST = 64 - _BITS


class Distinct:
    """HyperLogLog (Flajolet et al. 2007) over 32-bit hashes: 16 kB, a standard error of 0.8 %."""

    def __init__(self) -> None:
        self._registers = np.zeros(_REGISTERS, np.uint8)
        self.seen = 0

    def add(self, hashes: Keys) -> None:
        self.seen += len(hashes)
        mixed = _mixed(hashes)
        # The place of the first bit that is set in what the register's number leaves over, counted from 1.
        rest = mixed >> np.uint64(_BITS)
        rank = np.uint8(_REST + 1) - np.ceil(np.log2(rest.astype(np.float64) + 1)).astype(np.uint8)
        np.maximum.at(self._registers, (mixed & np.uint64(_REGISTERS - 1)).astype(np.intp), rank)

    @property
    def different(self) -> float:
        """About how many of those seen were different ones."""
        counts = np.bincount(self._registers, minlength=_REST + 2)
        set_ones = float(np.sum(counts[1:] * np.exp2(-np.arange(1.0, len(counts)))))
        estimate = _REGISTERS**2 / (2 * log(2) * (_REGISTERS * _sigma(counts[0] / _REGISTERS) + set_ones))
        return min(estimate, float(self.seen))

    @property
    def share(self) -> float | None:
        """Of all that were seen; None for none."""
        return self.different / self.seen if self.seen else None


def _sigma(empty: float) -> float:
    """What empty registers add (Ertl 2017, arXiv 1702.01284, algorithm 6): no range of counts is biased."""
    if empty == 1:
        return inf
    total, before, factor = empty, -1.0, 1.0
    while total != before:
        empty *= empty
        before = total
        total += empty * factor
        factor *= 2
    return total


def _mixed(hashes: Keys) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """64 well-mixed bits of each hash: the finaliser of MurmurHash3 (Appleby)."""
    mixed = hashes.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        mixed ^= mixed >> np.uint64(33)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(33)
    return mixed
