from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates import judge as duplicates
from filters.duplicates.judge import DuplicateJudge, SignedRow
from filters.duplicates.signature import Signature, sign, sign_first, text_hash
from filters.filter import ClaimingFilter
from schemas.conversation import Gate
from schemas.filters import DuplicateFilter
from schemas.funnel import MOST_CANDIDATES
from schemas.verdict import Drop
from tests.support.filters_drafts import draft, reason

SETTINGS = DuplicateFilter(threshold=0.6, short_threshold=0.6)
# Few words, so that near duplicates are frequent.
turns = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]), min_size=1, max_size=14).map(" ".join)
TEXT = "Zergatik aldatzen dute kolorea zuhaitz gehienen hostoek udazkenean"


def first(judge: DuplicateJudge, id: str, text: str) -> str | None:
    return reason(judge.judge(draft(text, id=id), Gate.USER_TURN))


def shingles_of(text: str) -> bytes:
    return sign_first(text, SETTINGS.ngram, SETTINGS.min_words).shingles


def similarity(left: str, right: str) -> float:
    ours, theirs = (
        {shingles[place : place + 4] for place in range(0, len(shingles), 4)}
        for shingles in (shingles_of(text) for text in (left, right))
    )
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0


def signed(text: str, reply: str, id: str | None = None) -> SignedRow:
    return SignedRow(sign(draft(text, reply).turns, SETTINGS.ngram, SETTINGS.min_words), text, id)


def without_name(drop: Drop | None) -> tuple[str, str] | None:
    """The reason and how much it repeats, but not whom: of two that are just as similar it may be either."""
    return (drop.reason, drop.evidence.partition("similarity ")[2]) if drop else None


def test_it_is_a_claiming_filter() -> None:
    assert isinstance(DuplicateJudge(SETTINGS), ClaimingFilter)


def test_exact_duplicates_differ_in_case_width_and_spacing_only() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", "Zer da hau?") is None
    judge.confirm("d1")
    verdict = judge.judge(draft("ZER  da\nhau？", id="d2"), Gate.USER_TURN)
    assert reason(verdict) == "duplicates.exact"
    assert "d1" in verdict.evidence  # type: ignore[union-attr]
    assert first(judge, "d3", "Zer da hori?") is None


def test_near_duplicates_name_whom_they_repeat_and_how_much() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", TEXT) is None
    in_flight = judge.judge(draft(f"{TEXT} beti?", id="d2"), Gate.USER_TURN)
    assert reason(in_flight) == "duplicates.in_flight"
    judge.confirm("d1")
    verdict = judge.judge(draft(f"{TEXT} beti?", id="d2"), Gate.USER_TURN)
    assert reason(verdict) == "duplicates.near"
    assert isinstance(verdict, Drop)
    assert "d1" in verdict.evidence
    assert f"{similarity(TEXT, f'{TEXT} beti?'):.2f}" in verdict.evidence


def test_in_a_short_turn_another_word_makes_another_question() -> None:
    judge = DuplicateJudge(DuplicateFilter())
    assert first(judge, "d1", "Lagunduko didazu ulertzen zer den triangelua?") is None
    assert first(judge, "d2", "Lagunduko didazu ulertzen zer den pintxoa?") is None
    assert first(judge, "d3", "Kaixo! Lagunduko didazu ulertzen zer den triangelua?") == "duplicates.in_flight"
    long = "Lagunduko didazu mesedez ondo ulertzen zer den zehazki triangelu bat geometriaren aldetik begiratuta?"
    assert first(judge, "d4", long) is None
    assert first(judge, "d5", long.replace("ondo", "hobeto")) == "duplicates.in_flight"


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
    judge.confirm("d1")
    verdict = judge.judge(draft("zer da?", "UR.", id="d3"), Gate.CONVERSATION)
    assert reason(verdict) == "duplicates.conversation"
    assert "d1" in verdict.evidence  # type: ignore[union-attr]
    judge.release("d2")
    assert reason(judge.judge(draft("zer da?", "SU.", id="d3"), Gate.CONVERSATION)) is None


def test_of_two_equal_drafts_in_flight_the_second_drops_at_once() -> None:
    """A later one may win, if the first one is dropped."""
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", TEXT) is None
    verdict = judge.judge(draft(TEXT.upper(), id="d2"), Gate.USER_TURN)
    assert reason(verdict) == "duplicates.in_flight"
    assert "d1" in verdict.evidence  # type: ignore[union-attr]
    judge.release("d1")
    assert first(judge, "d3", TEXT) is None
    assert Signature.from_bytes(judge.confirm("d3")).first == text_hash(TEXT)
    assert first(judge, "d4", TEXT) == "duplicates.exact"


def test_what_is_confirmed_is_released_no_more() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert first(judge, "d1", TEXT) is None
    judge.confirm("d1")
    judge.release("d1")
    assert judge.confirm("d1") == b""
    assert first(judge, "d2", TEXT) == "duplicates.exact"


