from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.duplicates import PERMUTATIONS, RECALL, DuplicateJudge, bands
from filters.filter import ClaimingFilter
from filters.signature import Signature, jaccard, shingle, text_hash
from schemas.conversation import Gate
from schemas.errors import LedgerError
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop
from tests.support.filters_drafts import draft, reason

SETTINGS = DuplicateFilter(threshold=0.6)
# Few words, so that near duplicates are frequent.
turns = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), min_size=1, max_size=14).map(" ".join)
TEXT = "Zergatik aldatzen dute kolorea zuhaitz gehienen hostoek udazkenean"


def first(judge: DuplicateJudge, id: str, text: str) -> str | None:
    return reason(judge.judge(draft(text, id=id), Gate.USER_TURN))


def similarity(left: str, right: str) -> float:
    return jaccard(*(shingle(text, SETTINGS.ngram, SETTINGS.min_words) for text in (left, right)))


def test_it_is_a_claiming_filter() -> None:
    assert isinstance(DuplicateJudge(SETTINGS), ClaimingFilter)


def test_exact_duplicates_differ_in_case_width_and_spacing_only() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", "Zer da hau?") is None
    verdict = judge.judge(draft("ZER  da\nhau？", id="d2"), Gate.USER_TURN)
    assert reason(verdict) == "duplicates.exact"
    assert "d1" in verdict.evidence  # type: ignore[union-attr]
    assert first(judge, "d3", "Zer da hori?") is None


def test_near_duplicates_name_whom_they_repeat_and_how_much() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", TEXT) is None
    verdict = judge.judge(draft(f"{TEXT} beti?", id="d2"), Gate.USER_TURN)
    assert reason(verdict) == "duplicates.near"
    assert isinstance(verdict, Drop)
    assert "d1" in verdict.evidence
    assert f"{similarity(TEXT, f'{TEXT} beti?'):.2f}" in verdict.evidence


def test_short_turns_are_compared_exactly_only() -> None:
    judge = DuplicateJudge(DuplicateFilter(threshold=0.1, min_words=5))
    assert first(judge, "d1", "Zer da mahai bat") is None
    assert first(judge, "d2", "Zer da mahai gorri") is None


def test_only_the_first_user_turn_is_compared() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", TEXT) is None
    assert reason(judge.judge(draft("Kaixo!", "Kaixo!", TEXT, id="d2"), Gate.USER_TURN)) is None


def test_whole_conversations_are_compared_exactly() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert reason(judge.judge(draft("Zer da?", "Ur.", id="d1"), Gate.CONVERSATION)) is None
    assert reason(judge.judge(draft("Zer da?", "Su.", id="d2"), Gate.CONVERSATION)) is None
    verdict = judge.judge(draft("zer da?", "UR.", id="d3"), Gate.CONVERSATION)
    assert reason(verdict) == "duplicates.conversation"
    assert "d1" in verdict.evidence  # type: ignore[union-attr]
    judge.release("d1")
    assert reason(judge.judge(draft("zer da?", "UR.", id="d3"), Gate.CONVERSATION)) is None


def test_judging_again_gives_the_same_verdict() -> None:
    judge = DuplicateJudge(SETTINGS)
    for _ in range(3):
        assert first(judge, "d1", TEXT) is None
        assert first(judge, "d2", f"{TEXT} beti") == "duplicates.near"
        assert reason(judge.judge(draft(TEXT, "Bai.", id="d1"), Gate.CONVERSATION)) is None


@settings(deadline=None)
@given(st.lists(turns, max_size=25))
def test_verdicts_are_those_of_brute_force(texts: list[str]) -> None:
    """An innocent turn is never dropped; of the guilty, the index may miss those that are just at the threshold."""
    judge = DuplicateJudge(SETTINGS)
    kept: dict[str, str] = {}
    for number, text in enumerate(texts):
        verdict = first(judge, f"d{number}", text)
        best = max((similarity(text, other) for other in kept.values()), default=0.0)
        if text in kept.values():
            assert verdict == "duplicates.exact"
        elif best < SETTINGS.threshold:
            assert verdict is None
        elif best >= 0.9:
            assert verdict == "duplicates.near"
        if verdict is None:
            kept[f"d{number}"] = text


