"""What quotes a benchmark is found, whatever stands around it; what does not, never is."""

from __future__ import annotations

import pickle
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark import LONGEST, BenchmarkReader
from filters.contamination import Contaminated, ContaminationJudge
from schemas.verdict import Keep
from tests.support.filters_drafts import draft, judge_last, reason

QUESTION = "Zein mendi igo zuen lehen aldiz 1786. urtean Jacques Balmat frantziarrak bere lagunarekin batera?"
ITEMS = [
    [QUESTION, "Mont Blanc", "Monte Rosa"],
    ["Nor da hau ba?", "Mirari"],
    ["Noiz eraiki zuten Bilboko zubi zintzilikaria, eta zein ingeniariren asmakizuna izan zen hura orduan?", "1893"],
]
ours = st.lists(st.integers(0, 10**6).map(lambda number: f"g{number}"), max_size=30)
theirs = st.lists(st.integers(0, 10**6).map(lambda number: f"B{number}"), min_size=1, max_size=40)


def judging(*benchmarks: Iterable[Iterable[str]]) -> ContaminationJudge:
    read = []
    for number, items in enumerate(benchmarks):
        reader = BenchmarkReader(f"proba-{number}")
        for texts in items:
            reader.add(texts)
        read.append(reader.read())
    return ContaminationJudge(read)


def test_a_quoted_item_is_named_with_the_words_that_are_shared() -> None:
    judge = judging(ITEMS)
    verdict = judge_last(judge, f"Esan: {QUESTION.upper().replace(',', ' —')}")
    assert isinstance(verdict, Contaminated)
    assert reason(verdict) == "contamination.ngram"
    assert verdict.evidence.startswith(
        "shares 14 words with proba-0 row 0: zein mendi igo zuen lehen aldiz 1786 urtean"
    )
    assert (verdict.turn, verdict.items) == (0, ((0, 0),))
    assert judge_last(judge, "Zein mendi igo zuen lehen aldiz Balmatek, eta zergatik?") == Keep()


def test_replies_are_judged_too() -> None:
    verdict = judge_last(judging(ITEMS), "Galdera bat nahi dut.", f"Hona hemen:\n\n> {QUESTION}")
    assert isinstance(verdict, Contaminated)
    assert verdict.turn == 1


def test_an_item_that_is_too_short_for_n_grams_is_a_whole_turn() -> None:
    judge = judging(ITEMS)
    verdict = judge_last(judge, "NOR da hau, ba?!")
    assert reason(verdict) == "contamination.item"
    assert isinstance(verdict, Contaminated)
    assert verdict.evidence == "is proba-0 row 1: nor da hau ba"
    for innocent in ("Esan, nor da hau ba?", "Mont Blanc", "Nor da hau?", "Mirari"):
        assert judge_last(judge, innocent) == Keep()


def test_several_benchmarks_of_different_lengths() -> None:
    """Those of one n are searched together; every item is still its own benchmark's."""
    long = [[" ".join(f"luze{number}" for number in range(start, start + 60))] for start in (0, 100)]
    judge = judging(long, [["Zer da hau, baina?"], ["Lau hitz dira hauek."]], ITEMS, [[QUESTION, "A"]])
    assert [one.ngram for one in judge.benchmarks] == [13, 8, 8, 13]
    for text, items in (
        (QUESTION, ((2, 0), (3, 0))),
        (" ".join(f"luze{number}" for number in range(110, 125)), ((0, 1),)),
        ("Lau hitz dira hauek", ((1, 1),)),
        (ITEMS[2][0], ((2, 2),)),
        ("Beste zerbait da hau, inork galdetu gabekoa.", ()),
    ):
        assert judge.items(draft(text)) == items
        assert (reason(judge_last(judge, text)) is None) == (not items)
    assert judge.items(draft(QUESTION, "Ados.", ITEMS[2][0])) == ((2, 0), (2, 2), (3, 0))


def test_a_template_inside_an_item_is_no_obstacle() -> None:
    """It is shorter than an n-gram, so that every one has words of the item's own."""
    template = "eta orain idatzi erantzun zuzena hemen behean"
    items = [
        [" ".join([f"a{number}b{place}" for place in range(6)]) + f" {template} a{number}z"] for number in range(30)
    ]
    verdict = judge_last(judging(items), f"Kaixo, {items[4][0]}")
    assert isinstance(verdict, Contaminated)
    assert verdict.evidence.startswith("shares 14 words with proba-0 row 4: ")


@given(theirs, ours, ours, st.data())
def test_what_was_planted_is_found_and_nothing_else(
    item: list[str], before: list[str], after: list[str], data: st.DataObject
) -> None:
    judge = judging([[" ".join(item), "bai, horixe da"]])
    (about,) = judge.benchmarks
    assert judge_last(judge, f"hitz bat {' '.join([*before, *after])}") == Keep(), "no word of it is the benchmark's"
    if len(item) >= about.ngram:
        start = data.draw(st.integers(0, len(item) - about.ngram))
        planted = item[start : start + about.ngram]
        text = " ".join([*before, *(word.lower() + "," for word in planted), *after])
        assert reason(judge_last(judge, text)) == "contamination.ngram"
        short = " ".join([*before, *planted[:-1], "x", *after])
        assert judge_last(judge, short) == Keep()
    elif len(item) >= 3:
        assert reason(judge_last(judge, " ".join(item).lower())) == "contamination.item"


def test_it_goes_into_another_process_and_says_what_it_takes() -> None:
    items = [[" ".join(f"i{item}w{place}" for place in range(100))] for item in range(200)]
    judge = judging(items)
    assert 13 <= judge.nbytes / (200 * (100 - LONGEST + 1)) < 14.1
    again = pickle.loads(pickle.dumps(judge))  # noqa: S301
    assert judge_last(again, items[3][0]) == judge_last(judge, items[3][0])
