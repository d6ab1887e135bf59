"""Muon: matrices are made orthogonal, the rest is AdamW's; it learns, and it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from schemas.training import Optimisation
from tests.support.training_models import small_model
from training.muon import Muon, orthogonalise

State = tuple[dict[str, Any], dict[str, Any]]
"""What a model and its optimiser hold."""


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((24, 12), (12, 24)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.6
        assert values.max() < 1.4


@pytest.fixture
def optimisation() -> Optimisation:
    return Optimisation.model_validate({"learning_rate": 0.003, "weight_decay": 0, "muon": {"learning_rate": 0.02}})


def test_embeddings_head_and_norms_are_adamws(tmp_path: Path, optimisation: Optimisation) -> None:
    model = AutoModelForCausalLM.from_pretrained(small_model(tmp_path))
    rest, matrices = Muon(model, optimisation).param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(parameter)] for parameter in rest["params"]}
    assert {"model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"} <= found
    assert all("proj" in names[id(parameter)] for parameter in matrices["params"])
    assert len(rest["params"]) + len(matrices["params"]) == len(names)
    assert (rest["lr"], matrices["lr"]) == (0.003, 0.02)


def test_both_parts_learn_and_a_loaded_state_goes_on_alike(tmp_path: Path, optimisation: Optimisation) -> None:
    folder = small_model(tmp_path)

    def steps(count: int, state: State | None = None) -> tuple[list[float], State]:
        model = AutoModelForCausalLM.from_pretrained(folder)
        optimiser = Muon(model, optimisation)
        if state is not None:
            model.load_state_dict(state[0])
            optimiser.load_state_dict(state[1])
        losses = []
        for _ in range(count):
            ids = torch.arange(5, 45)[None]
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            losses.append(loss.item())
        copied = {name: value.clone() for name, value in model.state_dict().items()}
        return losses, (copied, optimiser.state_dict())

    whole, (weights, _) = steps(12)
    first, state = steps(6)
    second, (resumed, _) = steps(6, state)
    assert first + second == whole
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)
    assert whole[-1] < 0.85 * whole[0]
