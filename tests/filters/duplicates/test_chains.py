from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.chains import Chains
from filters.duplicates.memory import Memory

# Keys that differ share slots, too: 8, 16 and 0 end in the same bits.
entries = st.lists(st.tuples(st.sampled_from([0, 1, 2, 8, 16, 3 << 30]), st.integers(0, 9)), max_size=12)


def found(chains: Chains, key: int, most: int = 99) -> list[int]:
    _, rows, _ = chains.find(np.array([key], np.uint32), most)
    return [int(row) for row in rows]


@given(st.lists(entries, max_size=5), st.data())
def test_a_key_finds_its_rows_until_they_are_removed(batches: list[list[tuple[int, int]]], data: st.DataObject) -> None:
    chains = Chains(64, Memory())
    rows: dict[int, list[int]] = {}
    for batch in batches:
        chains.add(np.array([key for key, _ in batch], np.uint32), np.array([row for _, row in batch], np.int64))
        for key, row in batch:
            rows.setdefault(key, []).insert(0, row)
    for key, there in rows.items():
        assert found(chains, key) == there
        for row in data.draw(st.permutations(there)):
            chains.remove(np.array([key], np.uint32), row)
            there.remove(row)
            assert found(chains, key) == there
    assert not found(chains, 4)


def test_long_chains_are_cut_and_reported() -> None:
    chains = Chains(300, Memory())
    chains.add(np.full(300, 5, np.uint32), np.arange(300))
    which, rows, cut = chains.find(np.array([4, 5], np.uint32), 10)
    assert rows.tolist() == list(range(299, 289, -1))
    assert set(which.tolist()) == {1}
    assert cut.tolist() == [1]


def test_memory_is_some_bytes_an_entry() -> None:
    chains = Chains(1 << 16, Memory())
    chains.add(np.arange(1 << 16, dtype=np.uint32), np.arange(1 << 16))
    assert chains.nbytes <= 20 * (1 << 16)
