"""What evidence quotes is found again in its turn."""

from __future__ import annotations

import pytest

from schemas.conversation import Message
from schemas.funnel import DroppedSample
from service.evidence import offending_segment, quoted_segment

TURN = "Kaixo!\n\nThe weather is fine, and we walk.  Gero: etxera goaz, lagunekin. Assistant: bai."


@pytest.mark.parametrize(
    ("evidence", "place"),
    [
        ("segment 2: en (0.98), not eu: The weather is fine, and we walk.", "The weather is fine, and we walk."),
        ("en (0.98), not eu: The weather is fine, an…", "The weather is fine, an"),
        ("en in 7 of 20 words, such as: The weather is fine and we walk", "The weather is fine, and we walk"),
        ("ends at 96 tokens with: walk. Gero: etxera goaz", "walk.  Gero: etxera goaz"),
        ("holds 'Assistant:'", "Assistant:"),
        ("52% of 4-grams repeat; 'etxera goaz lagunekin' 12 times", "etxera goaz, lagunekin"),
        ("like row 7, 0.91; this one: KAIXO! the weather", "Kaixo!\n\nThe weather"),
    ],
)
def test_the_place_of_a_quotation(evidence: str, place: str) -> None:
    found = quoted_segment(evidence, TURN)
    assert found is not None
    assert TURN[found.start : found.end] == place


@pytest.mark.parametrize(
    "evidence", ["", "0 characters, 2 at least: ''", "40% of its pieces are in no eu word: zxq etxera", "ura (1.0)"]
)
def test_what_is_not_quoted_has_no_place(evidence: str) -> None:
    assert quoted_segment(evidence, TURN) is None


@pytest.mark.parametrize(("turn", "found"), [(1, True), (0, False), (None, False), (2, False)])
def test_it_is_looked_for_in_the_turn_that_was_dropped(turn: int | None, found: bool) -> None:
    messages = (Message(role="user", content="Zer moduz?"), Message(role="assistant", content=TURN))
    drop = DroppedSample(
        draft_id="a-1",
        mode="magpie-eu",
        gate="reply",
        reason="shape.role_marker",
        evidence="holds 'Assistant:'",
        turn=turn,
        messages=messages,
    )
    assert (offending_segment(drop) is not None) == found
