"""How much of a first user turn is new."""

from __future__ import annotations

from filters.duplicates.signature import sign_first
from pipeline.novelty import Novelty
from schemas.filters import DuplicateFilter

SETTINGS = DuplicateFilter()
TURN = "Nola egiten da ogia etxean labe gabe?"


def test_it_is_the_share_of_new_word_pairs() -> None:
    novelty = Novelty(SETTINGS)
    assert novelty.add(TURN) == 1.0
    assert novelty.add(TURN.upper()) == 0.0
    assert novelty.add("Nola egiten da ogia mendian su handian?") == 0.5  # three of six pairs
    assert novelty.add("zer da") == 1.0  # too short for pairs: one piece
    assert novelty.add("Zer da?") == 1.0
    assert novelty.add("zer da") == 0.0


def test_what_rows_of_earlier_runs_claimed_is_known() -> None:
    novelty = Novelty(SETTINGS)
    claimed = [sign_first(text, SETTINGS.ngram, SETTINGS.min_words).to_bytes() for text in (TURN, "zer da")]
    novelty.restore((f"row-{number}", one) for number, one in enumerate((*claimed, b"")))
    assert novelty.add(TURN) == 0.0
    assert novelty.add("Zer  DA") == 0.0
    assert novelty.add("Zenbat balio du kilo bat sagarrek azokan?") == 1.0
