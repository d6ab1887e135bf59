from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.prefixes import Order, least_shared, next_class, size_class, sizes_alike
from filters.duplicates.shingles import Shingles

thresholds = st.floats(0.05, 1)
sets = st.frozensets(st.integers(0, 40), min_size=1, max_size=30)


def shingles(*sets: frozenset[int]) -> Shingles:
    return Shingles.of([np.array(sorted(one), "<u4").tobytes() for one in sets])


@given(sets, st.data(), thresholds)
def test_similar_sets_meet(left: frozenset[int], data: st.DataObject, threshold: float) -> None:
    """In whatever order shingles stand, both ways round."""
    right = (left - data.draw(st.frozensets(st.sampled_from(sorted(left)), max_size=8))) | data.draw(
        st.frozensets(st.integers(0, 60), min_size=1, max_size=4)
    )
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=16, max_size=16)), np.uint32)
    order = Order(counts, threshold)
    for one, other in ((left, right), (right, left)):
        if len(one & other) / len(one | other) >= threshold:
            stored, _ = order.stored(shingles(one))
            sought, _ = order.sought(shingles(other))
            assert set(stored.tolist()) & set(sought.tolist())


@given(st.integers(1, 200), st.integers(1, 200), thresholds)
def test_bounds_are_those_of_the_similarity_itself(ours: int, theirs: int, threshold: float) -> None:
    enough = [shared for shared in range(min(ours, theirs) + 1) if shared / (ours + theirs - shared) >= threshold]
    smallest, largest = sizes_alike(ours, threshold)
    assert bool(enough) == (smallest <= theirs <= largest)
    if enough:
        assert least_shared(ours, theirs, threshold) == enough[0]


def test_size_classes_are_consecutive_and_narrow() -> None:
    classes = [size_class(size) for size in range(1, 100_000)]
    assert {later - earlier for earlier, later in pairwise(classes)} == {0, 1}
    assert all(size_class(size + size // 8 + 1) > size_class(size) for size in range(1, 10_000))
    for size in range(1, 10_000):
        assert size_class(next_class(size) - 1) == size_class(size) == size_class(next_class(size)) - 1


@pytest.mark.parametrize("size", [1, 5, 20, 100, 1000])
def test_a_set_is_stored_under_few_keys(size: int) -> None:
    order = Order(np.zeros(1, np.uint32), 0.75)
    stored, _ = order.stored(shingles(frozenset(range(size))))
    sought, _ = order.sought(shingles(frozenset(range(size))))
    assert len(stored) <= size / 4 + 1
    assert len(sought) <= 3 * size + 1
