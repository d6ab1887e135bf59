"""The model that is trained: what cannot be trained is refused, and what is written loads as it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from schemas.errors import RecipeError, TemplateError
from schemas.training import StartingModel
from tests.support.training_models import BACKBONE, conversations, recipe, small_model, trained
from training.model import load_tokenizer

LORA = {"rank": 4, "alpha": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    small_model(folder / "small")
    conversations(folder / "rows.jsonl", 30)
    return folder


def made(folder: Path, model: Any = "small", **fields: Any) -> dict[str, Any]:
    told = recipe(folder / model if isinstance(model, str) else Path(), folder / "rows.jsonl", **fields)
    told["checkpoints"] = {"every_steps": 100}
    told["optimisation"] = {"max_steps": 3, "tokens_per_step": 256, "learning_rate": 1e-2, "warmup": 0}
    return told if isinstance(model, str) else told | {"model": model}


# What is written.


def test_a_tied_model_in_bfloat16_is_written_as_it_came(folder: Path, tmp_path: Path) -> None:
    small_model(folder / "tied", dtype=torch.bfloat16, tie_word_embeddings=True)
    trained(tmp_path / "run", made(folder, "tied"))
    before, after = (load_file(path / "model.safetensors") for path in (folder / "tied", tmp_path / "run" / "model"))
    assert {name: (value.dtype, value.shape) for name, value in after.items()} == {
        name: (value.dtype, value.shape) for name, value in before.items()
    }
    assert not torch.equal(after["model.embed_tokens.weight"], before["model.embed_tokens.weight"])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    assert model.dtype == torch.bfloat16
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert json.loads((tmp_path / "run" / "model" / "config.json").read_text())["dtype"] == "bfloat16"


def test_what_ends_a_turn_ends_generation_too(folder: Path, tmp_path: Path) -> None:
    small_model(folder / "base", eos_token_id=0)
    trained(tmp_path / "run", made(folder, "base"))
    written = json.loads((tmp_path / "run" / "model" / "generation_config.json").read_text())
    assert written["eos_token_id"] == [4, 0]


@pytest.fixture(scope="module")
def bare(folder: Path) -> Path:
    """A base model: no chat template."""
    place = small_model(folder / "bare")
    (place / "chat_template.jinja").unlink()
    return place


def test_a_base_model_without_a_template_needs_one(folder: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"no chat template; give model\.chat_template"):
        trained(tmp_path / "run", made(folder, bare.name))


@pytest.mark.parametrize("given", ["a model", "a file"])
def test_the_given_chat_template_is_written_with_the_model(
    folder: Path, bare: Path, tmp_path: Path, given: str
) -> None:
    text = (BACKBONE / "chat_template.jinja").read_text()
    if given == "a file":
        text = text.replace("'<|user|>'", "'<|user|>' + 'Galdera: '")
        (tmp_path / "given.jinja").write_text(text)
    template = str(BACKBONE if given == "a model" else tmp_path / "given.jinja")
    model = {"name": str(bare), "chat_template": template}
    report, _ = trained(tmp_path / "run", made(folder, model))
    written = AutoTokenizer.from_pretrained(tmp_path / "run" / "model")
    assert written.chat_template == text
    assert report.recipe["model"]["chat_template"] == template


# Adapters.


@pytest.fixture(scope="module")
def adapted(folder: Path) -> Path:
    before = (folder / "small" / "model.safetensors").read_bytes()
    report, _ = trained(folder / "adapted", made(folder, method="lora", lora=LORA))
    assert report.trainable_parameters < report.parameters / 10
    assert (folder / "small" / "model.safetensors").read_bytes() == before, "the base is not touched"
    return folder / "adapted"


def test_merged_weights_say_what_the_adapter_says(folder: Path, adapted: Path) -> None:
    ids = torch.arange(6, 60)[None]
    with torch.no_grad():
        base = AutoModelForCausalLM.from_pretrained(folder / "small")
        untouched = base(ids).logits
        with_adapter = PeftModel.from_pretrained(base, str(adapted / "adapter"))(ids).logits
        merged = AutoModelForCausalLM.from_pretrained(adapted / "model")(ids).logits
    torch.testing.assert_close(merged, with_adapter, rtol=1e-4, atol=1e-5)
    assert (merged - untouched).abs().max() > 1e-2


def test_an_adapter_comes_with_all_that_is_needed_beside_its_base(adapted: Path) -> None:
    names = {path.name for path in (adapted / "adapter").iterdir()}
    assert names >= {
        "adapter_model.safetensors",
        "adapter_config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "generation_config.json",
        "README.md",
    }
    assert not any("embed_tokens" in name for name in load_file(adapted / "adapter" / "adapter_model.safetensors"))


def test_an_adapter_of_a_folder_loads_from_anywhere_and_all_may_read_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    trained(tmp_path / "run", made(folder, method="lora", lora=LORA) | {"model": "small"})
    monkeypatch.chdir(tmp_path)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "adapter").config.hidden_size == 32
    weights = [path for result in ("adapter", "model") for path in (tmp_path / "run" / result).glob("*.safetensors")]
    beside = (tmp_path / "run" / "model" / "tokenizer_config.json").stat().st_mode
    assert [path.stat().st_mode for path in weights] == [beside, beside]


def test_an_adapter_alone_where_it_is_not_to_be_merged(folder: Path, tmp_path: Path) -> None:
    trained(tmp_path / "run", made(folder, method="lora", lora={**LORA, "merge": False, "targets": ["q_proj"]}))
    assert (tmp_path / "run" / "adapter").is_dir() and not (tmp_path / "run" / "model").exists()
    names = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    assert len(names) == 4 and all("q_proj" in name for name in names)


# What is refused.


def refused(folder: Path, tmp_path: Path, **fields: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        trained(tmp_path / "run", made(folder, **fields))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "model").exists()
    return str(caught.value)


def test_a_model_that_is_not_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said = refused(folder, tmp_path, model={"name": "no/such-model"})
    assert said.startswith(
        "model: there is no folder no/such-model here, and no tokenizer of that name can be loaded from the Hub: "
    )


def test_a_long_error_is_seen_to_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("many words " * 100)

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", fail)
    with pytest.raises(RecipeError, match=r"Hub: many words .* (many|words) \.\.\.$"):
        load_tokenizer(StartingModel(name="no/such-model"))


def test_a_folder_with_a_tokenizer_alone(folder: Path, tmp_path: Path) -> None:
    AutoTokenizer.from_pretrained(BACKBONE).save_pretrained(folder / "tokenizer")
    said = refused(folder, tmp_path, model="tokenizer")
    assert said == f"model: {folder / 'tokenizer'} holds no model: there is no config.json"


def test_a_folder_with_nothing_of_a_model(folder: Path, tmp_path: Path) -> None:
    (folder / "nothing").mkdir()
    assert refused(folder, tmp_path, model="nothing").endswith("/nothing holds no model: there is no config.json")


def test_the_folder_of_a_run_is_not_its_model(folder: Path, adapted: Path, tmp_path: Path) -> None:
    said = refused(folder, tmp_path, model=adapted.name)
    assert said == f"model: {adapted} is the folder of a run; name its model, {adapted / 'model'}"


def test_an_adapter_is_no_whole_model(folder: Path, tmp_path: Path) -> None:
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_config.json").write_text("{}")
    said = refused(folder, tmp_path, model="adapter")
    assert said.endswith("holds an adapter, not a whole model; name the folder of the merged model, model/")


def test_weights_that_are_cut_off(folder: Path, tmp_path: Path) -> None:
    place = small_model(folder / "torn") / "model.safetensors"
    place.write_bytes(place.read_bytes()[:1000])
    assert refused(folder, tmp_path, model="torn").startswith("model: no model can be loaded from ")


def test_weights_that_are_missing(folder: Path, tmp_path: Path) -> None:
    """Transformers would draw them at random, and say so in a table."""
    place = small_model(folder / "gap") / "model.safetensors"
    weights = load_file(place)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, place, metadata={"format": "pt"})
    said = refused(folder, tmp_path, model="gap")
    assert "model.layers.1.mlp.up_proj.weight" in said


def test_a_tokenizer_that_is_too_large_for_the_model(folder: Path, tmp_path: Path) -> None:
    small_model(folder / "few", vocab_size=4000)
    assert "the tokenizer has 4,096 tokens and the model embeddings for 4,000" in refused(folder, tmp_path, model="few")


def test_a_context_longer_than_the_models_positions(folder: Path, tmp_path: Path) -> None:
    said = refused(folder, tmp_path, context={"max_length": 513})
    assert said.startswith("context.max_length: 513 is more than the 512 positions of ")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_four_bits_without_a_gpu(folder: Path, tmp_path: Path) -> None:
    assert refused(folder, tmp_path, method="qlora").startswith("method: qlora needs a GPU; use lora")


def test_targets_that_the_model_has_not(folder: Path, tmp_path: Path) -> None:
    said = refused(folder, tmp_path, method="lora", lora={**LORA, "targets": ["no_such_proj"]})
    assert said.startswith("lora.targets: ") and "no_such_proj" in said


def test_a_kernel_that_there_is_not(folder: Path, tmp_path: Path) -> None:
    said = refused(folder, tmp_path, model={"name": str(folder / "small"), "attention": "no_such_kernel"})
    assert said.startswith("model.attention: ") and "no_such_kernel" in said
