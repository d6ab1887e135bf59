"""The adaptive mixer: what it prefers, within which bounds, what it forgets, and that a build remembers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.adaptive import TopicalBackbone, measured, recipe, write_pack
from pipeline.adaptive import KNOWN_DRAFTS, LEAST, MOST, REFRESH_DRAFTS, AdaptiveMixer, weigh
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.arms import MEMORY_DRAFTS, Arm
from schemas.conversation import Draft, Turn
from schemas.filters import DuplicateFilter
from schemas.settings import Settings

SEED = 4


def arm(name: str, drafts: int, novelty: float | None, tokens: int = 100) -> Arm:
    """An arm whose drafts all had this novelty, or were all dropped."""
    found = Arm(mode="magpie-eu", factor="topic", arm=name)
    for _ in range(drafts):
        found = found.counted(tokens, novelty)
    return found


def draft(text: str, *arms: str) -> Draft:
    turn = Turn(
        role="user", content=text, finish_reason="stop", language="eu", prompt_tokens=1, completion_tokens=len(text)
    )
    return Draft(id="d", index=0, mode="magpie", language="eu", turns=(turn,), arms=arms)


OUTCOMES = st.lists(st.tuples(st.integers(0, 5000), st.none() | st.floats(0, 1)), max_size=60)


@given(st.lists(st.none() | OUTCOMES, min_size=1, max_size=8), st.lists(st.floats(0.01, 1), min_size=8, max_size=8))
def test_no_arm_leaves_a_quarter_to_four_times_of_its_share(
    histories: list[list[tuple[int, float | None]] | None], shares: list[float]
) -> None:
    arms: list[Arm | None] = []
    for number, history in enumerate(histories):
        found = Arm(mode="m", factor="f", arm=str(number))
        for tokens, novelty in history or ():
            found = found.counted(tokens, novelty)
        arms.append(None if history is None else found)
    weights = weigh(arms)
    assert all(LEAST <= weight <= MOST for weight in weights)
    own = shares[: len(arms)]
    given_, total = sum(own), sum(share * weight for share, weight in zip(own, weights, strict=True))
    for weight in weights:
        assert 0.25 - 1e-9 <= weight * given_ / total <= 4 + 1e-9


def test_nothing_is_preferred_before_it_is_known() -> None:
    assert weigh([None, arm("a", KNOWN_DRAFTS - 1, 1.0), arm("b", KNOWN_DRAFTS + 9, None)]) == [1, 1, 1]
    good, bad, new = weigh([arm("a", KNOWN_DRAFTS + 9, 1.0), arm("b", KNOWN_DRAFTS + 9, None), arm("c", 3, None)])
    assert good > 1.5
    assert bad == LEAST
    assert new == 1


def test_twice_the_yield_is_twice_the_share() -> None:
    """Whether an arm costs less, is accepted more often or says more that is new."""
    for better in (arm("a", 300, 0.8, 100), arm("a", 300, 0.4, 50)):
        good, bad = weigh([better, arm("b", 300, 0.4, 100)])
        assert good / bad == pytest.approx(2, rel=0.1)


def test_what_an_arm_was_like_is_forgotten() -> None:
    changed = arm("a", 2000, None)
    for _ in range(3 * MEMORY_DRAFTS):
        changed = changed.counted(100, 1.0)
    first, second = weigh([changed, arm("b", 2000, 1.0)])
    assert first / second > 0.9
    assert changed.acceptance < 0.3  # what is told counts all


def test_a_mixer_prefers_per_mode_and_factor_and_only_where_it_is_asked_to() -> None:
    adaptive, fixed = (AdaptiveMixer(DuplicateFilter(), adaptive=on) for on in (True, False))
    for mixer in (adaptive, fixed):
        for number in range(KNOWN_DRAFTS * 2):
            text = f"zer da hitz {number} eta berriz {number} horrela {number}"
            mixer.count(draft(text, "topic=good", "style=topic"), 100, accepted=True)
            mixer.count(draft(text, "topic=bad", "style=topic"), 100, accepted=False)
    good, bad = adaptive.preference("magpie-eu").weights("topic", ("good", "bad"))
    assert good > 1 > bad == LEAST
    assert adaptive.preference("magpie-gl").weights("topic", ("good", "bad")) == [1, 1]
    assert adaptive.preference("magpie-eu").weights("opener", ("good", "bad")) == [1, 1]
    assert fixed.preference("magpie-eu").weights("topic", ("good", "bad")) == [1, 1]
    assert {one.arm: one.drafts for one in fixed.collect()} == {one.arm: one.drafts for one in adaptive.collect()}
    assert adaptive.collect() == []


def test_what_repeats_earlier_rows_is_worth_less() -> None:
    mixer = AdaptiveMixer(DuplicateFilter(), adaptive=True)
    for number in range(KNOWN_DRAFTS * 2):
        words = " ".join(f"w{number}x{place}" for place in range(6))
        mixer.count(draft(words, "topic=wide"), 100, accepted=True)
        mixer.count(draft(f"esan zer den hau {number % 2} mesedez", "topic=narrow"), 100, accepted=True)
    wide, narrow = mixer.preference("magpie-eu").weights("topic", ("wide", "narrow"))
    assert wide / narrow > 3


def test_weights_follow_within_a_few_drafts() -> None:
    mixer, arms = AdaptiveMixer(DuplicateFilter(), adaptive=True), ("a", "b")
    mixer.restore([arm("a", 100, None), arm("b", 100, 1.0)], [])
    before = list(mixer.preference("magpie-eu").weights("topic", arms))
    for number in range(MEMORY_DRAFTS + REFRESH_DRAFTS):
        words = " ".join(f"h{number}x{place}" for place in range(6))
        mixer.count(draft(words, "topic=a"), 100, accepted=True)
    after = mixer.preference("magpie-eu").weights("topic", arms)
    assert before[0] == LEAST
    assert after[0] > before[0]


async def test_a_build_learns_spends_less_and_stays_diverse() -> None:
    """Half of the topics fail at the reply, a style repeats itself: the same seed with the mixer and without."""
    adaptive, fixed = [await measured(SEED, 300, 10, on) for on in (True, False)]
    assert adaptive["tokens_per_accepted"] < 0.85 * fixed["tokens_per_accepted"]
    assert adaptive["topics"] == fixed["topics"] == 5
    assert adaptive["largest_topic"] < 0.35
    assert adaptive["distinct"] > 0.95 * fixed["distinct"]


async def test_what_was_learned_is_in_the_ledger_and_is_known_to_the_next_run(tmp_path: Path) -> None:
    settings = Settings(workers=1, languages=tmp_path / "languages")
    topics = write_pack(tmp_path / "languages", 4)
    async with TopicalBackbone(topics) as backbone:
        await build(recipe(SEED, 100, adaptive=True), tmp_path / "b", backbone, settings=settings)
        reader = BuildReader(tmp_path / "b")
        before = {(one.factor, one.arm): one for one in reader.arms()}
        styles = [one for (factor, _), one in before.items() if factor == "style"]
        funnel = reader.funnel()
        assert sum(one.drafts for one in styles) == funnel.drafts
        assert sum(one.accepted for one in styles) == funnel.accepted
        rows = [row for row in funnel.rows if row.gate != "not_needed"]
        assert sum(one.completion_tokens for one in styles) == sum(row.completion_tokens for row in rows)
        await build(recipe(SEED, 130, adaptive=True), tmp_path / "b", backbone, settings=settings)
    after = {(one.factor, one.arm): one for one in reader.arms()}
    assert all(after[key].drafts >= one.drafts for key, one in before.items())
    bad, good = (
        sum(after["topic", one].drafts - before["topic", one].drafts for one in half)
        for half in (topics[::2], topics[1::2])
    )
    assert bad < good  # from the first draft of the second run on


async def test_without_it_a_draft_is_what_seed_and_index_say(tmp_path: Path) -> None:
    settings = Settings(workers=1, languages=tmp_path / "languages")
    async with TopicalBackbone(write_pack(tmp_path / "languages", 4)) as backbone:
        steered = []
        for name, window in (("one", 1), ("many", 16)):
            fixed = recipe(SEED, 60, adaptive=False).model_copy(update={"window": window})
            await build(fixed, tmp_path / name, backbone, settings=settings)
            rows = [row for _, row in BuildReader(tmp_path / name).accepted(limit=60)]
            steered.append({row.id[-8:]: json.loads(row.sampling)["steering"] for row in rows})
    shared = steered[0].keys() & steered[1].keys()
    assert len(shared) > 40
    assert all(steered[0][index] == steered[1][index] for index in shared)
