"""What a training run did, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from schemas.base import Frozen

LAST_STEPS = 10  # of which the final loss is the mean


class SourceCount(Frozen):
    """What one source gave, and what of it was left out."""

    source: str = Field(description="its name on the Hub; of what lies on a machine only the last part")
    revision: str | None = None
    kind: Literal["conversations", "corpus"]
    language: str
    mode: str | None = None
    weight: float = 1.0
    read: int = Field(default=0, ge=0, description="rows, or documents")
    trained: int = Field(default=0, ge=0, description="sequences in an epoch, repeats and pieces counted")
    held_out: int = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0, description="in an epoch")
    loss_tokens: int = Field(default=0, ge=0, description="those of them that are learnt")
    dropped: dict[str, int] = Field(default={}, description="by reason")
    truncated: int = Field(default=0, ge=0, description="conversations that end at an earlier exchange")


class LanguageCost(Frozen):
    """How the tokenizer writes a language."""

    language: str
    tokens_per_word: float
    bytes_per_token: float
    unknown_share: float = Field(description="of tokens that stand for text the tokenizer cannot write")


class Packing(Frozen):
    """How full the packed sequences are."""

    sequences: int
    packs: int
    fill: float = Field(description="tokens by positions that are computed")


class HeldOutLoss(Frozen):
    """Cross-entropy in nats per learnt token, before and after."""

    name: str = Field(description="conversations-eu, corpus-eu ...")
    sequences: int
    tokens: int = Field(description="that the loss is the mean of")
    before: float
    after: float


class TrainingPlan(Frozen):
    """What a recipe would train on, and for how long: the answer of a dry run."""

    name: str
    model: str
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    held_out: dict[str, int] = Field(description="sequences by set")
    steps: int
    tokens: int = Field(description="over all epochs")
    warnings: tuple[str, ...] = ()


class TrainingReport(Frozen):
    """`report.json` of a run."""

    version: int = 1
    iturri_version: str
    recipe: dict[str, Any]
    model: str
    model_revision: str | None
    template_hash: str
    started: datetime
    ended: datetime
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    steps: int
    tokens: int = Field(description="trained on, over all epochs")
    seconds: float = Field(description="of training steps, over all sittings")
    trainable_parameters: int
    parameters: int
    final_loss: float | None = Field(description="mean of the last steps; none where no step was trained")
    losses: tuple[HeldOutLoss, ...]
    warnings: tuple[str, ...] = ()
    versions: dict[str, str] = Field(description="of the libraries that trained")
