"""Loss on sequences that are never trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from accelerate import Accelerator
from datasets import Dataset
from transformers import PreTrainedModel

from schemas.base import Frozen
from schemas.errors import TrainingError
from training.loss_mask import IGNORED

Collator = Callable[[list[dict[str, Any]]], dict[str, Any]]

_POSITIONS = 1024


class Loss(Frozen):
    """Nats per learnt token, the mean over all of them."""

    nats: float
    tokens: int
    sequences: int


@torch.no_grad()
def losses(
    model: PreTrainedModel, sets: Mapping[str, Dataset], collator: Collator, accelerator: Accelerator
) -> dict[str, Loss]:
    """The loss on each set, packed as in training. Every process has its share of the packs; all get the same result.

    `model` is the one that is trained, wrapped as it may be, and is left in the mode that it was in. Raises
    TrainingError when a loss is no number.
    """
    was_training = model.training
    model.eval()
    try:
        return {name: _loss(name, model, packs, collator, accelerator) for name, packs in sets.items()}
    finally:
        model.train(was_training)


def _loss(name: str, model: PreTrainedModel, packs: Dataset, collator: Collator, accelerator: Accelerator) -> Loss:
    total = torch.zeros(3, dtype=torch.float64)
    # All processes make as many passes, since those of a sharded model wait for each other.
    for first in range(0, len(packs), accelerator.num_processes):
        place = first + accelerator.process_index
        row = packs[min(place, len(packs) - 1)]
        batch = {name: _on(value, accelerator.device) for name, value in collator([row]).items()}
        labels = batch.pop("labels")[0, 1:]
        with accelerator.autocast():
            logits = model(**batch, use_cache=False).logits[0, :-1]
        tokens = int((labels != IGNORED).sum())
        # In parts: as float32, all logits of a long pack are gigabytes.
        parts = zip(logits.split(_POSITIONS), labels.split(_POSITIONS), strict=True)
        summed = sum(
            F.cross_entropy(part.float(), wanted, ignore_index=IGNORED, reduction="sum").item()
            for part, wanted in parts
        )
        if place < len(packs):
            total += torch.tensor([summed, tokens, len(row["seq_lengths"])], dtype=torch.float64)
    everywhere = accelerator.reduce(total.to(accelerator.device), "sum").tolist()
    nats, tokens, sequences = everywhere
    if not math.isfinite(nats):
        raise TrainingError(
            f"the loss on {name} is {nats}: what the model computes is no number; it has diverged, or its weights are "
            "broken"
        )
    return Loss(nats=nats / max(1.0, tokens), tokens=int(tokens), sequences=int(sequences))


def _on(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value
