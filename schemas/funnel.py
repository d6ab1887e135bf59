"""The funnel: what became of every draft, and what it cost."""

from __future__ import annotations

from pydantic import Field, computed_field

from schemas.base import Frozen
from schemas.conversation import Message

# Comparisons for each row beyond which the duplicate filter, and not the backbone, would set the pace.
MOST_CANDIDATES = 100


class FunnelRow(Frozen):
    """The drafts of one mode that ended at one gate for one reason."""

    mode: str
    gate: str = Field(description="`user_turn`, `reply`, `conversation`, or `accepted`")
    exchange: int = Field(ge=1, description="in which exchange, counted from 1")
    reason: str = Field(description="`accepted`, or the reason of the drop")
    drafts: int = Field(ge=0)
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class TemplateFamily(Frozen):
    """Rows whose first user turns begin or end alike."""

    frame: str = Field(description="the words that they share, such as `idatzi … buruzko olerkia`")
    rows: int = Field(ge=3)
    share: float = Field(ge=0, le=1, description="of all rows kept")


class Diversity(Frozen):
    """How different the first user turns of the kept rows are, and what it took to compare them."""

    ngram: int = Field(ge=1, description="words in an n-gram")
    distinct: float | None = Field(
        description="different n-grams among all, each counted once a row; None before there are any."
        " An estimate within"
        " 2 %, which falls as a dataset grows"
    )
    families: tuple[TemplateFamily, ...] = Field(description="the largest ones, each row in one of them at most")
    candidates_per_row: float = Field(ge=0, description="rows that each one was compared with, on average, this run")
    cut_rows: int = Field(ge=0, description="rows of this run that were not compared with all their candidates")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def alarms(self) -> tuple[str, ...]:
        """What a person should look into, in words."""
        alarms = []
        if self.candidates_per_row > MOST_CANDIDATES:
            alarms.append(
                f"{self.candidates_per_row:,.0f} rows are compared for each one, {MOST_CANDIDATES} at most are usual:"
                " templates of many rows slow the duplicate filter down; see the families, or set max_family_share"
            )
        if self.cut_rows:
            alarms.append(
                f"{self.cut_rows:,} rows share words with so many others that not all were compared:"
                " near duplicates may be among them; set max_family_share"
            )
        return tuple(alarms)


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
    diversity: Diversity | None = Field(default=None, description="None where duplicates are not looked for")

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
