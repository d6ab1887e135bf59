"""What Axolotl trains by. The options are those of 0.19.0: axolotl.utils.schemas, axolotl.integrations.liger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from publishers.training_configs import (
    CHECKPOINTS,
    CONTEXT,
    OUTPUT,
    PAPER,
    Setup,
    Table,
    adam_settings,
    document,
    scale_comment,
)

COMMAND: Final = "axolotl train axolotl.yaml"
_LIGER: Final = ("liger_rope", "liger_rms_norm", "liger_glu_activation", "liger_fused_linear_cross_entropy")
_FSDP: Final[Mapping[str, Any]] = {
    "fsdp_version": 2,
    "fsdp_config": {
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",  # of the layers that the model itself names
        "state_dict_type": "FULL_STATE_DICT",
        "reshard_after_forward": True,
        "cpu_ram_efficient_loading": True,
    },
}


def axolotl(tables: Sequence[Table], setup: Setup) -> dict[str, str]:
    """`axolotl train axolotl.yaml`."""
    train = [_table(table) for table in tables if table.split == "train"]
    # a file has the one split, whatever its rows are for
    held_out = [{**_table(table), "split": "train"} for table in tables if table.split == "validation"]
    datasets = [*train, *([dict(setup.corpus)] if setup.corpus else [])]
    content = document(
        (f"Run `{COMMAND}` in this folder. Written by Iturri for Axolotl 0.19.", {}),
        ("", {"base_model": setup.model, **setup.pinned("revision_of_model")}),
        (
            "The template is the tokenizer's own. A base model has none; then, here and in each dataset:\n"
            "chat_template: jinja\n"
            "chat_template_jinja: FILE\n"
            "Where a turn does not end in the tokenizer's eos_token, say in what it ends, or no answer learns to end:\n"
            "eot_tokens: ['<|eot_id|>']",
            {"chat_template": "tokenizer_default"},
        ),
        (
            "Loss on assistant turns and their ends alone."
            + (
                " The corpus is learnt as plain text, cut every sequence_len tokens."
                if setup.corpus
                else " `iturri export --corpus` adds a corpus, which the paper mixes in."
            ),
            {
                "datasets": datasets,
                **({"test_datasets": held_out} if held_out else {"val_set_size": 0.0}),
                "shuffle_merged_datasets": True,
            },
        ),
        (
            "Packed; flash attention keeps the samples of a sequence apart (without flash-attn: sdpa).\n"
            "Longer conversations are left out: Axolotl would cut them inside a turn."
            + (
                "\nHeld-out rows that fill less than a sequence on each GPU: eval_sample_packing: false"
                if held_out
                else ""
            ),
            {
                "sequence_len": setup.max_length,
                "excess_length_strategy": "drop",
                "sample_packing": CONTEXT.packing,
                "pad_to_sequence_len": True,
                "attn_implementation": "flash_attention_2",
                **({"eval_sample_packing": True} if held_out else {}),
            },
        ),
        ("", {"plugins": ["axolotl.integrations.liger.LigerPlugin"], **dict.fromkeys(_LIGER, True)}),
        (scale_comment(setup), {"micro_batch_size": 1, "gradient_accumulation_steps": setup.accumulation}),
        (
            "",
            {
                "num_epochs": PAPER.epochs,
                "optimizer": "adamw_torch_fused",
                "learning_rate": PAPER.learning_rate,
                "lr_scheduler": "cosine",
                "cosine_min_lr_ratio": PAPER.final_share,
                "warmup_ratio": PAPER.warmup,
                **adam_settings(),
                "bf16": True,
                "gradient_checkpointing": True,
                "seed": PAPER.seed,
            },
        ),
        *([("Weights and optimiser are shared out among the GPUs.", _FSDP)] if setup.gpus > 1 else []),
        (
            "",
            {
                "output_dir": OUTPUT,
                "logging_steps": 1,
                "save_steps": CHECKPOINTS.every_steps,
                "save_total_limit": CHECKPOINTS.keep,
                **({"eval_steps": CHECKPOINTS.every_steps} if held_out else {}),
            },
        ),
    )
    return {"axolotl.yaml": content}


def _table(table: Table) -> dict[str, Any]:
    return {
        "path": table.path,
        "ds_type": "json",
        "type": "chat_template",
        "chat_template": "tokenizer_default",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }
