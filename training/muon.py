"""Muon: momentum whose every update is made orthogonal, for the matrices between embeddings and head.

From scratch it learns from about half the tokens AdamW needs. `torch.optim.Muon` works in bfloat16, which a CPU without
bfloat16 units does thirty times slower, so this one stays in the gradient's own type.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate import PartialState
from transformers import PreTrainedModel

from schemas.errors import RecipeError
from schemas.training import Optimisation, TrainingRecipe


@torch.no_grad()
def orthogonalise(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The nearest (semi-)orthogonal matrix, roughly: the quintic Newton-Schulz iteration of Keller Jordan's Muon."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def muon(model: PreTrainedModel, recipe: TrainingRecipe) -> Muon | None:
    """The recipe's optimiser where it asks for this one. Raises RecipeError with several processes."""
    if recipe.optimisation.muon is None:
        return None
    if PartialState().num_processes > 1:
        raise RecipeError("optimisation.muon: it is for one device; leave it out, or start one process")
    return Muon(model, recipe.optimisation)


class Muon(torch.optim.AdamW):
    """Muon for a model's matrices, AdamW for its embeddings, head and all that is no matrix.

    The groups of matrices have a `momentum`, the others have none. Both follow one schedule, each from its own rate.
    """

    param_groups: list[dict[str, Any]]

    def __init__(self, model: PreTrainedModel, optimisation: Optimisation) -> None:
        if optimisation.muon is None:
            raise ValueError("optimisation.muon is not set")
        ends = {
            id(parameter)
            for module in (model.get_input_embeddings(), model.get_output_embeddings())
            for parameter in module.parameters()
        }
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        matrices = [one for one in trained if one.ndim == 2 and id(one) not in ends]
        chosen = {id(one) for one in matrices}
        super().__init__(
            [
                {"params": [one for one in trained if id(one) not in chosen]},
                {
                    "params": matrices,
                    "lr": optimisation.muon.learning_rate,
                    "momentum": optimisation.muon.momentum,
                    "weight_decay": 0.0,
                },
            ],
            lr=optimisation.learning_rate,
            betas=optimisation.betas,
            weight_decay=optimisation.weight_decay,
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        groups = self.param_groups
        self.param_groups = [group for group in groups if "momentum" not in group]
        try:
            super().step()
        finally:
            self.param_groups = groups
        for group in groups:
            for parameter in group["params"] if "momentum" in group else []:
                if parameter.grad is not None:
                    # A tall matrix gets a larger step, so that outputs change alike whatever the shape.
                    scale = max(1.0, parameter.size(0) / parameter.size(1)) ** 0.5
                    update = orthogonalise(self._direction(parameter, group["momentum"]))
                    parameter.add_(update, alpha=-group["lr"] * scale)

    def _direction(self, parameter: torch.Tensor, momentum: float) -> torch.Tensor:
        """The gradient, mixed with the average of those before it."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter.grad)
            state["step"] = torch.zeros(())  # AdamW looks for one in every state that is loaded
        average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
        mixed: torch.Tensor = parameter.grad.lerp(average, momentum)
        return mixed
