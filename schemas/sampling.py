"""How one role is sampled."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Frozen
from schemas.names import MOST


class Sampling(Frozen):
    """How one role is sampled. Names and meanings are vLLM's."""

    temperature: float = Field(default=1.0, ge=0, le=5)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, description="None: off")
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0, le=5)
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    max_tokens: int = Field(default=1024, ge=1, le=MOST)
    ignore_eos: bool = Field(default=False, description="sample exactly max_tokens; for benchmarks")
