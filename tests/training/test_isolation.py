"""Models that see later tokens, or another conversation of their pack, are refused before they are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertLMHeadModel,
    GPT2Config,
    GPT2LMHeadModel,
    Lfm2Config,
    Lfm2ForCausalLM,
    PreTrainedModel,
)
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from schemas.errors import RecipeError
from schemas.training import TrainingRecipe
from tests.support.training_models import recipe, small_model
from training.isolation import refuse_unfit

SIZES: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}


def judge(model: PreTrainedModel, *, packing: bool = True) -> None:
    told = recipe(Path("model"), Path("rows.jsonl"), context={"max_length": 64, "packing": packing})
    collator = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    model.train()
    refuse_unfit(model, collator, TrainingRecipe.model_validate(told))
    assert model.training


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_llama_and_a_gpt2_are_fit(tmp_path: Path, attention: str) -> None:
    folder = small_model(tmp_path)
    judge(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention))
    judge(GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_head=2, n_layer=2, attn_implementation=attention)))


def test_an_encoder_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"model\.name: .* is no causal model"):
        judge(BertLMHeadModel(BertConfig(**SIZES, intermediate_size=64)))


def test_a_model_with_convolutions_is_refused_packed_and_taken_one_by_one() -> None:
    torch.manual_seed(0)
    model = Lfm2ForCausalLM(
        Lfm2Config(**SIZES, intermediate_size=64, num_key_value_heads=2, layer_types=["conv", "full_attention"])
    )
    with pytest.raises(RecipeError, match=r"context\.packing: .* see each other"):
        judge(model)
    judge(model, packing=False)
