"""Arms: the choices that steer drafts, and what became of the drafts that used each."""

from __future__ import annotations

from typing import Self

from pydantic import Field, computed_field

from schemas.base import Frozen

# An arm is judged by about as many of its last drafts: what it was like before is forgotten.
MEMORY_DRAFTS = 256
_KEEP = 1 - 1 / MEMORY_DRAFTS


class Arm(Frozen):
    """One choice of a mode's steering, such as one of its topics.

    Novelty is the share of a first user turn's word n-grams that no accepted row had before. What is `recent` weighs
    the last drafts most; each draft of the arm lets what was before fade by one part in MEMORY_DRAFTS.
    """

    mode: str = Field(description="mode and language, such as `magpie-eu`")
    factor: str = Field(description="what was chosen: `style`, `topic`, `prompt`, `opener`, ...")
    arm: str = Field(description="the choice")
    drafts: int = Field(default=0, ge=0, description="that ended")
    accepted: int = Field(default=0, ge=0)
    novelty: float = Field(default=0.0, ge=0, description="the sum over the accepted ones")
    completion_tokens: int = Field(default=0, ge=0)
    recent_drafts: float = Field(default=0.0, ge=0)
    recent_novelty: float = Field(default=0.0, ge=0)
    recent_tokens: float = Field(default=0.0, ge=0)

    def counted(self, tokens: int, novelty: float | None) -> Self:
        """After one more draft that cost so many tokens; its novelty, or None where it was dropped."""
        return self.model_copy(
            update={
                "drafts": self.drafts + 1,
                "accepted": self.accepted + (novelty is not None),
                "novelty": self.novelty + (novelty or 0.0),
                "completion_tokens": self.completion_tokens + tokens,
                "recent_drafts": self.recent_drafts * _KEEP + 1,
                "recent_novelty": self.recent_novelty * _KEEP + (novelty or 0.0),
                "recent_tokens": self.recent_tokens * _KEEP + tokens,
            }
        )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def acceptance(self) -> float:
        """Accepted drafts among those that ended; 0 when none has."""
        return self.accepted / self.drafts if self.drafts else 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def tokens_per_accepted(self) -> float | None:
        return self.completion_tokens / self.accepted if self.accepted else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mean_novelty(self) -> float | None:
        """Of the accepted ones."""
        return self.novelty / self.accepted if self.accepted else None
