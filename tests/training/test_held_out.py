"""Held-out loss: the mean over learnt tokens, however they are packed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from schemas.errors import TrainingError
from tests.support.training_models import small_model
from training import held_out
from training.held_out import Loss
from training.loss_mask import IGNORED, Encoded
from training.packs import dataset
from training.sequences import Sequences, SequenceWriter

LENGTHS = (7, 40, 13, 22, 5, 31)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(small_model(tmp_path_factory.mktemp("model")))


def sequence(number: int, length: int) -> Encoded:
    """Every third token is not learnt, and of the last sequence only one is."""
    ids = [(number * 101 + place * 37) % 4000 + 6 for place in range(length)]
    learnt = (length - 1,) if number == len(LENGTHS) - 1 else [place for place in range(1, length) if place % 3]
    return Encoded(ids, [id_ if place in learnt else IGNORED for place, id_ in enumerate(ids)])


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Sequences:
    folder = tmp_path_factory.mktemp("sequences")
    with SequenceWriter(folder) as writer:
        for number, length in enumerate(LENGTHS):
            writer.append(sequence(number, length))
    return Sequences(folder)


def by_hand(model: PreTrainedModel) -> tuple[float, int]:
    """Each sequence by itself, each token's logarithm by itself."""
    total, tokens = 0.0, 0
    for number, length in enumerate(LENGTHS):
        made = sequence(number, length)
        with torch.no_grad():
            logits = model(torch.tensor([made.ids])).logits[0].double()
        for place in range(1, length):
            if made.labels[place] != IGNORED:
                total -= float(logits[place - 1].log_softmax(-1)[made.ids[place]])
                tokens += 1
    return total / tokens, tokens


def measured(model: PreTrainedModel, **sets: Dataset) -> dict[str, Loss]:
    collator: Any = DataCollatorForLanguageModeling(pad_token_id=5, padding_free=True)
    found: dict[str, Loss] = held_out.losses(model, sets, collator, Accelerator(cpu=True))
    return found


@pytest.mark.parametrize("packs", [[[0, 1, 2, 3, 4, 5]], [[5], [1, 0], [4, 2, 3]], [[5, 1, 2], [3, 0, 4]]])
def test_it_is_the_mean_over_learnt_tokens_whatever_the_packing(
    model: PreTrainedModel, sequences: Sequences, packs: list[list[int]]
) -> None:
    nats, tokens = by_hand(model)
    loss = measured(model, talks=dataset(sequences, packs))["talks"]
    assert loss.nats == pytest.approx(nats, rel=1e-5)
    assert (loss.tokens, loss.sequences) == (tokens, len(LENGTHS))


def test_long_packs_are_summed_in_parts(
    model: PreTrainedModel, sequences: Sequences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_POSITIONS", 16)
    loss = measured(model, talks=dataset(sequences, [list(range(len(LENGTHS)))]))["talks"]
    assert loss.nats == pytest.approx(by_hand(model)[0], rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_measured_without_dropout_and_left_in_its_mode(
    model: PreTrainedModel, sequences: Sequences, training: bool
) -> None:
    modes = []
    hook = model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    model.train(training)
    measured(model, talks=dataset(sequences, [[0, 1]]))
    hook.remove()
    assert modes == [False] and model.training is training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_each_set_has_its_own_and_none_is_no_loss(model: PreTrainedModel, sequences: Sequences) -> None:
    found = measured(model, a=dataset(sequences, [[0]]), b=dataset(sequences, [[1]]))
    assert found["a"].tokens == 4 and found["b"].tokens == 26
    assert measured(model) == {}


def test_a_loss_that_is_no_number_is_told(model: PreTrainedModel, sequences: Sequences, tmp_path: Path) -> None:
    broken = AutoModelForCausalLM.from_pretrained(small_model(tmp_path / "broken"))
    with torch.no_grad():
        broken.model.norm.weight.fill_(math.nan)
    with pytest.raises(TrainingError, match="the loss on talks is nan"):
        measured(broken, talks=dataset(sequences, [[0]]))
