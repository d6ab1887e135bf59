"""The metadata of a model card: what the Hub reads of it. https://huggingface.co/docs/hub/model-cards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import eval_results_to_model_index

from schemas.names import REPO
from schemas.training_report import HeldOutLoss, TrainingReport

CARD_NAME = "README.md"
TAG = "iturri"
"""Which tells a card of ours."""

ADAPTER_NAME = "adapter_config.json"


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter, and no whole model."""
    return (folder / ADAPTER_NAME).is_file()


def card_metadata(report: TrainingReport, base: str, licence: Mapping[str, str], *, adapter: bool) -> dict[str, Any]:
    """Models and datasets are told only by names on the Hub, as it takes no others."""
    datasets = list(dict.fromkeys(source.source for source in report.sources if REPO.fullmatch(source.source)))
    relation = "adapter" if adapter else "finetune"
    method = report.recipe.get("method", "full")
    methods = ["sft", *([method] if method != "full" else [])]
    talks = any(source.kind == "conversations" for source in report.sources)
    return {
        "language": list(report.recipe["languages"]),
        **licence,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": [base], "base_model_relation": relation} if REPO.fullmatch(base) else {}),
        **({"datasets": datasets} if datasets else {}),
        "tags": [TAG, *(["conversational"] if talks else []), *methods],
        **({"model-index": _model_index(report)} if report.losses else {}),
    }


def _model_index(report: TrainingReport) -> list[dict[str, Any]]:
    """The held-out losses after training, each with the one before among its arguments."""
    return eval_results_to_model_index(
        report.recipe["name"],
        [
            EvalResult(
                task_type="text-generation",
                task_name="Text Generation",
                dataset_type=_dataset_of(report, loss),
                dataset_name=loss.name,
                dataset_config=loss.name,  # two of one dataset stay apart
                dataset_split="held out",
                metric_type="loss",
                metric_name="loss, nats per token",
                metric_value=round(loss.after, 4),
                metric_args={"before": round(loss.before, 4), "tokens": loss.tokens},
            )
            for loss in report.losses
        ],
    )


def _dataset_of(report: TrainingReport, loss: HeldOutLoss) -> str:
    """The dataset on the Hub where the loss is of one alone, else its own name."""
    kind, _, language = loss.name.partition("-")
    found = {one.source for one in report.sources if one.kind == kind and one.language == language and one.held_out}
    only = next(iter(found)) if len(found) == 1 else ""
    return only if REPO.fullmatch(only) else loss.name
