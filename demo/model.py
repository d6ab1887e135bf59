"""A small Llama with random weights, from which the demo backbone is trained."""

from __future__ import annotations

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from schemas.base import Frozen


class Shape(Frozen):
    """A Llama, by its sizes."""

    hidden: int = 256
    intermediate: int = 704
    layers: int = 4
    head_size: int = 64
    max_length: int = 1024


def build_model(shape: Shape, vocab_size: int, *, bos: int, eos: int, pad: int, seed: int) -> LlamaForCausalLM:
    """In float32; it says bfloat16 of itself, as which what is trained from it is written."""
    torch.manual_seed(seed)
    heads = shape.hidden // shape.head_size
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=shape.hidden,
            intermediate_size=shape.intermediate,
            num_hidden_layers=shape.layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            head_dim=shape.head_size,
            max_position_embeddings=shape.max_length,
            tie_word_embeddings=True,
            bos_token_id=bos,
            eos_token_id=eos,
            pad_token_id=pad,
        )
    )
    model.generation_config.update(bos_token_id=bos, eos_token_id=[eos], pad_token_id=pad, do_sample=True)
    return model
