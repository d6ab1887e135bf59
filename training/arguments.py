"""A training recipe in the words of TRL's configuration."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from trl import SFTConfig

from schemas.training import TrainingRecipe
from training.model import precision
from training.run_directory import CHECKPOINTS

_FEW_STEPS = 20


def training_arguments(recipe: TrainingRecipe, pack_length: int, folder: Path) -> SFTConfig:
    """For a run in `folder`; `pack_length` are the tokens of the mean pack, of which so many make a step."""
    optimisation, machine = recipe.optimisation, recipe.machine
    _, arithmetic = precision(recipe)
    gpu = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=str(folder / CHECKPOINTS),
        per_device_train_batch_size=machine.sequences_per_pass,
        num_train_epochs=optimisation.epochs,
        max_steps=optimisation.max_steps or -1,
        learning_rate=optimisation.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": optimisation.final_share},
        warmup_steps=optimisation.warmup,
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
    tokens_per_pass = pack_length * machine.sequences_per_pass * arguments.world_size
    arguments.gradient_accumulation_steps = max(1, round(optimisation.tokens_per_step / tokens_per_pass))
    return arguments


def steps_of(arguments: SFTConfig, packs: int, recipe: TrainingRecipe) -> int:
    """How many steps there will be."""
    passes = math.ceil(packs / (arguments.train_batch_size * arguments.world_size))
    per_epoch = math.ceil(passes / arguments.gradient_accumulation_steps)
    return recipe.optimisation.max_steps or math.ceil(per_epoch * recipe.optimisation.epochs)


def warnings_of_steps(arguments: SFTConfig, packs: int, recipe: TrainingRecipe) -> Iterator[str]:
    """A line where there are few steps."""
    steps = steps_of(arguments, packs, recipe)
    if steps < _FEW_STEPS:
        counted = f"{steps} step{'s' if steps > 1 else ''}"
        yield (
            f"optimisation.tokens_per_step: {recipe.optimisation.tokens_per_step:,} makes {counted} of these data, "
            "which teach little; lower it"
        )
