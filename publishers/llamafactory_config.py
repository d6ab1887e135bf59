"""What LLaMA-Factory trains by. The options are those of 0.9.5: llamafactory.hparams, llamafactory.data."""

from __future__ import annotations

import json
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
)

COMMAND: Final = "llamafactory-cli train llamafactory.yaml"


def llamafactory(tables: Sequence[Table], setup: Setup) -> dict[str, str]:
    """`llamafactory-cli train llamafactory.yaml`, and the file that describes its datasets."""
    held_out = _names(tables, "validation")
    content = document(
        (f"Run `{COMMAND}` in this folder. Written by Iturri for LLaMA-Factory 0.9.5.", {}),
        (
            "Where it does not fit a GPU: `deepspeed: FILE`, such as their examples/deepspeed/ds_z3_config.json",
            {"model_name_or_path": setup.model, **setup.pinned("model_revision")},
        ),
        (
            "No `template`: LLaMA-Factory takes the tokenizer's own apart. Look at the example that it prints.\n"
            "A base model has none: name one of LLaMA-Factory's, such as `template: llama3`.\n"
            "Stage sft knows no way to mix plain text with conversations; `iturri train` does.",
            {
                "stage": "sft",
                "do_train": True,
                "finetuning_type": "full",
                "dataset_dir": ".",
                "dataset": ",".join(_names(tables, "train")),
                **({"eval_dataset": ",".join(held_out)} if held_out else {}),
            },
        ),
        ("Loss on the answers of all turns.", {"train_on_prompt": False, "mask_history": False}),
        (
            "Packed; neat_packing keeps the conversations of a sequence apart.\n"
            "Longer conversations are cut, also inside a turn: LLaMA-Factory knows no other way.",
            {
                "cutoff_len": setup.max_length,
                "packing": CONTEXT.packing,
                "neat_packing": CONTEXT.packing,
                "flash_attn": "fa2",
            },
        ),
        ("", {"enable_liger_kernel": True}),
        (
            scale_comment(setup),
            {
                "per_device_train_batch_size": 1,
                "per_device_eval_batch_size": 1,
                "gradient_accumulation_steps": setup.accumulation,
            },
        ),
        # of the versions of Transformers that LLaMA-Factory takes, the older ones know no share in warmup_steps
        ("", {**transformers_settings(), "warmup_ratio": PAPER.warmup}),
        ("", schedule(bool(held_out))),
    )
    return {"llamafactory.yaml": content, "dataset_info.json": _dataset_info(tables)}


def _name(table: Table) -> str:
    return f"{table.config}_{table.split}".replace("-", "_")


def _names(tables: Sequence[Table], split: str) -> list[str]:
    return [_name(table) for table in tables if table.split == split]


def _dataset_info(tables: Sequence[Table]) -> str:
    told = {
        _name(table): {
            "file_name": table.path,
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
        for table in tables
    }
    return json.dumps(told, indent=2) + "\n"
