"""The model that is trained: loaded, in which type, with adapters or without; and written down."""

from __future__ import annotations

import importlib.util
import shutil
import textwrap
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from schemas.errors import RecipeError, StorageError
from schemas.training import StartingModel, TrainingRecipe
from training.chat_template import end_of_turn, pin
from training.model_folder import why_no_model
from training.whole_file import open_to_readers


def load_tokenizer(model: StartingModel) -> PreTrainedTokenizerBase:
    """The model's tokenizer, with the chat template that the result has. Raises RecipeError, TemplateError."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(model.name, revision=model.revision)
    except Exception as error:  # transformers raises what its many readers raise
        raise _unreadable(model, "tokenizer", error) from error
    pin(tokenizer, model.chat_template)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))
    return tokenizer


def check_context(recipe: TrainingRecipe) -> None:
    """Whether the model has so many positions, before anything is encoded. Raises RecipeError."""
    try:
        config = AutoConfig.from_pretrained(recipe.model.name, revision=recipe.model.revision)
    except Exception as error:
        raise _unreadable(recipe.model, "model", error) from error
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    if longest is not None and recipe.context.max_length > longest:
        raise RecipeError(
            f"context.max_length: {recipe.context.max_length:,} is more than the {longest:,} positions of "
            f"{recipe.model.name}; lower it"
        )


def check_upload(recipe: TrainingRecipe) -> None:
    """Whether others could use what is to be uploaded. Raises RecipeError."""
    only_adapter = recipe.method != "full" and not recipe.lora.merge
    if recipe.publish.repo is not None and only_adapter and Path(recipe.model.name).is_dir():
        raise RecipeError(
            f"publish.repo: an adapter of {recipe.model.name}, a folder of this machine, is of use to nobody else; set "
            "lora.merge: true, or take a model of the Hub"
        )


def load_model(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """The model in the type it is trained in. Raises RecipeError."""
    disable_progress_bar()  # Transformers' own, which would be drawn across ours
    weights, arithmetic = precision(recipe)
    options: dict[str, Any] = {"dtype": weights, "attn_implementation": attention(recipe.model, arithmetic)}
    if recipe.method == "qlora":
        options["quantization_config"] = _four_bit()
    # An adapter remembers where its base lies, and is loaded from anywhere.
    name = str(Path(recipe.model.name).resolve()) if Path(recipe.model.name).is_dir() else recipe.model.name
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            name, revision=recipe.model.revision, output_loading_info=True, **options
        )
    except Exception as error:
        raise _unreadable(recipe.model, "model", error) from error
    if missing := sorted(found["missing_keys"]):  # which would be drawn at random
        raise RecipeError(
            f"model: {recipe.model.name}: {len(missing):,} of its weights are missing, such as {missing[0]}; take "
            "one that is whole, and a causal language model"
        )
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        raise RecipeError(
            f"model: {recipe.model.name}: the tokenizer has {len(tokenizer):,} tokens and the model embeddings for"
            f" {model.get_input_embeddings().weight.shape[0]:,}; use the tokenizer that belongs to it"
        )
    return model


def precision(recipe: TrainingRecipe) -> tuple[torch.dtype, torch.dtype]:
    """The type of the weights while they are trained, and that of the arithmetic.

    Adapters stay float32 over weights in bfloat16, so `mixed` means that for them.
    """
    kind = recipe.machine.precision
    if kind == "auto":
        kind = "mixed" if torch.cuda.is_available() else "float32"
    if kind == "float32":
        return torch.float32, torch.float32
    if kind == "bf16" or recipe.method != "full":
        return torch.bfloat16, torch.bfloat16
    return torch.float32, torch.bfloat16


def attention(model: StartingModel, arithmetic: torch.dtype) -> str:
    """Transformers' name of the kernel: packed sequences are kept apart by all of these."""
    if model.attention is not None:
        return model.attention
    fast = torch.cuda.is_available() and arithmetic == torch.bfloat16
    return "flash_attention_2" if fast and importlib.util.find_spec("flash_attn") else "sdpa"


