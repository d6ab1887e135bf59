"""What TRL trains by. The options are those of 1.16.0: trl.scripts.sft and what it passes on to Transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from publishers.training_configs import (
    CONTEXT,
    PAPER,
    Setup,
    Table,
    document,
    scale_comment,
    schedule,
    transformers_settings,
    yaml_text,
)

COMMAND: Final = "trl sft --config trl.yaml"


def trl(tables: Sequence[Table], setup: Setup) -> dict[str, str]:
    """`trl sft --config trl.yaml`, and a README.md by whose metadata `datasets` finds the splits."""
    splits = sorted({table.split for table in tables}, reverse=True)
    content = document(
        (f"Run `{COMMAND}` in this folder. Written by Iturri for TRL 1.16.", {}),
        ("", {"model_name_or_path": setup.model, **setup.pinned("model_revision")}),
        (
            "This folder, by the name that it was written under: `datasets` cannot name one as `.`\n"
            "TRL knows no way to mix plain text with conversations in one run; `iturri train` does.\n"
            "The template is the tokenizer's own. A base model has none: chat_template_path: A-MODEL-THAT-HAS-ONE",
            {
                "dataset_name": f"../{setup.folder}",
                "dataset_train_split": "train",
                **({"dataset_test_split": "validation"} if "validation" in splits else {}),
            },
        ),
        (
            "Loss on assistant turns alone: the template needs {% generation %} marks, which TRL puts into some.",
            {"assistant_only_loss": CONTEXT.loss_on == "assistant"},
        ),
        (
            "Packed; flash attention keeps the conversations of a sequence apart.\n"
            "Longer conversations are cut, also inside a turn: TRL knows no other way.",
            {
                "max_length": setup.max_length,
                "packing": CONTEXT.packing,
                "packing_strategy": "bfd",
                "attn_implementation": "flash_attention_2",
            },
        ),
        ("", {"use_liger_kernel": True}),
        (
            scale_comment(setup),
            {
                "per_device_train_batch_size": 1,
                "per_device_eval_batch_size": 1,
                "gradient_accumulation_steps": setup.accumulation,
            },
        ),
        (
            "warmup_steps below 1 is a share of all steps, since Transformers 5.",
            {**transformers_settings(), "warmup_steps": PAPER.warmup, "gradient_checkpointing": True},
        ),
        ("", schedule("validation" in splits)),
        *(
            [
                (
                    "Weights and optimiser are shared out among the GPUs.",
                    {"accelerate_config": "fsdp2", "num_processes": setup.gpus},
                )
            ]
            if setup.gpus > 1
            else []
        ),
    )
    files = [{"split": split, "path": [table.path for table in tables if table.split == split]} for split in splits]
    metadata = {"configs": [{"config_name": "default", "data_files": files}]}
    return {"trl.yaml": content, "README.md": f"---\n{yaml_text(metadata)}---\n"}
