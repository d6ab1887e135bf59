"""A dry run: what a recipe would yield, and cost, from a few drafts of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.conversation import Message
from schemas.segment import Segment
from schemas.verdict import Drop, Keep

DRAFTS = 5


class DryDraft(Frozen):
    """One sampled draft, with what became of it."""

    accepted: bool
    messages: tuple[Message, ...] = Field(description="of a dropped draft the turns that there were")
    verdict: Annotated[Keep | Drop, Field(discriminator="verdict")]
    segment: Segment | None = Field(default=None, description="of the message of the verdict's turn: the fault")
    gate: str = Field(description="where it was dropped, or `accepted`")
    mode: str = Field(description="mode and language, such as `magpie-eu`")
    tokens: int = Field(ge=0, description="generated for it")


class Estimate(Frozen):
    """What the recipe's target is likely to take."""

    tokens: int = Field(ge=0, description="generated ones")
    seconds: float = Field(ge=0, description="of a build that has the backbone as earlier ones had it")


class DryRun(Frozen):
    """What came of a few drafts of a recipe."""

    recipe: dict[str, Any] = Field(description="as it would be built")
    drafts: tuple[DryDraft, ...] = Field(max_length=DRAFTS, description="in the order in which they were begun")
    acceptance: float | None = Field(description="the share of these drafts that was accepted; None without any")
    tokens: int = Field(ge=0, description="generated in this dry run")
    builds: int = Field(ge=0, description="earlier builds of the same modes and filters that the figures rest on, too")
    tokens_per_accepted: float | None = Field(
        description="generated tokens for each accepted conversation, of these drafts and of those builds"
    )
    tokens_per_second: float | None
    measured: Literal["jobs", "drafts"] = Field(
        description="where that speed is from: builds on this backbone, or these drafts, which do not fill it"
    )
    estimate: Estimate | None
    no_estimate: str | None = Field(default=None, description="why there is none")
    took_seconds: float = Field(ge=0)
