"""The funnel: what became of every draft, and what it cost."""

from __future__ import annotations

from pydantic import Field, computed_field

from schemas.base import Frozen
from schemas.conversation import Message


class FunnelRow(Frozen):
    """The drafts of one mode that ended at one gate for one reason."""

    mode: str
    gate: str = Field(description="`user_turn`, `reply`, `conversation`, or `accepted`")
    exchange: int = Field(ge=1, description="in which exchange, counted from 1")
    reason: str = Field(description="`accepted`, or the reason of the drop")
    drafts: int = Field(ge=0)
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class Funnel(Frozen):
    """The account of a build. Tokens are the backbone's."""

    target: int
    rows: tuple[FunnelRow, ...] = ()
    unfinished_completion_tokens: int = Field(
        default=0, ge=0, description="spent on drafts that were in flight at a stop"
    )
    engine_seconds: float = Field(
        default=0.0, ge=0, description="wall seconds during which the backbone sampled, all runs"
    )

    def _sum(self, field: str, accepted: bool | None = None) -> int:
        rows = (row for row in self.rows if accepted is None or (row.gate == "accepted") == accepted)
        return sum(int(getattr(row, field)) for row in rows)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def drafts(self) -> int:
        return self._sum("drafts")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accepted(self) -> int:
        return self._sum("drafts", True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def dropped(self) -> int:
        return self._sum("drafts", False)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def completion_tokens(self) -> int:
        return self._sum("completion_tokens") + self.unfinished_completion_tokens

    @computed_field  # type: ignore[prop-decorator]
    @property
    def acceptance(self) -> float:
        """Accepted drafts among all that ended; 0 when none has."""
        return self.accepted / self.drafts if self.drafts else 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def tokens_per_accepted(self) -> float | None:
        """The headline: generated tokens per accepted conversation."""
        return self.completion_tokens / self.accepted if self.accepted else None

    def reasons(self) -> dict[str, int]:
        """Drops by reason, most frequent first."""
        counts: dict[str, int] = {}
        for row in self.rows:
            if row.gate != "accepted":
                counts[row.reason] = counts.get(row.reason, 0) + row.drafts
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class DroppedSample(Frozen):
    """A dropped draft, kept for a person to read."""

    draft_id: str
    mode: str
    gate: str
    reason: str
    evidence: str
    turn: int | None
    messages: tuple[Message, ...]
