"""The limit of an endpoint, against servers simulated on a clock of their own."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.concurrency import HIGHEST, LOWEST, Climb, Fixed

Throughput = Callable[[int], float]
"""Tokens a second by requests in flight."""


def saturating(at: int) -> Throughput:
    return lambda requests: 40.0 * min(requests, at)


def cliff(at: int) -> Throughput:
    """Beyond so many it throws its work away: a quarter of the throughput, and less with every request."""
    return lambda requests: 40.0 * requests if requests <= at else 10.0 * at * at / requests


def run(
    climb: Climb, throughput: Throughput, answers: int, most: int = HIGHEST, asked: int = 1 << 20, now: float = 0.0
) -> float:
    """Shares its throughput evenly among the requests in flight, which are as many as it is asked for and allowed.

    A request has from 50 to 150 tokens. Beyond `most` at once it refuses. The time at the end.
    """
    lengths = random.Random(0)
    work, number = 0.0, 0  # what each request in flight was given so far
    running: list[tuple[float, int, int]] = []
    for _ in range(answers):
        while len(running) < min(climb.requests, asked):
            if len(running) >= most:
                climb.refused(now, now)
                break
            number += 1
            tokens = lengths.randint(50, 150)
            heapq.heappush(running, (work + tokens, number, tokens))
        ends, _, tokens = heapq.heappop(running)
        now += (ends - work) * (len(running) + 1) / throughput(len(running) + 1)
        work = ends
        climb.answered(tokens, len(running) + 1, now)
    return now


@pytest.mark.parametrize("start", [8, 64, 256, 1024])
@pytest.mark.parametrize("best", [16, 64, 300])
def test_it_finds_where_throughput_ends_to_grow(start: int, best: int) -> None:
    climb = Climb(start)
    run(climb, saturating(best), 60_000)
    assert 0.9 * best <= climb._base <= 1.6 * best


@pytest.mark.parametrize("start", [64, 256, 1024])
def test_it_comes_back_from_a_cliff(start: int) -> None:
    climb = Climb(start)
    run(climb, cliff(100), 60_000)
    assert 50 <= climb._base <= 100


def test_it_follows_a_server_that_changes() -> None:
    climb = Climb(64)
    now = run(climb, saturating(32), 40_000)
    assert climb._base <= 52
    now = run(climb, saturating(200), 80_000, now=now)
    assert climb._base >= 180
    run(climb, saturating(32), 120_000, now=now)
    assert climb._base <= 52


@pytest.mark.parametrize("start", [64, 256])
def test_a_refusal_halves_it_and_it_stays_below(start: int) -> None:
    climb = Climb(start)
    run(climb, saturating(500), 20_000, most=40)
    assert 20 <= climb._base <= 40
    assert climb.requests <= 80


def test_many_refusals_of_one_moment_halve_it_once() -> None:
    climb = Climb(256)
    for _ in range(100):
        climb.refused(sent=1.0, now=2.0)
    assert climb.requests == 128
    climb.refused(sent=3.0, now=4.0)
    assert climb.requests == 64


def test_it_learns_nothing_while_it_is_not_used_up() -> None:
    climb = Climb(256)
    run(climb, saturating(1024), 20_000, asked=100)
    assert climb.requests == 256


@given(st.lists(st.one_of(st.integers(0, 5000), st.none()), max_size=3000), st.integers(-5, 5000))
def test_it_never_leaves_its_bounds(events: list[int | None], start: int) -> None:
    climb = Climb(start)
    for number, tokens in enumerate(events):
        if tokens is None:
            climb.refused(number, number)
        else:
            climb.answered(tokens, climb.requests, number / 10)
        assert LOWEST <= climb.requests <= HIGHEST


def test_a_limit_set_by_hand_stays() -> None:
    limit = Fixed(5)
    limit.refused(0, 1)
    limit.answered(100, 5, 2)
    assert limit.requests == 5
