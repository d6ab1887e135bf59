"""Muon: momentum whose every update is made orthogonal, for the matrices between embeddings and head.

It learns from about half the tokens AdamW needs, which is what counts on two cores. `torch.optim.Muon` works in
bfloat16, which a CPU without bfloat16 units does thirty times slower, so this one stays in the gradient's own type.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor

import torch


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


class Muon(torch.optim.Optimizer):
    """`workers` orthogonalise several matrices at once; without them one follows the other."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        workers: Executor | None = None,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self._map = workers.map if workers else map

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            directions = [self._direction(param, group["momentum"]) for param in params]
            for param, update in zip(params, self._map(orthogonalise, directions), strict=True):
                # A tall matrix gets a larger step, so that outputs change alike whatever the shape.
                scale = max(1.0, param.size(0) / param.size(1)) ** 0.5
                param.add_(update, alpha=-group["lr"] * scale)

    def _direction(self, param: torch.Tensor, momentum: float) -> torch.Tensor:
        """The gradient, mixed with the average of those before it."""
        state = self.state[param]
        if not state:
            state["momentum"] = torch.zeros_like(param.grad)
        average = state["momentum"].lerp_(param.grad, 1 - momentum)
        mixed: torch.Tensor = param.grad.lerp(average, momentum)
        return mixed
