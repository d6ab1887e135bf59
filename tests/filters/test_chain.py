from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

from filters.chain import init_worker, judge, judge_in_worker, open_filters, walk
from filters.filter import ClaimingFilter
from languages.loader import load_pack
from schemas.conversation import Draft, Gate
from schemas.filters import Filters
from schemas.verdict import Drop, Keep, Verdict
from tests.support.filters_drafts import draft, reason

PACK = load_pack("eu")
GOOD = (
    "Zergatik aldatzen dute kolorea hostoek udazkenean?",
    "Egunak laburragoak direlako eta klorofila galtzen delako.",
)
BAD = "¿Por qué cambian de color las hojas de los árboles en otoño, y por qué se caen después?"


class Fixed:
    """A filter with one verdict, which counts how often it was asked."""

    name = "fixed"
    gates = frozenset({Gate.REPLY})
    heavy = False

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked = 0

    def judge(self, draft: Draft, gate: Gate) -> Verdict:
        self.asked += 1
        return self.verdict


def test_cheap_filters_come_first_and_claims_after_those_without_state() -> None:
    opened = open_filters(Filters(), PACK)
    assert [one.name for one in opened] == ["shape", "repetition", "translation", "grounding", "duplicates", "language"]
    assert [one.heavy for one in opened] == sorted(one.heavy for one in opened)
    assert [one.name for one in opened if isinstance(one, ClaimingFilter)] == ["duplicates"]


def test_disabled_filters_are_left_out() -> None:
    names = ("shape", "repetition", "translation", "grounding", "language", "duplicates")
    assert open_filters(Filters.model_validate({name: {"enabled": False} for name in names}), PACK) == ()


def test_scores_are_merged_and_the_first_drop_ends_it() -> None:
    one, two = Fixed(Keep(scores={"a": 1})), Fixed(Keep(scores={"b": 2}))
    assert judge([one, two], draft("Kaixo", "Bai"), Gate.REPLY) == Keep(scores={"a": 1, "b": 2})
    drop = Drop(reason="x.y", evidence="z", turn=1)
    three = Fixed(drop)
    assert judge([three, one], draft("Kaixo", "Bai"), Gate.REPLY) == drop
    assert (one.asked, three.asked) == (1, 1)


def test_a_filter_is_asked_at_its_gates_only() -> None:
    one = Fixed(Drop(reason="x.y", evidence="z", turn=1))
    assert judge([one], draft("Kaixo"), Gate.USER_TURN) == Keep()
    assert one.asked == 0


def test_a_good_conversation_passes_and_its_repeat_does_not() -> None:
    opened = open_filters(Filters(), PACK)
    assert reason(walk(opened, draft(*GOOD, id="d1"))) is None
    assert reason(walk(opened, draft(*GOOD, id="d2"))) == "duplicates.in_flight"
    assert reason(walk(opened, draft(BAD, id="d3"))) == "language.foreign"


def test_a_pool_judges_batches_in_order() -> None:
    batch = [(draft(GOOD[0]), Gate.USER_TURN), (draft(BAD), Gate.USER_TURN), (draft(*GOOD), Gate.REPLY)]
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), initializer=init_worker, initargs=(Filters(), PACK)
    ) as pool:
        assert [reason(verdict) for verdict in pool.submit(judge_in_worker, batch).result()] == [
            None,
            "language.foreign",
            None,
        ]


def test_filters_without_state_can_be_pickled() -> None:
    for one in open_filters(Filters(), PACK):
        if not isinstance(one, ClaimingFilter):
            assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301


def test_importing_filters_imports_no_model_library() -> None:
    code = "import sys, filters.chain; sys.exit(bool({'torch', 'vllm', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
