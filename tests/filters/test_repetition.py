from __future__ import annotations

import pytest

from filters.repetition import RepetitionJudge
from schemas.filters import RepetitionFilter
from tests.support.filters_drafts import judge_last, reason

REPETITION = RepetitionJudge.open(RepetitionFilter(max_word_count=20))
POEM = "Txoria txori.\nHegoak ebaki banizkio,\nnerea izango zen,\nez zuen alde egingo.\n" * 2


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Etxea handia da eta oso ondo dago mendian, baina hondartza urrun dago hemendik.", None),
        ("Bai, bai, bai, noski!", None),
        ("ha ha ha ha ha", None),
        ("ha ha ha ha ha ha ha ha", "repetition.loop"),
        ("Kaixooooo!", None),
        ("Kaixo" + "o" * 30, "repetition.loop"),
        ("1" + "0" * 30, None),
        ("😂" * 50, "repetition.loop"),
        ("| a | b |\n|" + "-" * 60 + "|", None),
        ("eta gero etxera eta gero etxera eta gero etxera eta gero etxera", "repetition.loop"),
        ("eta gero etxera eta gero etxera", None),
        ("Bai.\nBai.\n\nBai.\nBai.", "repetition.loop"),
        ("```\nx = 1\nx = 1\nx = 1\nx = 1\nx = 1\nx = 1\n```", None),
        ("1 2 3 4 1 2 3 4 1 2 3", None),
        (POEM, "repetition.ngram"),
        (" ".join(f"hitz{number} eta" for number in range(20)), None),
        (" ".join(f"hitz{number} eta" for number in range(21)), "repetition.word"),
    ],
)
def test_turns(text: str, kind: str | None) -> None:
    assert reason(judge_last(REPETITION, text)) == kind


def test_ngrams_count_from_a_certain_length_on() -> None:
    half = "mendira joateko ura ogia eta arropa beroa hartu behar dira goizean goiz"
    assert reason(judge_last(REPETITION, f"{half}. {half}")) == "repetition.ngram"
    assert reason(judge_last(REPETITION, "joan mendira goizean eta joan mendira goizean")) is None


def test_a_reply_must_not_come_again() -> None:
    turns = ("Zer da hau?", "Mahaia da.", "Eta hori?", "mahaia  da.")
    verdict = judge_last(REPETITION, *turns)
    assert reason(verdict) == "repetition.turn"
    assert verdict.turn == 3  # type: ignore[union-attr]
    assert "turn 1" in verdict.evidence  # type: ignore[union-attr]


def test_a_user_turn_must_not_come_again() -> None:
    assert reason(judge_last(REPETITION, "Zer da hau?", "Mahaia da.", "Zer da hau?")) == "repetition.turn"


def test_roles_are_not_compared_with_each_other() -> None:
    assert reason(judge_last(REPETITION, "Kaixo!", "Kaixo!")) is None


def test_the_share_is_the_recipes() -> None:
    lenient = RepetitionJudge.open(RepetitionFilter(max_repeated_share=1))
    assert reason(judge_last(lenient, POEM)) is None
