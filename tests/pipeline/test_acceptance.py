"""The acceptance is that of whole cohorts: early drops do not drag it down."""

from __future__ import annotations

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
