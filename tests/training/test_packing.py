"""Packing: every sequence once, no pack too long, few positions wasted, nothing to be read from places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.packing import fill, pack

LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=200).map(np.array)


def _first_fit(lengths: list[int], max_length: int) -> int:
    totals: list[int] = []
    for length in lengths:
        at = next((at for at, total in enumerate(totals) if total + length <= max_length), None)
        if at is None:
            totals.append(length)
        else:
            totals[at] += length
    return len(totals)


@settings(deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 9))
def test_every_sequence_is_in_one_pack_and_no_pack_is_too_long(lengths: np.ndarray, seed: int) -> None:
    packs = pack(lengths, 64, seed)
    assert sorted(index for indices in packs for index in indices) == list(range(len(lengths)))
    assert all(0 < lengths[indices].sum() <= 64 for indices in packs)


@settings(deadline=None)
@given(lengths=LENGTHS)
def test_there_are_no_more_packs_than_first_fit_makes(lengths: np.ndarray) -> None:
    assert len(pack(lengths, 64, 0)) <= _first_fit(sorted(lengths.tolist(), reverse=True), 64)


@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_conversations_waste_less_than_half_a_percent(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(60, 151, 200)
    packing = fill(pack(lengths, 1024, seed), lengths)
    assert packing.sequences == 200 and packing.packs == -(-lengths.sum() // 1024)
    assert packing.fill >= 0.995


def test_the_last_pack_is_no_emptier_than_the_others_where_there_is_room() -> None:
    lengths = np.full(33, 100)
    totals = [lengths[indices].sum() for indices in pack(lengths, 1024, 0)]
    assert sorted(totals) == [800, 800, 800, 900]


def test_packs_that_are_full_anyway_are_left_full() -> None:
    lengths = np.array([*range(1, 64), 64] * 20)  # pairs of 64
    assert fill(pack(lengths, 64, 0), lengths).fill > 0.98


def test_the_same_seed_packs_alike_and_another_otherwise() -> None:
    lengths = np.random.default_rng(0).integers(1, 64, 300)
    assert pack(lengths, 64, 3) == pack(lengths, 64, 3) != pack(lengths, 64, 4)


def test_length_says_nothing_about_place() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, 4000)
    packs = pack(lengths, 4096, 0)
    inside = [(at / len(indices), lengths[index]) for indices in packs for at, index in enumerate(indices)]
    among = [(place, lengths[indices].mean()) for place, indices in enumerate(packs)]
    sources = [(place, index) for place, indices in enumerate(packs) for index in indices]
    for pairs in (inside, among, sources):
        assert abs(np.corrcoef(np.array(pairs).T)[0, 1]) < 0.1


@pytest.mark.parametrize("lengths", [[3, 65], [3, 0]])
def test_sequences_that_no_pack_can_hold_are_an_error(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="between 1 and 64"):
        pack(np.array(lengths), 64, 0)


def test_nothing_makes_no_packs() -> None:
    nothing = np.array([], dtype=np.int64)
    assert pack(nothing, 64, 0) == []
    assert fill([], nothing).fill == 1.0
