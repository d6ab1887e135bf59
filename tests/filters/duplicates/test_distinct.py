from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.distinct import Distinct


def hashes(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.array(values, np.uint32)


def test_nothing_seen_has_no_share() -> None:
    assert Distinct().share is None


@pytest.mark.parametrize("number", [100, 10_000, 40_960, 100_000, 1_000_000])
def test_the_estimate_is_within_three_standard_errors(number: int) -> None:
    distinct = Distinct()
    values = np.random.default_rng(number).choice(1 << 32, number, replace=False).astype(np.uint32)
    distinct.add(values)
    distinct.add(values[: number // 2])
    assert distinct.different == pytest.approx(number, rel=0.024)
    assert distinct.share == pytest.approx(2 / 3, rel=0.024)


@given(st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=200))
def test_few_values_are_counted_nearly_exactly(values: list[int]) -> None:
    distinct = Distinct()
    for value in values:
        distinct.add(hashes([value]))
    assert distinct.different == pytest.approx(len(set(values)), abs=3)
    assert distinct.different <= len(values)


@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=50), st.lists(st.integers(0, (1 << 32) - 1), max_size=50))
def test_order_and_batches_do_not_matter(left: list[int], right: list[int]) -> None:
    together, apart = Distinct(), Distinct()
    together.add(hashes(left + right))
    apart.add(hashes(right))
    apart.add(hashes(left))
    assert together.different == apart.different
