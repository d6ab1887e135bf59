"""The committed backbone: its size, its tokenizer, its template."""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from demo.tokenizer import SPECIAL, train_tokenizer

BACKBONE = Path("demo/iturri-demo-eu")
TALK = [
    {"role": "system", "content": "Gaia: natura."},
    {"role": "user", "content": "Zer da basoa?"},
    {"role": "assistant", "content": "Zuhaitzez betetako lurra da."},
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(BACKBONE)


def test_the_folder_is_small() -> None:
    assert sum(file.stat().st_size for file in BACKBONE.iterdir()) <= 16 * 1024**2


def test_the_model_is_a_small_llama() -> None:
    config = json.loads((BACKBONE / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["head_dim"] in {32, 64}
    assert config["tie_word_embeddings"] is True
    assert config["max_position_embeddings"] == 1024


def test_weights_are_bfloat16_and_of_four_to_eight_million_parameters() -> None:
    with (BACKBONE / "model.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
    sizes = [tensor["data_offsets"][1] - tensor["data_offsets"][0] for tensor in tensors]
    assert {tensor["dtype"] for tensor in tensors} == {"BF16"}
    assert 4e6 <= sum(sizes) / 2 <= 8e6


def test_generation_stops_at_the_end_of_a_turn(tokenizer: PreTrainedTokenizerFast) -> None:
    generation = json.loads((BACKBONE / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [tokenizer.eos_token_id]
    assert tokenizer.eos_token == "<|end|>"


@pytest.mark.parametrize("text", ["Zer da mendia?", "Kafe bat, 3 €, «ondo».", "- bat\n- bi", "señor ü 😀 12345"])
def test_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_digits_stay_single(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer.encode("1234", add_special_tokens=False)) == 4


def test_special_tokens_are_one_token_each(tokenizer: PreTrainedTokenizerFast) -> None:
    assert [len(tokenizer.encode(token, add_special_tokens=False)) for token in SPECIAL] == [1] * len(SPECIAL)


def test_the_template_frames_turns(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.apply_chat_template(TALK, tokenize=False) == (
        "<|begin|><|system|>Gaia: natura.<|end|><|user|>Zer da basoa?<|end|>"
        "<|assistant|>Zuhaitzez betetako lurra da.<|end|>"
    )
    assert tokenizer.apply_chat_template(TALK[:2], tokenize=False, add_generation_prompt=True).endswith("<|assistant|>")


def test_the_template_marks_what_the_assistant_says(tokenizer: PreTrainedTokenizerFast) -> None:
    made = tokenizer.apply_chat_template(TALK, return_dict=True, return_assistant_tokens_mask=True)
    said = [token for token, mine in zip(made["input_ids"], made["assistant_masks"], strict=True) if mine]
    assert tokenizer.decode(said) == "Zuhaitzez betetako lurra da.<|end|>"


def test_the_template_refuses_other_roles(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(jinja2.exceptions.TemplateError, match="unknown role 'tool'"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)


def test_a_tokenizer_is_learnt_from_text(tmp_path: Path) -> None:
    made = train_tokenizer(["Zer da mendia? Mendia garaia da."] * 5, vocab_size=300, max_length=64)
    made.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.decode(loaded.encode("Mendia da?", add_special_tokens=False)) == "Mendia da?"
    assert loaded.chat_template == made.chat_template
