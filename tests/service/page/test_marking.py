"""What is marked of a turn, from what the filters themselves say of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from filters.language import LanguageJudge
from filters.repetition import RepetitionJudge
from filters.shape import ShapeJudge
from languages.loader import load_pack
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import LanguageFilter, RepetitionFilter, ShapeFilter
from schemas.verdict import Drop
from tests.support.page import SPANISH, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]
GOOD = "Bai, ondo pentsatutako galdera da; lehenik eta behin patxadaz hartu behar da hori."
MORE = "Gero, arratsaldean, lagunekin elkartu eta horri buruz hitz egitea ere komeni da."


@cache
def judges() -> tuple[LanguageJudge | RepetitionJudge | ShapeJudge, ...]:
    pack = load_pack("eu")
    return (
        ShapeJudge.open(ShapeFilter(), pack),
        RepetitionJudge.open(RepetitionFilter()),
        LanguageJudge.open(LanguageFilter(), pack),
    )


def verdict(text: str, **changes: object) -> Drop:
    turn = Turn(
        role="assistant", content=text, finish_reason="stop", language="eu", prompt_tokens=0, completion_tokens=9
    )
    draft = Draft(id="d-0", index=0, mode="magpie", language="eu", turns=(turn.model_copy(update=changes),))
    found = (judge.judge(draft, Gate.REPLY) for judge in judges())
    return next(one for one in found if isinstance(one, Drop))


async def marked(visit: Visit, seen: list[tuple[str, str, str]]) -> list[list[str]]:
    """What the page marks of each (text, reason, evidence)."""
    page = await visit().open()
    found: list[list[str]] = await page.evaluate(
        """async (seen) => {
            const { offending } = await import('/assets/marking.js');
            return seen.map(([text, reason, evidence]) => offending(text, { reason, evidence })
                .map(([start, end]) => text.slice(start, end)));
        }""",
        seen,
    )
    return found


async def test_what_filters_object_to_is_marked(visit: Visit) -> None:
    cut = GOOD.removesuffix(" hori.")
    wanted = [
        (f"{GOOD} {SPANISH} {MORE}", "language.foreign", [SPANISH]),
        (f"{GOOD}\n\n{SPANISH.removesuffix('.')}\n{MORE} {MORE} 😀", "language.foreign", [SPANISH.removesuffix(".")]),
        (f"{GOOD}\nErabiltzailea: eta zer da hori?", "shape.role_marker", ["Erabiltzailea:"]),
        (f"{GOOD} <|im_end|> {MORE}", "shape.role_marker", ["<|im_end|>"]),
        (f"{GOOD} {'eta gero ' * 5}joan zen.", "repetition.loop", ["eta gero"] * 5),
        (f"{GOOD} Kaixoooooooooooooooo guztioi!", "repetition.loop", ["oooooooooooooooo"]),
        ("Etxera joan nahi dut.\n" * 5 + GOOD, "repetition.loop", ["Etxera joan nahi dut."] * 5),
        (cut, "shape.cut_off", ["galdera da; lehenik eta behin patxadaz hartu behar da"]),
    ]
    seen = [verdict(text, finish_reason="length" if text == cut else "stop") for text, *_ in wanted]
    assert [drop.reason for drop in seen] == [reason for _, reason, _ in wanted]
    asked = [(text, drop.reason, drop.evidence) for (text, *_), drop in zip(wanted, seen, strict=True)]
    found = await marked(visit, asked)
    assert found == [parts for *_, parts in wanted], asked


async def test_every_kind_of_evidence_is_read(visit: Visit) -> None:
    text = "Hau da the best way egiteko; blorf-zanquix, 1987 eta 42,5 dira. Hauek ez: (a+b)*[c] $1."
    wanted = [
        ("language.mixed", "en in 5 of 30 words, such as: the best way", ["the best way"]),
        ("language.gibberish", "40% of its pieces are in no eu word: blorf zanquix 1987…", ["blorf", "zanquix"]),
        ("grounding.number", "neither in the passage nor asked about: 1987, 42,5", ["1987", "42,5"]),
        ("grounding.unsupported", "20% of 9 words have support; not: best zanquix", ["best", "zanquix"]),
        ("repetition.word", "'Hau' 120 times", ["Hau"]),
        ("repetition.ngram", "50% of 3-grams repeat; 'the best way' 9 times", ["the best way"]),
        ("contamination.ngram", "shares 4 words with belebele row 7: da the best way", ["da the best way"]),
        ("duplicates.near", "repeats row 3 (similarity 0.93); this one: Hau da", []),
        ("translation.length", "12 letters for 300, 0.04 of them", []),
        ("made.up", "nothing that stands there", []),
        ("made.up", "", []),
    ]
    found = await marked(visit, [(text, reason, evidence) for reason, evidence, _ in wanted])
    assert found == [parts for *_, parts in wanted]
