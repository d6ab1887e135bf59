"""Verdicts: every filter returns one, and nothing is dropped without a reason."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Frozen


class Keep(Frozen):
    """The draft goes on; `scores` are numbers worth publishing with the row."""

    verdict: Literal["keep"] = "keep"
    scores: dict[str, float] = Field(default_factory=dict)


class Drop(Frozen):
    """The draft ends here."""

    verdict: Literal["drop"] = "drop"
    reason: str = Field(description="`filter.kind`, such as `language.foreign`; counted in the funnel")
    evidence: str = Field(description="what was seen, short, for a person to read")
    turn: int | None = Field(default=None, description="the turn it was seen in, counted from 0")


Verdict = Keep | Drop
