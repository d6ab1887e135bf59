"""How drafts end, as the stream says it and the ledger records it."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.conversation import Conversation
from schemas.funnel import DroppedSample, FunnelRow


@dataclass(frozen=True, slots=True)
class Accepted:
    """A draft that became a row, with what it claimed."""

    draft_index: int
    account: FunnelRow
    row: Conversation
    config: str
    split: str
    signature: bytes
    embedding: bytes = b""
    material: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A draft that was dropped."""

    draft_index: int
    account: FunnelRow
    sample: DroppedSample
    material: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class CutOff:
    """A draft that was in flight when the target was reached: it has cost tokens, and its index has not ended."""

    account: FunnelRow


Outcome = Accepted | Dropped | CutOff
