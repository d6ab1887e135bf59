"""The acceptance is that of whole cohorts: early drops do not drag it down."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.acceptance import PRIOR_DRAFTS, Acceptance


def test_early_drops_do_not_count_before_their_cohort_has_ended() -> None:
    acceptance = Acceptance(0, 0)
    numbers = [acceptance.start() for _ in range(100)]
    for number in numbers[50:]:
        acceptance.end(number, accepted=False)
    assert acceptance.share == 1
    for number in numbers[:50]:
        acceptance.end(number, accepted=True)
    assert acceptance.share == (50 + PRIOR_DRAFTS) / (100 + PRIOR_DRAFTS)


@given(st.lists(st.booleans(), max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_ending_does_not_matter(outcomes: list[bool], rng: object) -> None:
    acceptance = Acceptance(3, 5)
    started = [(acceptance.start(), accepted) for accepted in outcomes]
    rng.shuffle(started)  # type: ignore[attr-defined]
    for number, accepted in started:
        acceptance.end(number, accepted=accepted)
    assert acceptance.share == (3 + sum(outcomes) + PRIOR_DRAFTS) / (5 + len(outcomes) + PRIOR_DRAFTS)


def test_drafts_for_which_nothing_was_sampled_do_not_count() -> None:
    plain, mixed = Acceptance(0, 0), Acceptance(0, 0)
    for accepted in (True, False, True):
        plain.end(plain.start(), accepted=accepted)
        mixed.pass_over(mixed.start())
        mixed.end(mixed.start(), accepted=accepted)
    assert mixed.share == plain.share


def test_drafts_that_have_passed_gates_are_likelier_to_be_accepted() -> None:
    acceptance = Acceptance(0, 0)
    for number in [acceptance.start() for _ in range(90)]:
        if number % 3 == 0:
            acceptance.passed(number)
        acceptance.end(number, accepted=number % 3 == 0)
    assert acceptance.share == (30 + PRIOR_DRAFTS) / (90 + PRIOR_DRAFTS)
    assert acceptance.expected == 0
    fresh, further = acceptance.start(), acceptance.start()
    acceptance.passed(further)
    assert acceptance.expected == acceptance.share + 1
    assert acceptance.spread == math.sqrt(acceptance.share * (1 - acceptance.share)), "the further one is sure"
    acceptance.passed(fresh)
    assert acceptance.expected == 2
    acceptance.pass_over(fresh)
    assert acceptance.expected == 1


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=40))
def test_what_is_expected_is_never_more_than_what_is_in_flight(drafts: list[tuple[int, bool]]) -> None:
    acceptance = Acceptance(1, 4)
    for number, (gates, ends) in enumerate(drafts):
        assert acceptance.start() == number
        for _ in range(gates):
            acceptance.passed(number)
        if ends:
            acceptance.end(number, accepted=gates > 2)
    in_flight = sum(not ends for _, ends in drafts)
    assert 0 <= acceptance.expected <= in_flight + 1e-9
