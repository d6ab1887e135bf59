"""The modes of a recipe: how its conversations are made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.sampling import Sampling


class SteeringSpec(Frozen):
    """How user turns are steered towards the language; the texts are the language pack's."""

    system_prompt: bool = Field(default=True, description="a system prompt in the language, seen only by user turns")
    topics: float = Field(default=1.0, ge=0, le=1, description="the share of drafts whose system prompt names a topic")
    examples: int = Field(default=0, ge=0, le=16, description="example user turns shown in the system prompt")
    openers: float = Field(default=0.0, ge=0, le=1, description="the share of drafts whose first turn gets an opener")
    reply_system_prompt: bool = Field(
        default=False, description="a system prompt of the pack while replies are sampled"
    )


class Exchanges(Frozen):
    """How many exchanges a conversation has, drawn evenly from min to max."""

    min: int = Field(default=1, ge=1, le=32)
    max: int = Field(default=2, ge=1, le=32)

    @model_validator(mode="after")
    def _ordered(self) -> Exchanges:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max})")
        return self


class MagpieMode(Frozen):
    """Both sides of the conversation are sampled from the backbone, after Magpie (arXiv 2406.08464)."""

    mode: Literal["magpie"] = "magpie"
    weight: float = Field(default=1.0, gt=0)
    exchanges: Exchanges = Exchanges()
    steering: SteeringSpec = SteeringSpec()
    user_sampling: Sampling = Sampling(temperature=1.0, max_tokens=256)
    reply_sampling: Sampling = Sampling(temperature=0.6, top_p=0.9, max_tokens=1024)


ModeSpec = MagpieMode
