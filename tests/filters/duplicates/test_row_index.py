from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates import row_index
from filters.duplicates.memory import Memory
from filters.duplicates.row_index import RowIndex, Thresholds
from filters.duplicates.row_store import MARK
from filters.duplicates.shingles import Shingles

# Out of few shingles, so that many sets are similar, and some are equal.
shingle_sets = st.frozensets(st.integers(0, 12), max_size=10)
batches = st.lists(st.lists(shingle_sets, max_size=6), max_size=12)


@pytest.fixture(autouse=True)
def _small_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that rows move often."""
    monkeypatch.setattr(row_index, "_FIRST_CAPACITY", 8)
    monkeypatch.setattr(row_index, "_MOVED_TOGETHER", 3)
    monkeypatch.setattr(row_index, "_MOVES", 1)
    monkeypatch.setattr(row_index, "_GROWTH", 2)
    yield


def shingles(sets: list[frozenset[int]]) -> Shingles:
    return Shingles.of([np.array(sorted(one), "<u4").tobytes() for one in sets])


def marks(numbers: list[int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    return np.frombuffer(b"".join((number + 1).to_bytes(16, "little") for number in numbers), MARK)


def similarity(left: frozenset[int], right: frozenset[int]) -> float:
    return len(left & right) / len(left | right) if left | right else 0.0


@given(batches, st.sampled_from([0.3, 0.5, 0.75, 1.0]), st.data())
def test_it_finds_what_comparing_all_pairs_finds(
    batches: list[list[frozenset[int]]], threshold: float, data: st.DataObject
) -> None:
    """While rows come, go and move to larger tables."""
    index = RowIndex(Thresholds(threshold, threshold, 0), Memory())
    rows: dict[int, tuple[int, frozenset[int]]] = {}
    given_marks = 0
    for batch in batches:
        found = {(which, row): like for which, row, like in index.similar(shingles(batch)).pairs()}
        assert found == {
            (which, row): like
            for which, one in enumerate(batch)
            for row, (_, other) in rows.items()
            if (like := similarity(one, other)) >= threshold
        }
        stored = sorted(data.draw(st.sets(st.integers(0, len(batch) - 1)))) if batch else []
        within = index.similar_within(shingles(batch), np.array(stored, np.int64))
        assert within is not None
        assert {frozenset((which, row)): like for which, row, like in within.pairs()} == {
            frozenset((which, row)): like
            for which, one in enumerate(batch)
            for row, other in enumerate(batch[:which])
            if (which in stored or row in stored) and (like := similarity(one, other)) >= threshold
        }
        assert len(within.rows) == len({frozenset(pair) for pair in zip(within.which, within.rows, strict=True)})
        new = list(range(given_marks, given_marks + len(batch)))
        given_marks += len(batch)
        numbers = index.add(marks(new), shingles(batch)).tolist()
        assert not set(numbers) & set(rows)
        rows.update(zip(numbers, zip(new, batch, strict=True), strict=True))
        for row in data.draw(st.lists(st.sampled_from(sorted(rows)), max_size=4, unique=True) if rows else st.just([])):
            index.remove(row)
            del rows[row]
        holders = {mark: row for row, (mark, _) in rows.items()}
        assert index.same(marks(list(range(given_marks)))).tolist() == [
            holders.get(mark, -1) for mark in range(given_marks)
        ]
    assert index.work.cut == 0


def random_sets(number: int, seed: int) -> list[frozenset[int]]:
    random = np.random.default_rng(seed)
    return [frozenset(random.integers(0, 1 << 32, random.integers(5, 25)).tolist()) for _ in range(number)]


def test_a_family_costs_no_more_than_other_rows() -> None:
    """Rows that share four fifths of their shingles, and not one pair of them similar enough."""
    random = np.random.default_rng(2)
    shared = random.integers(0, 1 << 32, 16).tolist()
    index = RowIndex(Thresholds(0.75, 0.75, 0), Memory())
    family = [frozenset([*shared, *random.integers(0, 1 << 32, 4).tolist()]) for _ in range(6000)]
    for start in range(0, len(family), 500):
        sets = shingles(family[start : start + 500])
        assert not len(index.similar(sets).rows)
        within = index.similar_within(sets, np.arange(500))
        assert within is not None
        assert not len(within.rows)
        index.add(marks(list(range(start, start + 500))), sets)
    assert index.work.compared < len(family)
    assert index.work.cut < len(family) / 100


def test_a_crowd_is_not_compared_at_all() -> None:
    index = RowIndex(Thresholds(0.75, 0.75, 0), Memory())
    crowd = shingles(random_sets(1, 1) * 2 * row_index.MOST_READ)
    assert index.similar_within(crowd, np.arange(2 * row_index.MOST_READ)) is None
    assert index.work.compared == 0


def test_work_is_bounded_whatever_comes() -> None:
    """Thousands of rows with the same shingles, one of which was never claimed by the others."""
    index = RowIndex(Thresholds(0.75, 0.75, 0), Memory())
    one = random_sets(1, 1)[0]
    for start in range(0, 4000, 1000):
        index.add(marks(list(range(start, start + 1000))), shingles([one] * 1000))
    matches = index.similar(shingles([one]))
    assert 0 < len(matches.rows) <= row_index.MOST_READ
    assert index.work.cut == 1


def test_memory_is_stated_and_kept() -> None:
    index = RowIndex(Thresholds(0.75, 0.75, 0), Memory())
    sets = random_sets(20_000, 2)
    for start in range(0, len(sets), 1000):
        index.add(marks(list(range(start, start + 1000))), shingles(sets[start : start + 1000]))
    assert index.nbytes - 4 * row_index._CELLS * (1 + len(index._tables)) < 250 * len(sets)


def test_what_was_released_leaves_no_trace_in_memory() -> None:
    index = RowIndex(Thresholds(0.75, 0.75, 0), Memory())
    sets = random_sets(300, 3)
    for round in range(60):
        numbers = index.add(marks(list(range(round * 300, round * 300 + 300))), shingles(sets))
        for number in numbers.tolist():
            index.remove(number)
    assert index.nbytes - 4 * row_index._CELLS * (1 + len(index._tables)) < 2 * 300 * 300
