"""Drafts, rows and ledgers for the tests of the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.outcomes import Accepted, Dropped
from schemas.conversation import Conversation, Message
from schemas.funnel import DroppedSample, FunnelRow

FIELDS = {"language": "eu", "seed": 7}


def account(gate: str, reason: str) -> FunnelRow:
    return FunnelRow(
        mode="magpie", gate=gate, exchange=1, reason=reason, drafts=1, prompt_tokens=10, completion_tokens=5
    )


def accepted(index: int, text: str = "Zer moduz zaude gaur?") -> Accepted:
    row = Conversation(
        id=f"row-{index}",
        messages=(Message(role="user", content=text), Message(role="assistant", content="Ondo, eskerrik asko.")),
        language="eu",
        mode="magpie",
        exchanges=1,
        backbone="scripted",
        backbone_revision=None,
        sampling="{}",
        template_hash="0" * 64,
        recipe_fingerprint="f" * 64,
        scores={"language": 0.9},
        prompt_tokens=10,
        completion_tokens=5,
    )
    return Accepted(index, account("accepted", "accepted"), row, "magpie-eu", "train", b"signature")


def dropped(index: int, reason: str = "shape.empty") -> Dropped:
    sample = DroppedSample(
        draft_id=f"row-{index}",
        mode="magpie",
        gate="user_turn",
        reason=reason,
        evidence="''",
        turn=0,
        messages=(Message(role="user", content=""),),
    )
    return Dropped(index, account("user_turn", reason), sample)


@pytest.fixture
def open_ledger(tmp_path: Path) -> Iterator[Callable[..., Ledger]]:
    """Opens the ledger of tmp_path, as often as asked; all are closed at the end."""
    opened: list[Ledger] = []

    def open_one(fields: dict[str, object] | None = None, *, dropped_samples: int = 3) -> Ledger:
        ledger = Ledger(tmp_path / "ledger.sqlite", fields or FIELDS, write_ahead=True, dropped_samples=dropped_samples)
        opened.append(ledger)
        return ledger

    yield open_one
    for ledger in opened:
        ledger.close()
