from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.growing import Growing
from filters.duplicates.memory import Memory


@given(st.lists(st.integers(0, 5000), max_size=8), st.randoms(use_true_random=False))
def test_it_holds_what_it_was_given(lengths: list[int], random: object) -> None:
    """Over the borders of blocks, too."""
    column: Growing[np.int64] = Growing(np.int64, Memory())
    expected = np.arange(sum(lengths)) * 7
    for length in lengths:
        assert column.extend(expected[len(column) : len(column) + length]) == len(column) - length
    places = np.array([random.randrange(len(expected)) for _ in range(50) if len(expected)], np.int64)  # type: ignore[attr-defined]
    assert (column.take(places) == expected[places]).all()
    places = np.unique(places)
    column.put(places, -places)
    expected[places] = -places
    assert (column.take(np.arange(len(expected))) == expected).all()
    assert column.nbytes == 8 * len(expected)
