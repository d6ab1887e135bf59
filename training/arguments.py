"""A training recipe in the words of TRL's configuration."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from trl import SFTConfig

from schemas.training import FEW_STEPS, Optimisation, TrainingRecipe
from training.examples import Examples
from training.model import precision
from training.run_directory import CHECKPOINTS


def training_arguments(recipe: TrainingRecipe, examples: Examples, folder: Path) -> SFTConfig:
    """For a run in `folder`. The learning rate's course is the trainer's own (`learning_rate_share`)."""
    optimisation, machine = recipe.optimisation, recipe.machine
    _, arithmetic = precision(recipe)
    gpu = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=str(folder / CHECKPOINTS),
        per_device_train_batch_size=machine.sequences_per_pass,
        num_train_epochs=optimisation.epochs,
        learning_rate=optimisation.learning_rate,
        weight_decay=optimisation.weight_decay,
        adam_beta1=optimisation.betas[0],
        adam_beta2=optimisation.betas[1],
        max_grad_norm=optimisation.clip,
        neftune_noise_alpha=optimisation.neftune or None,
        seed=optimisation.seed,
        data_seed=optimisation.seed,
        bf16=arithmetic == torch.bfloat16,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        gradient_checkpointing=machine.gradient_checkpointing,
        use_liger_kernel=machine.liger and gpu and importlib.util.find_spec("liger_kernel") is not None,
        # The packs are made already; the collator sets them apart by their positions.
        padding_free=True,
        packing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.checkpoints.every_steps,
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
    )
    tokens_per_pass = examples.pack_length * machine.sequences_per_pass * arguments.world_size
    arguments.gradient_accumulation_steps = max(1, round(optimisation.tokens_per_step / tokens_per_pass))
    passes = math.ceil(len(examples.train) / (arguments.train_batch_size * arguments.world_size))
    steps = math.ceil(math.ceil(passes / arguments.gradient_accumulation_steps) * optimisation.epochs)
    arguments.max_steps = min(steps, optimisation.max_steps or steps)
    return arguments


def learning_rate_share(step: int, steps: int, optimisation: Optimisation) -> float:
    """The share of the full learning rate at a step, counted from 0: a line up, and a cosine down to `final_share`.

    Transformers' own begins at 0, so that the first step of a run, and all of a short one, would teach nothing.
    """
    warmup = math.ceil(optimisation.warmup * steps)
    if step < warmup:
        return (step + 1) / warmup
    passed = (step - warmup) / max(1, steps - warmup)
    return optimisation.final_share + (1 - optimisation.final_share) * 0.5 * (1 + math.cos(math.pi * passed))


def warnings_of_steps(arguments: SFTConfig, recipe: TrainingRecipe) -> Iterator[str]:
    """A line where the data make few steps; not where `max_steps` asks for few."""
    steps = arguments.max_steps
    if steps < FEW_STEPS and steps != recipe.optimisation.max_steps:
        counted = f"{steps} step{'s' if steps > 1 else ''}"
        yield (
            f"optimisation.tokens_per_step: {recipe.optimisation.tokens_per_step:,} makes {counted} of these data, "
            "which teach little; lower it"
        )
