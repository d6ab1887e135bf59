"""Whether a model computes what is taken for granted: no token sees a later one, nor another sequence of its pack.

Encoders load as causal models, and convolutions and recurrent layers know nothing of the borders of sequences; the loss
of both looks well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import PreTrainedModel

from schemas.errors import RecipeError
from schemas.training import TrainingRecipe
from training.model import precision

_LENGTH = 8
# Of the largest logit: what is not seen changes nothing in float32, and rounding in bfloat16 stays far below.
_TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 1e-2}


@torch.no_grad()
def refuse_unfit(
    model: PreTrainedModel, collator: Callable[[list[dict[str, Any]]], dict[str, Any]], recipe: TrainingRecipe
) -> None:
    """Runs a pack of two short sequences with one token and another at the end of the first. Raises RecipeError."""
    _, arithmetic = precision(recipe)
    device = next(model.parameters()).device
    ids = [(7 * place) % 50 + 3 for place in range(2 * _LENGTH)]

    def logits(other: int | None) -> torch.Tensor:
        given = [token + (place == other) for place, token in enumerate(ids)]
        batch = collator([{"input_ids": given, "labels": given, "seq_lengths": [_LENGTH, _LENGTH]}])
        on = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
        del on["labels"]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=arithmetic == torch.bfloat16):
            result: torch.Tensor = model(**on, use_cache=False).logits[0].float()
        return result

    was_training = model.training
    model.eval()
    try:
        plain, changed = logits(None), logits(_LENGTH - 1)
    finally:
        model.train(was_training)
    allowed = _TOLERANCE[arithmetic] * plain.abs().max()
    moved = (changed - plain).abs()
    if moved[: _LENGTH - 1].max() > allowed:
        raise RecipeError(
            f"model.name: {recipe.model.name} is no causal model: its tokens see later ones; choose another"
        )
    if recipe.context.packing and moved[_LENGTH:].max() > allowed:
        raise RecipeError(
            f"context.packing: in {recipe.model.name} packed conversations see each other, for not all of its layers "
            "know their borders; set packing: false, and machine.sequences_per_pass: 1"
        )
