"""Conversations of one pack do not see each other, in the model and the batches that training uses."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from schemas.training import Context
from tests.support.odd_templates import talk
from training.loss_mask import Encoded, Encoder

DEMO = Path(__file__).parents[2] / "demo" / "iturri-demo-eu"
TALKS = (
    talk("Kaixo, zer moduz zaude gaur?", "Ondo nago, eskerrik asko."),
    talk("Nola egiten da marmitakoa?", "Hegaluzea, patatak eta tipula behar dira.", "Eskerrik asko!", "Ez horregatik."),
    talk("Zer da udazkena?", "Urtaro bat."),
)
ATTENTION = pytest.mark.parametrize("attention", ["sdpa", "eager"])


@cache
def _model(attention: str) -> Any:
    """Without a cache: with one, Transformers does not look for sequences in the positions."""
    return AutoModelForCausalLM.from_pretrained(
        DEMO, dtype=torch.float32, attn_implementation=attention, use_cache=False
    ).eval()


@cache
def _sequences() -> tuple[Encoded, ...]:
    encoder = Encoder(AutoTokenizer.from_pretrained(DEMO), Context())
    made = [encoder.conversation(messages) for messages in TALKS]
    return tuple(sequence for sequence in made if isinstance(sequence, Encoded))


def _batch(*sequences: Encoded) -> dict[str, Any]:
    row = {
        "input_ids": [id_ for sequence in sequences for id_ in sequence.ids],
        "labels": [label for sequence in sequences for label in sequence.labels],
        "seq_lengths": [len(sequence.ids) for sequence in sequences],
    }
    batch: dict[str, Any] = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)([row])
    assert "attention_mask" not in batch
    return batch


def _bounds(sequences: tuple[Encoded, ...]) -> list[slice]:
    ends = torch.tensor([0, *(len(sequence.ids) for sequence in sequences)]).cumsum(0).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


def _logits(attention: str, *sequences: Encoded) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = _model(attention)(**_batch(*sequences)).logits[0]
    return logits


@ATTENTION
def test_logits_in_a_pack_are_those_of_the_sequence_alone(attention: str) -> None:
    packed = _logits(attention, *_sequences())
    for sequence, bounds in zip(_sequences(), _bounds(_sequences()), strict=True):
        alone = _model(attention)(input_ids=torch.tensor([sequence.ids])).logits[0]
        torch.testing.assert_close(packed[bounds], alone, atol=1e-4, rtol=0)


@ATTENTION
@pytest.mark.parametrize("changed", [0, 1, 2])
def test_another_text_in_one_sequence_changes_no_logit_of_the_others(attention: str, changed: int) -> None:
    sequences = list(_sequences())
    before = _logits(attention, *sequences)
    other = list(reversed(sequences[changed].ids))
    sequences[changed] = Encoded(other, other)
    after = _logits(attention, *sequences)
    for place, bounds in enumerate(_bounds(_sequences())):
        assert torch.equal(before[bounds], after[bounds]) == (place != changed)


@ATTENTION
@pytest.mark.parametrize("learnt", [0, 1, 2])
def test_the_loss_of_one_sequence_does_not_reach_the_embeddings_of_the_others(attention: str, learnt: int) -> None:
    model, batch = _model(attention), _batch(*_sequences())
    embedded = model.get_input_embeddings()(batch.pop("input_ids")).detach().requires_grad_()
    bounds = _bounds(_sequences())
    labels = torch.full_like(batch["labels"], -100)
    labels[0, bounds[learnt]] = batch["labels"][0, bounds[learnt]]
    loss = model(inputs_embeds=embedded, **{**batch, "labels": labels}).loss
    (gradient,) = torch.autograd.grad(loss, embedded)
    for place, part in enumerate(bounds):
        assert bool(gradient[0, part].any()) == (place == learnt)


@ATTENTION
def test_the_loss_of_a_pack_is_the_mean_over_the_learnt_tokens_of_its_sequences(attention: str) -> None:
    with torch.no_grad():
        packed = _model(attention)(**_batch(*_sequences())).loss
        alone = [_model(attention)(**_batch(sequence)).loss for sequence in _sequences()]
    counts = [sum(label != -100 for label in sequence.labels) for sequence in _sequences()]
    expected = sum(loss * count for loss, count in zip(alone, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(packed, expected, atol=1e-5, rtol=0)
