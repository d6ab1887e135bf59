"""What of a source an epoch sees, and what is held out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.shard import split_of
from training.mixture import content_of, draws, held_out, limit

COUNTS = st.integers(0, 300)
SEEDS = st.integers(0, (1 << 32) - 1)
KEYS = st.text(max_size=20)
WEIGHTS = st.floats(0.001, 20, allow_nan=False)


@given(COUNTS, WEIGHTS, SEEDS, KEYS)
def test_each_row_is_drawn_as_often_as_the_weight_says_but_for_its_fraction(
    count: int, weight: float, seed: int, key: str
) -> None:
    drawn = draws(count, weight, seed, key)
    times = Counter(drawn.tolist())
    assert abs(len(drawn) - weight * count) <= 0.5 + 1e-6
    assert set(times) <= set(range(count))
    assert {times[row] for row in range(count)} <= {int(weight), int(weight) + 1}
    assert np.array_equal(drawn, np.sort(drawn))
    assert np.array_equal(drawn, draws(count, weight, seed, key))


@given(COUNTS, st.integers(1, 5), SEEDS, KEYS)
def test_a_whole_weight_leaves_nothing_to_chance(count: int, weight: int, seed: int, key: str) -> None:
    assert draws(count, float(weight), seed, key).tolist() == [row for row in range(count) for _ in range(weight)]


@given(COUNTS, st.floats(0.01, 0.99), st.floats(0.01, 0.99), SEEDS)
def test_a_larger_fraction_draws_the_same_rows_and_more(count: int, one: float, other: float, seed: int) -> None:
    less, more = sorted((one, other))
    assert set(draws(count, less, seed, "a").tolist()) <= set(draws(count, more, seed, "a").tolist())


def test_seed_and_key_decide_which_half_is_drawn() -> None:
    halves = {tuple(draws(1_000, 0.5, seed, key).tolist()) for seed in (1, 2) for key in ("a", "b")}
    assert len(halves) == 4
    for half in halves:
        assert len(half) == 500
        # A random half of the rows is a random half of any part of them.
        assert 200 < sum(row < 500 for row in half) < 300
        assert 200 < sum(row % 2 for row in half) < 300


@given(COUNTS, st.integers(1, 400), SEEDS, KEYS)
def test_a_limit_draws_so_many_rows_once(count: int, most: int, seed: int, key: str) -> None:
    kept = limit(count, most, seed, key)
    assert len(kept) == min(count, most)
    assert sorted(set(kept.tolist())) == kept.tolist()
    assert all(0 <= row < count for row in kept.tolist())
    assert np.array_equal(kept, limit(count, most, seed, key))
    assert limit(count, None, seed, key).tolist() == list(range(count))


@given(st.integers(1, 300), st.integers(1, 300), SEEDS)
def test_a_source_that_grows_by_a_row_keeps_its_limited_rows_but_one(count: int, most: int, seed: int) -> None:
    before, after = (set(limit(size, most, seed, "a").tolist()) for size in (count, count + 1))
    assert after - before <= {count}
    assert len(before - after) <= 1


def test_the_rows_of_a_limit_are_not_those_that_a_weight_draws_first() -> None:
    assert limit(1_000, 500, 1, "a").tolist() != draws(1_000, 0.5, 1, "a").tolist()


@given(st.text(max_size=50), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_larger_share_holds_out_the_same_rows_and_more(content: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert held_out(content, less) <= held_out(content, more)
    assert not held_out(content, 0.0)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_the_share_is_held_out_also_of_what_a_publication_does_not_validate_on(share: float) -> None:
    names = [f"proba-magpie-{number:06d}" for number in range(20_000)]
    train = [name for name in names if split_of(name, share) == "train"]
    for rows in (names, train):
        found = sum(held_out(name, share) for name in rows)
        assert abs(found / len(rows) - share) < 4 * (share * (1 - share) / len(rows)) ** 0.5


def test_equal_messages_have_one_content_and_others_have_others() -> None:
    messages = [{"role": "user", "content": "Kaixo"}]
    assert content_of(messages) == content_of([{"content": "Kaixo", "role": "user"}])
    assert len({content_of(one) for one in (messages, messages * 2, [{**messages[0], "role": "system"}], [])}) == 4