def test_judging_again_gives_the_same_verdict() -> None:
    judge = DuplicateJudge(SETTINGS)
    for _ in range(3):
        assert first(judge, "d1", TEXT) is None
        assert first(judge, "d2", f"{TEXT} beti") == "duplicates.in_flight"
        assert reason(judge.judge(draft(TEXT, "Bai.", id="d1"), Gate.CONVERSATION)) is None


@given(st.lists(st.one_of(turns, st.just("release")), max_size=25), st.randoms(use_true_random=False))
def test_verdicts_are_those_of_brute_force(texts: list[str], random: Random) -> None:
    """All pairs, the first is kept; now and then a claim is released."""
    judge = DuplicateJudge(SETTINGS)
    kept: dict[str, str] = {}
    for number, text in enumerate(texts):
        if text == "release":
            if kept:
                id = random.choice(sorted(kept))
                del kept[id]
                judge.release(id)
            continue
        verdict = judge.judge(draft(text, id=f"d{number}"), Gate.USER_TURN)
        like = {id: similarity(text, other) for id, other in kept.items()}
        if text in kept.values():
            assert reason(verdict) == "duplicates.in_flight"
        elif max(like.values(), default=0.0) >= SETTINGS.threshold:
            assert reason(verdict) == "duplicates.in_flight"
            assert isinstance(verdict, Drop)
            named = verdict.evidence.split()[1].rstrip(",")
            assert like[named] == max(like.values())
            assert f"(similarity {like[named]:.2f})" in verdict.evidence
        else:
            assert reason(verdict) is None
            kept[f"d{number}"] = text


@given(
    st.lists(st.tuples(turns, turns), max_size=60),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from([None, 0.03]),
    st.randoms(use_true_random=False),
)
def test_a_batch_is_judged_as_its_rows_one_by_one(
    pairs: list[tuple[str, str]], batch: int, named: bool, cap: float | None, random: Random
) -> None:
    capped = SETTINGS.model_copy(update={"max_family_share": cap})
    judge, one_by_one = DuplicateJudge(capped), DuplicateJudge(capped)
    pairs = [(random.choice([text, f"idatzi {text} buruzko olerkia"]), reply) for text, reply in pairs]
    expected: list[Drop | None] = []
    kept = 0
    for number, (text, reply) in enumerate(pairs):
        id = f"d{number}" if named else f"kept row {kept}"
        verdict = one_by_one.judge(draft(text, id=id), Gate.USER_TURN)
        if not isinstance(verdict, Drop):
            verdict = one_by_one.judge(draft(text, reply, id=id), Gate.CONVERSATION)
            kept += 1
        expected.append(verdict if isinstance(verdict, Drop) else None)
        one_by_one.confirm(id)
    rows = [signed(text, reply, f"d{number}" if named else None) for number, (text, reply) in enumerate(pairs)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "BATCH_ROWS", batch)
        assert judge.judge_rows(rows) == expected
    assert judge.diversity().families == one_by_one.diversity().families
    assert judge.diversity().distinct == one_by_one.diversity().distinct


def likes(number: int, letter: str) -> str:
    """Every two of one letter are similar, and none of them equal."""
    return " ".join([*(f"{letter}{place}" for place in range(12)), f"x{number}"])


