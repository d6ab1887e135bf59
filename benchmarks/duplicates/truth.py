"""Which rows really are near duplicates: an exact join of its own, and what a list of verdicts is worth by it.

It shares no code with the filter. Every row's shingles are put in the order of how many rows of all have them, rare
ones first; two sets of n and m shingles with Jaccard t share one of the first n - ceil(t * n) + 1 in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Sets = Sequence[NDArray[np.uint32]]
Partners = dict[int, float]


class Join:
    """Finds all rows that reach a threshold with a row, by rows' distinct sorted shingles."""

    def __init__(self, sets: Sets, threshold: float, short: float = 0.0, few: int = 0) -> None:
        """`short` is the threshold where either set has fewer than `few` shingles."""
        self._sets = sets
        self._threshold = threshold
        self._short = short
        self._few = few
        self._sizes = np.array([len(one) for one in sets])
        everything = np.concatenate([*sets, np.empty(0, np.uint32)])
        self._shingles, counts = np.unique(everything, return_counts=True)
        self._ranks = np.empty(len(counts), np.int64)
        self._ranks[np.lexsort((self._shingles, counts))] = np.arange(len(counts))
        heads = [self._head(row) for row in range(len(sets))]
        rows = np.repeat(np.arange(len(sets)), [len(head) for head in heads])
        keys = np.concatenate([*heads, np.empty(0, np.int64)])
        order = np.argsort(keys, kind="stable")
        self._rows = rows[order]
        self._starts = np.searchsorted(keys[order], np.arange(len(self._shingles) + 1))

    def partners(self, row: int) -> Partners:
        """Every other row that is similar enough, with the similarity."""
        head = self._head(row)
        if not len(head):
            return {}
        ours, size = self._sets[row], len(self._sets[row])
        others = np.unique(np.concatenate([self._rows[self._starts[key] : self._starts[key + 1]] for key in head]))
        sizes = self._sizes[others]
        others = others[(others != row) & (np.minimum(sizes, size) >= self._threshold * np.maximum(sizes, size))]
        if not len(others):
            return {}
        sizes = self._sizes[others]
        both = np.add.reduceat(
            np.isin(np.concatenate([self._sets[other] for other in others]), ours), np.cumsum(sizes) - sizes
        )
        similarities = both / (size + sizes - both)
        near = similarities >= np.where(np.minimum(sizes, size) < self._few, self._short, self._threshold)
        return dict(zip(others[near].tolist(), similarities[near].tolist(), strict=True))

    def _head(self, row: int) -> NDArray[np.int64]:
        ours = self._sets[row]
        ranks = np.sort(self._ranks[np.searchsorted(self._shingles, ours)])
        # Rounded down by more than the error of the product.
        return ranks[: len(ours) - math.ceil(self._threshold * len(ours) - 1e-9) + 1] if len(ours) else ranks


def all_pairs(sets: Sets, threshold: float) -> Iterator[tuple[int, int]]:
    """(row, earlier row) of every pair that reaches the threshold, by comparing each with each."""
    whole = [frozenset(one.tolist()) for one in sets]
    for row, ours in enumerate(whole):
        for earlier in range(row):
            theirs = whole[earlier]
            both = len(ours & theirs)
            if both and both / (len(ours) + len(theirs) - both) >= threshold:
                yield row, earlier


def join_is_right(sets: Sets, threshold: float) -> bool:
    """Whether the join finds just what comparing all pairs finds."""
    join = Join(sets, threshold)
    found = {(row, other) for row in range(len(sets)) for other in join.partners(row) if other < row}
    return found == set(all_pairs(sets, threshold))


@dataclass(slots=True)
class Score:
    """How right the drops are, by rows: a row has to be dropped if an earlier one that was kept is similar enough."""

    rows: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "rows_checked": self.rows,
            "precision": round(self.right / max(1, self.right + self.wrong), 5),
            "recall": round(self.right / max(1, self.right + self.missed), 5),
            "dropped_right": self.right,
            "dropped_wrong": self.wrong,
            "missed": self.missed,
        }


def score(join: Join, kept: Sequence[bool], rows: Iterable[int]) -> Score:
    """Of these rows; those that repeat an earlier row exactly have to be left out."""
    result = Score()
    for row in rows:
        result.rows += 1
        wanted = any(other < row and kept[other] for other in join.partners(row))
        result.right += wanted and not kept[row]
        result.wrong += not wanted and not kept[row]
        result.missed += wanted and kept[row]
    return result
