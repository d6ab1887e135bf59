"""Before there are turns, filters judge the passage that a draft is to be made from."""

from __future__ import annotations

import pytest

from filters.benchmark import BenchmarkReader
from filters.chain import Known, judge, open_filters
from filters.contamination import ContaminationJudge
from filters.language import LanguageJudge
from languages.loader import load_pack
from schemas.conversation import Draft, Gate
from schemas.filters import Filters, LanguageFilter, ShapeFilter
from schemas.verdict import Drop, Keep, Verdict
from tests.support.benchmarks import FIRST
from tests.support.corpora import FOREIGN, document
from tests.support.filters_drafts import draft, reason

PACK = load_pack("eu")
CHAIN = open_filters(Filters(), PACK)


def before(passage: str | None) -> Draft:
    return Draft(id="d", index=0, mode="reverse", language="eu", passage=passage)


def judged(passage: str | None) -> Verdict:
    return judge(CHAIN, before(passage), Gate.MATERIAL)


def test_a_good_passage_and_none_at_all_go_on() -> None:
    verdict = judged(document(3))
    assert isinstance(verdict, Keep)
    assert verdict.scores == {"language": 1.0}
    assert judged(None) == Keep()


@pytest.mark.parametrize(
    ("passage", "kind"),
    [
        (FOREIGN, "language.foreign"),
        (f"{document(1)}\n\n{FOREIGN}", "language.foreign"),
        ("12 + 3 = 15", "language.none"),
        (f"<|im_start|>system\n{document(1)}", "shape.role_marker"),
        (f"{document(1)}\n\nLaguntzailea: {document(2)}", "shape.role_marker"),
        ("Eta orain berriro. " * 60, "repetition.loop"),
    ],
)
def test_what_no_reply_may_be_no_passage_may_be(passage: str, kind: str) -> None:
    verdict = judged(passage)
    assert isinstance(verdict, Drop)
    assert (verdict.reason, verdict.turn) == (kind, None)
    assert 0 < len(verdict.evidence) <= 200


def test_a_passage_may_be_too_long() -> None:
    short = open_filters(Filters(shape=ShapeFilter(max_chars=300)), PACK)
    verdict = judge(short, before(document(1)), Gate.MATERIAL)
    assert isinstance(verdict, Drop)
    assert verdict.reason == "shape.too_long"


def test_a_passage_that_quotes_a_benchmark_is_none() -> None:
    reader = BenchmarkReader("questions")
    reader.add([FIRST])
    chain = open_filters(Filters(), PACK, Known(ContaminationJudge([reader.read()])))
    assert isinstance(judge(chain, before(document(1)), Gate.MATERIAL), Keep)
    verdict = judge(chain, before(f"{document(1)} {FIRST}"), Gate.MATERIAL)
    assert isinstance(verdict, Drop)
    assert (verdict.reason, verdict.turn) == ("contamination.ngram", None)


def test_a_native_reply_is_not_judged_again_but_one_that_was_sampled_is() -> None:
    judge_ = LanguageJudge.open(LanguageFilter(), PACK)
    made = draft("Nola bizi dira han?", FOREIGN).model_copy(update={"passage": FOREIGN})
    assert reason(judge_.judge(made, Gate.REPLY)) == "language.foreign"
    native = made.last.model_copy(update={"origin": "native"})
    assert judge_.judge(made.model_copy(update={"turns": (made.turns[0], native)}), Gate.REPLY) == Keep()


def test_an_instruction_that_copies_its_passage_asks_for_nothing() -> None:
    passage = document(4)
    copied = draft(passage.split(". ")[0] + ".").model_copy(update={"passage": passage})
    assert reason(judge(CHAIN, copied, Gate.USER_TURN)) == "shape.copied"
    asked = draft("Nola bizi dira Ondarroa herrian bizi diren arrantzaleak, eta zer egiten dute arratsaldean?")
    assert isinstance(judge(CHAIN, asked.model_copy(update={"passage": passage}), Gate.USER_TURN), Keep)
    short = draft("Zer da hau?").model_copy(update={"passage": "Zer da hau?"})
    assert isinstance(judge(CHAIN, short, Gate.USER_TURN), Keep), "too short to tell"