@pytest.mark.parametrize(
    "texts",
    [
        [TEXT] * 300 + [f"{TEXT} beti"],
        [TEXT] + [f"{TEXT} beti"] * 300,
        [likes(number, "a") for number in range(1000)],
        [likes(number // 3, letter) for number in range(900) for letter in "ab"],
        [text for number in range(5) for text in [likes(0, f"a{number}")] * 400 + [likes(1, f"a{number}")] * 400],
    ],
)
@pytest.mark.parametrize("batch", [50, 4096])
def test_crowds_are_judged_as_their_rows_one_by_one(
    texts: list[str], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "BATCH_ROWS", batch)
    judge, one_by_one = DuplicateJudge(SETTINGS), DuplicateJudge(SETTINGS)
    rows = [signed(text, "Bai.") for text in texts]
    expected = [one_by_one.judge_rows([row])[0] for row in rows]
    assert judge.judge_rows(rows) == expected
    assert judge.diversity().cut_rows == one_by_one.diversity().cut_rows == 0
    assert judge.diversity().candidates_per_row < 200


def test_conversations_that_no_user_begins_are_compared_as_a_whole() -> None:
    turns = draft("Zer da?", "Ur.", "Ziur?").turns[1:]
    judge = DuplicateJudge(SETTINGS)
    row = SignedRow(sign(turns, SETTINGS.ngram, SETTINGS.min_words), turns[0].content)
    assert [drop and drop.reason for drop in judge.judge_rows([row, row])] == [None, "duplicates.conversation"]
    assert [drop and drop.reason for drop in judge.judge_rows([row])] == ["duplicates.conversation"]


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
            fresh.restore([(f"d{number}", judge.confirm(f"d{number}"))])
    for text in texts:
        assert first(judge, "probe", text) == first(fresh, "probe", text)
        judge.release("probe")
        fresh.release("probe")


@given(st.lists(st.tuples(turns, turns), min_size=1, max_size=15), st.randoms())
def test_a_restored_judge_gives_the_same_verdicts(pairs: list[tuple[str, str]], random: Random) -> None:
    """In any order, and also when rows are restored twice."""
    judge, restored = DuplicateJudge(SETTINGS), DuplicateJudge(SETTINGS)
    ledger = []
    for number, (text, reply) in enumerate(pairs):
        if first(judge, f"d{number}", text) is None:
            assert reason(judge.judge(draft(text, reply, id=f"d{number}"), Gate.CONVERSATION)) is None
            ledger.append((f"d{number}", judge.confirm(f"d{number}")))
    random.shuffle(ledger)
    restored.restore(iter([*ledger, *ledger[:3]]))
    for text, reply in pairs:
        for probe in (draft(text, id="probe"), draft(f"{text} i", id="probe"), draft(text, reply, id="probe")):
            gate = Gate.USER_TURN if len(probe.turns) == 1 else Gate.CONVERSATION
            ours, theirs = (one.judge(probe, gate) for one in (judge, restored))
            assert isinstance(ours, Drop) == isinstance(theirs, Drop)
            if isinstance(ours, Drop) and isinstance(theirs, Drop):
                assert without_name(ours) == without_name(theirs)
        judge.release("probe")
        restored.release("probe")


def test_nothing_claimed_is_an_empty_signature() -> None:
    judge = DuplicateJudge(SETTINGS)
    judge.release("d1")
    assert judge.confirm("d1") == b""
    judge.restore([("d1", b"")])
    assert first(judge, "d1", TEXT) is None


def test_work_is_counted() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert judge.diversity().candidates_per_row == 0
    judge.judge_rows([signed(f"{TEXT} {ending}", "Bai.") for ending in ("bat", "bi", "hiru")])
    assert judge.diversity().candidates_per_row == 1
    assert judge.diversity().cut_rows == 0
    assert judge.diversity().alarms == ()


def test_memory_per_row_is_bounded() -> None:
    """In whole, with names, for rows of 24 words of which no two share any."""
    judge = DuplicateJudge(SETTINGS)
    texts = [" ".join(f"w{number}x{place}" for place in range(24)) for number in range(10_000)]
    empty = judge.nbytes
    judge.restore(
        (f"fddf9a10-0570f982-{n:08d}", signed(text, "Bai.").signature.to_bytes()) for n, text in enumerate(texts)
    )
    assert (judge.nbytes - empty) / len(texts) < 400


def poems(number: int) -> list[str]:
    return [f"Idatzi w{n}x w{n}y w{n}z buruzko olerkia" for n in range(number)]


def test_a_family_may_not_be_more_than_its_share() -> None:
    judge = DuplicateJudge(DuplicateFilter(max_family_share=0.1))
    others = [f"a{n} b{n} c{n} d{n} e{n} f{n} g{n}" for n in range(300)]
    kept = [text for number, text in enumerate(others) if first(judge, f"o{number}", text) is None]
    assert kept == others
    for number in range(200):
        judge.confirm(f"o{number}")
    # Up to a tenth of the 200 rows that last; those in flight may still be dropped.
    reasons = [first(judge, f"p{number}", text) for number, text in enumerate(poems(40))]
    assert reasons == [None] * 20 + ["duplicates.family"] * 20
    verdict = judge.judge(draft(poems(41)[-1], id="last"), Gate.USER_TURN)
    assert isinstance(verdict, Drop)
    assert verdict.evidence.startswith("idatzi … buruzko olerkia has its share already, 20 rows; this one: Idatzi w40x")
    judge.release("p5")
    assert first(judge, "again", poems(50)[-1]) is None
    assert first(judge, "and again", poems(51)[-1]) == "duplicates.family"


def test_diversity_is_told_of_rows_that_last_and_survives_a_restart() -> None:
    judge = DuplicateJudge(SETTINGS)
    assert judge.diversity().distinct is None
    assert judge.diversity().families == ()
    texts = [*poems(30), *(f"a{n} b{n} c{n} d{n} e{n} f{n}" for n in range(30))]
    ledger = []
    for number, text in enumerate(texts):
        assert first(judge, f"d{number}", text) is None
        ledger.append((f"d{number}", judge.confirm(f"d{number}")))
    told = judge.diversity()
    (family,) = told.families
    assert (family.frame, family.rows, family.share) == ("idatzi … buruzko olerkia", 30, 30 / 60)
    grams = [gram for text in texts for gram in zip(text.split(), text.split()[1:], strict=False)]
    assert told.distinct == pytest.approx(len(set(grams)) / len(grams), rel=0.02)
    restored = DuplicateJudge(SETTINGS)
    restored.restore(ledger, told)
    again = restored.diversity()
    assert (again.distinct, again.families) == (told.distinct, told.families)


def test_alarms_say_what_to_do() -> None:
    fine = DuplicateJudge(SETTINGS).diversity()
    crowded = fine.model_copy(update={"candidates_per_row": MOST_CANDIDATES + 1.0, "cut_rows": 7})
    assert fine.alarms == ()
    assert [("max_family_share" in alarm, "7 rows" in alarm) for alarm in crowded.alarms] == [
        (True, False),
        (True, True),
    ]
