"""The funnel: what became of every draft, and what it cost."""

from __future__ import annotations

from pydantic import Field, computed_field

from schemas.base import Frozen
from schemas.conversation import Message

# Comparisons for each row beyond which the duplicate filter, and not the backbone, would set the pace.
MOST_CANDIDATES = 100


# Where drafts end, in the order in which they get there.
GATES = ("material", "sampling", "user_turn", "reply", "conversation", "accepted", "not_needed")


class FunnelRow(Frozen):
    """The drafts of one mode that ended at one gate for one reason."""

    mode: str = Field(description="mode and language, such as `magpie-eu`")
    gate: str = Field(
        description="`material` (before anything was sampled), `sampling` (while a turn was sampled), `user_turn`,"
        " `reply`, `conversation`; `accepted`; or"
        " `not_needed`: cut off, since the target was reached"
    )
    exchange: int = Field(ge=1, description="in which exchange, counted from 1")
    reason: str = Field(description="`accepted`, `not_needed`, or the reason of the drop")
    drafts: int = Field(ge=0)
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    user_turns: int = Field(default=0, ge=0, description="sampled to their end")
    user_tokens: int = Field(default=0, ge=0, description="generated for these")
    replies: int = Field(default=0, ge=0, description="sampled to their end")
    reply_tokens: int = Field(default=0, ge=0, description="generated for these")
    user_turns_saved: int = Field(default=0, ge=0, description="planned, and not sampled to their end")
    replies_saved: int = Field(default=0, ge=0, description="planned, and not sampled to their end")


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


class ModeTotals(Frozen):
    """What one mode has yielded, and at what cost."""

    mode: str
    drafts: int = Field(ge=0, description="that ended by a verdict")
    accepted: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    tokens_per_accepted: float | None
    saved_tokens: int = Field(ge=0, description="by judging early; an estimate")


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

    def _sum(self, field: str, *gates: str, without: tuple[str, ...] = ()) -> int:
        rows = (row for row in self.rows if (not gates or row.gate in gates) and row.gate not in without)
        return sum(int(getattr(row, field)) for row in rows)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def drafts(self) -> int:
        """Those that ended by a verdict."""
        return self._sum("drafts", without=("not_needed",))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def accepted(self) -> int:
        return self._sum("drafts", "accepted")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def dropped(self) -> int:
        return self.drafts - self.accepted

    @computed_field  # type: ignore[prop-decorator]
    @property
    def not_needed(self) -> int:
        """Drafts that were cut off in flight when the target was reached."""
        return self._sum("drafts", "not_needed")

    def saved(self, row: FunnelRow) -> int:
        """Tokens that its drafts would have cost further, had they gone on to the end that was planned for them.

        An estimate: turns that were not sampled are taken to be as long as those of the mode that were. What is no
        material at all (`material.*`) could not have been sampled by anyone, and saves nothing.
        """
        if row.reason.startswith("material."):
            return 0
        turns = row.user_turns_saved * self._mean_turn(row.mode, "user_turns", "user_tokens")
        replies = row.replies_saved * self._mean_turn(row.mode, "replies", "reply_tokens")
        begun = row.completion_tokens - row.user_tokens - row.reply_tokens if row.gate == "sampling" else 0
        return max(0, round(turns + replies - begun))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def saved_tokens(self) -> int:
        """What judging early has saved, in tokens; an estimate."""
        return sum(map(self.saved, self.rows))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def modes(self) -> tuple[ModeTotals, ...]:
        """The modes of the build, by name."""
        return tuple(map(self._totals, sorted({row.mode for row in self.rows})))

    def _totals(self, mode: str) -> ModeTotals:
        ours = [row for row in self.rows if row.mode == mode]
        accepted = sum(row.drafts for row in ours if row.gate == "accepted")
        tokens = sum(row.completion_tokens for row in ours)
        return ModeTotals(
            mode=mode,
            drafts=sum(row.drafts for row in ours if row.gate != "not_needed"),
            accepted=accepted,
            completion_tokens=tokens,
            tokens_per_accepted=tokens / accepted if accepted else None,
            saved_tokens=sum(map(self.saved, ours)),
        )

    def _mean_turn(self, mode: str, turns: str, tokens: str) -> float:
        ours = [row for row in self.rows if row.mode == mode]
        sampled = sum(int(getattr(row, turns)) for row in ours)
        return sum(int(getattr(row, tokens)) for row in ours) / max(1, sampled)

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
            if row.gate not in ("accepted", "not_needed"):
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