@settings(deadline=None)
@given(st.lists(turns, min_size=1, max_size=20), st.data())
def test_a_release_frees_and_a_drop_claims_nothing(texts: list[str], data: st.DataObject) -> None:
    """After any releases, verdicts are those of a judge that never saw the released drafts."""
    judge, fresh = DuplicateJudge(SETTINGS), DuplicateJudge(SETTINGS)
    kept = [number for number, text in enumerate(texts) if first(judge, f"d{number}", text) is None]
    for number in kept:
        if data.draw(st.booleans()):
            judge.release(f"d{number}")
            judge.release(f"d{number}")
        else:
            fresh.restore(f"d{number}", judge.signature(f"d{number}"))
    for text in texts:
        assert first(judge, "probe", text) == first(fresh, "probe", text)
        judge.release("probe")
        fresh.release("probe")


@settings(deadline=None)
@given(st.lists(st.tuples(turns, turns), min_size=1, max_size=15), st.randoms())
def test_a_restored_judge_gives_the_same_verdicts(pairs: list[tuple[str, str]], random: object) -> None:
    """In any order, and also when rows are restored twice."""
    judge, restored = DuplicateJudge(SETTINGS), DuplicateJudge(SETTINGS)
    kept = []
    for number, (text, reply) in enumerate(pairs):
        if first(judge, f"d{number}", text) is None:
            assert reason(judge.judge(draft(text, reply, id=f"d{number}"), Gate.CONVERSATION)) is None
            kept.append(f"d{number}")
    random.shuffle(kept)  # type: ignore[attr-defined]
    for id in [*kept, *kept[:3]]:
        restored.restore(id, judge.signature(id))
    assert [restored.signature(id) for id in kept] == [judge.signature(id) for id in kept]
    for text, reply in pairs:
        for probe in (draft(text, id="probe"), draft(f"{text} i", id="probe")):
            assert restored.judge(probe, Gate.USER_TURN) == judge.judge(probe, Gate.USER_TURN)
        whole = draft(text, reply, id="probe")
        assert restored.judge(whole, Gate.CONVERSATION) == judge.judge(whole, Gate.CONVERSATION)
        judge.release("probe")
        restored.release("probe")


def test_nothing_claimed_is_an_empty_signature() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert judge.signature("d1") == b""
    judge.release("d1")
    judge.restore("d1", b"")
    assert judge.signature("d1") == b""


@given(st.builds(Signature, st.none() | st.just(text_hash("a")), st.just(b""), st.none() | st.just(text_hash("b"))))
def test_signatures_survive_as_bytes(signature: Signature) -> None:
    assert Signature.from_bytes(signature.to_bytes()) == signature


@pytest.mark.parametrize(
    "data", [b"\x01", b"\x02\x01" + b"x" * 16, b"\x01\x01short", b"\x01\x01" + b"x" * 17, b"\x01\x00"]
)
def test_bytes_that_are_no_signature_are_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="signature"):
        DuplicateJudge(SETTINGS).restore("d1", data)


@given(st.floats(0.05, 1))
def test_bands_find_what_is_at_the_threshold(threshold: float) -> None:
    rows = PERMUTATIONS // bands(threshold)
    assert rows * bands(threshold) == PERMUTATIONS
    assert 1 - (1 - threshold**rows) ** bands(threshold) >= RECALL


def test_shingles_are_sets() -> None:
    assert shingle("bai bai bai bai bai bai", 2, 5) == shingle("bai bai bai bai bai", 2, 5)
    assert jaccard(b"", b"") == 0