def adapters(recipe: TrainingRecipe) -> LoraConfig | None:
    """PEFT's configuration, for the methods that have one."""
    if recipe.method == "full":
        return None
    targets = recipe.lora.targets
    return LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha_used,
        lora_dropout=recipe.lora.dropout,
        target_modules="all-linear" if targets == ("all-linear",) else list(targets),
        task_type="CAUSAL_LM",
    )


def commit_of(model: PreTrainedModel) -> str | None:
    """The commit of a model from the Hub; none of a folder."""
    return getattr(model.config, "_commit_hash", None)


def write_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    state: dict[str, torch.Tensor] | None = None,
) -> None:
    """Weights in the type that the starting model came in, tokenizer and chat template; the folder appears whole.

    What ends a turn ends generation too, whatever the starting model ended with. `state` are the weights where the
    model itself holds only a part of them. Raises StorageError.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        ends = end_of_turn(tokenizer)
        known = model.generation_config.eos_token_id
        known = [known] if isinstance(known, int) else list(known or [])
        model.generation_config.eos_token_id = [ends, *(end for end in known if end != ends)]
        model.save_pretrained(partial, state_dict=state)
        if isinstance(model, PeftModel):
            model.generation_config.save_pretrained(partial)
        elif state is not None:  # the type of these, and not the one that the model was trained in
            model.config.dtype = next(iter(state.values())).dtype
            model.config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        open_to_readers(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise StorageError(
            f"{folder} cannot be written: {error}; free some space and run the same command again"
        ) from error


def original_type(recipe: TrainingRecipe) -> torch.dtype:
    """The type that the starting model's weights are stored in."""
    config = AutoConfig.from_pretrained(recipe.model.name, revision=recipe.model.revision)
    return config.dtype if isinstance(config.dtype, torch.dtype) else torch.float32


def merge_adapter(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, adapter: Path, folder: Path) -> None:
    """The starting model, whole and unquantised, with the adapter in its weights. Raises RecipeError, StorageError."""
    try:
        base = AutoModelForCausalLM.from_pretrained(
            recipe.model.name, revision=recipe.model.revision, dtype=original_type(recipe)
        )
    except Exception as error:
        raise _unreadable(recipe.model, "model", error) from error
    write_model(PeftModel.from_pretrained(base, str(adapter)).merge_and_unload(), tokenizer, folder)


def base_licence(model: StartingModel) -> str | None:
    """What a folder's model card says; a model on the Hub is asked where its card is already at hand."""
    from huggingface_hub import ModelCard

    try:
        card = ModelCard.load(Path(model.name) / "README.md" if Path(model.name).is_dir() else model.name)
    except Exception:  # noqa: BLE001 - no card, no such file, no network: then nothing is known
        return None
    licence = card.data.to_dict().get("license")
    return licence if isinstance(licence, str) else None


def _four_bit() -> BitsAndBytesConfig:
    """NF4 with double quantisation, as in Dettmers et al., QLoRA (2023)."""
    if not torch.cuda.is_available():
        raise RecipeError("method: qlora needs a GPU; use lora, or a machine that has one")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise RecipeError("method: qlora needs bitsandbytes; `pip install bitsandbytes`, or use lora")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _unreadable(model: StartingModel, what: str, error: Exception) -> RecipeError:
    told = textwrap.shorten(str(error), 300, placeholder=" ...") or type(error).__name__
    if model.attention is not None and model.attention in told:
        return RecipeError(f"model.attention: no {what} can be loaded from {model.name}: {told}")
    folder = Path(model.name)
    if not folder.is_dir():
        return RecipeError(
            f"model: there is no folder {folder} here, and no {what} of that name can be loaded from the Hub: {told}"
        )
    return RecipeError(f"model: {why_no_model(folder) or f'no {what} can be loaded from {folder}: {told}'}")


def parameters(model: PreTrainedModel) -> tuple[int, int]:
    """How many there are, and how many of them are trained."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)
