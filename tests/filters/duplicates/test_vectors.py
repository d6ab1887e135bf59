from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates import vectors
from filters.duplicates.memory import Memory
from filters.duplicates.vectors import VectorRows, Vectors, similar


def units(count: int, seed: int, dimensions: int = 8) -> Vectors:
    # Few directions, so that near ones are frequent.
    drawn = np.random.default_rng(seed).integers(-1, 2, (count, dimensions)) + 0.1
    made: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return made


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 5), st.integers(1, 20), st.integers(0, 1000))
def test_the_best_row_is_that_of_brute_force(sizes: list[int], asked: int, block: int, seed: int) -> None:
    rows = units(sum(sizes), seed)
    queries = units(asked, seed + 1)
    start, end = sorted(np.random.default_rng(seed).integers(0, len(rows) + 1, 2).tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_BLOCK_ROWS", block)
        held, first = VectorRows(8, Memory()), 0
        for size in sizes:
            assert held.add(rows[first : first + size]) == range(first, first + size)
            first += size
        assert (len(held), held.nbytes) == (len(rows), len(rows) * 32)
        found = held.best(queries, 0.8, start, end)
    for query, (row, cosine) in zip(queries.astype(np.float64), found, strict=True):
        cosines = [
            float(query @ one / np.linalg.norm(query) / np.linalg.norm(one)) for one in rows[start:end].astype(float)
        ]
        best = max(cosines, default=0.0)
        if best < 0.8 - 1e-9:
            assert (row, cosine) == (-1, 0.0)
        elif best > 0.8 + 1e-9:
            assert cosine == pytest.approx(best)
            assert cosines[row - start] == pytest.approx(best)


def test_of_equal_rows_the_oldest_is_named() -> None:
    held = VectorRows(8, Memory())
    held.add(np.repeat(units(1, 3), 5000, axis=0))
    assert held.best(units(1, 3), 0.9, 0, 5000)[0][0] == 0
    assert held.best(units(1, 3), 0.9, 4500, 5000)[0][0] == 4500


def test_zeros_are_similar_to_nothing() -> None:
    assert similar(units(3, 1), np.zeros((4, 8), np.float32), 0.1) == []
