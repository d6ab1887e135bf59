"""What the configurations of other trainers have in common: what is trained, and the settings of the paper.

The settings are those of schemas/training.py, Sainz et al. (EMNLP 2025).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.errors import InputError
from schemas.manifest import Provenance
from schemas.names import REPO
from schemas.training import FEW_STEPS, Checkpoints, Context, Optimisation

CONTEXT: Final = Context()
PAPER: Final = Optimisation()
CHECKPOINTS: Final = Checkpoints()
OUTPUT: Final = "model"
"""Where the trained model goes, in the export's folder."""
_CHARACTERS_PER_TOKEN: Final = 3


@dataclass(frozen=True, slots=True)
class Table:
    """One exported file: the rows of one config and split. `path` is relative to the folder of the export."""

    path: str
    config: str
    split: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What is trained and on how many GPUs; `corpus` is Axolotl's entry for documents that are learnt beside.

    `folder` is the name of the export's folder, without those above it; `max_length` are the tokens of a sequence.
    """

    folder: str
    model: str
    revision: str | None = None
    gpus: int = 8
    corpus: Mapping[str, Any] | None = None
    max_length: int = CONTEXT.max_length

    @property
    def accumulation(self) -> int:
        """Passes a step, with one sequence a GPU, that come nearest to the paper's tokens a step."""
        return max(1, round(PAPER.tokens_per_step / (self.max_length * self.gpus)))

    @property
    def tokens_per_step(self) -> int:
        return self.gpus * self.accumulation * self.max_length

    def pinned(self, key: str) -> dict[str, Any]:
        return {} if self.revision is None else {key: self.revision}


def starting_model(named: str | None, provenance: Provenance) -> tuple[str, str | None]:
    """The model and its revision: the named one, or else the build's backbone, in its revision.

    Raises InputError when the backbone is no model of the Hub, for a folder without a model, and for a name that is
    neither a folder nor of the Hub.
    """
    if named is None and not REPO.fullmatch(provenance.backbone):
        raise InputError(
            f"which model is to be trained? The backbone {provenance.backbone!r} is no model of the Hub; give --model,"
            " a folder or namespace/name"
        )
    model = named or provenance.backbone
    if Path(model).is_dir():
        if not (Path(model) / "config.json").is_file():
            raise InputError(f"--model: {model} holds no model: there is no config.json")
        return str(Path(model).resolve()), None
    if not REPO.fullmatch(model):
        raise InputError(f"--model: {model!r} is neither a folder nor a model of the Hub, namespace/name")
    return model, provenance.backbone_revision if model == provenance.backbone else None


def longest_sequence(model: str) -> int:
    """Tokens of a sequence: the paper's, or those that a model in a folder has positions for, where they are fewer.

    How many a model of the Hub has is not known here. Raises InputError when config.json cannot be read.
    """
    path = Path(model) / "config.json"
    if not path.is_file():
        return CONTEXT.max_length
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--model: {path} cannot be read: {error}") from error
    parts = [config, config.get("text_config")] if isinstance(config, dict) else []
    told = [part.get("max_position_embeddings") for part in parts if isinstance(part, dict)]
    return min([CONTEXT.max_length, *(positions for positions in told if isinstance(positions, int) and positions > 0)])


def adam_settings() -> dict[str, Any]:
    return {
        "adam_beta1": PAPER.betas[0],
        "adam_beta2": PAPER.betas[1],
        "weight_decay": PAPER.weight_decay,
        "max_grad_norm": PAPER.clip,
        "neftune_noise_alpha": PAPER.neftune,
    }


def transformers_settings() -> dict[str, Any]:
    """The paper's settings as options of Transformers, which TRL and LLaMA-Factory pass on."""
    return {
        "num_train_epochs": PAPER.epochs,
        "optim": "adamw_torch_fused",
        "learning_rate": PAPER.learning_rate,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": PAPER.final_share},
        **adam_settings(),
        "bf16": True,
        "seed": PAPER.seed,
    }


def schedule(held_out: bool) -> dict[str, Any]:
    return {
        "output_dir": OUTPUT,
        "logging_steps": 1,
        "report_to": "none",
        "save_steps": CHECKPOINTS.every_steps,
        "save_total_limit": CHECKPOINTS.keep,
        **({"eval_strategy": "steps", "eval_steps": CHECKPOINTS.every_steps} if held_out else {"eval_strategy": "no"}),
    }


def scale_comment(setup: Setup) -> str:
    sequences = round(PAPER.tokens_per_step / setup.max_length)
    shorter = (
        f"The model has positions for no more than {setup.max_length} tokens (the paper: {CONTEXT.max_length}).\n"
        if setup.max_length < CONTEXT.max_length
        else ""
    )
    return (
        f"{shorter}{setup.gpus} GPU(s), 1 sequence each, {setup.accumulation} times, {setup.max_length} tokens: "
        f"{setup.tokens_per_step:,} tokens a step (the paper: about {PAPER.tokens_per_step / 1e6:.1f}M, on 128 GPUs).\n"
        f"On other numbers of GPUs: gradient_accumulation_steps = {sequences} / (GPUs x sequences on each)."
    )


def warnings_of_steps(setup: Setup, rows: int, characters: int) -> Iterator[str]:
    """A line where the rows make few steps, going by their characters: which tokenizer a model has is not known here.

    None where a corpus is learnt beside, whose size is not known either.
    """
    tokens = characters / _CHARACTERS_PER_TOKEN
    steps = max(1, math.ceil(tokens / setup.tokens_per_step))
    if setup.corpus is None and steps * PAPER.epochs < FEW_STEPS:
        cure = (
            f"lower gradient_accumulation_steps from {setup.accumulation}"
            if setup.accumulation > 1
            else "train on fewer GPUs"
        )
        yield (
            f"{rows:,} row{'s' if rows > 1 else ''} to train on, about {float(f'{tokens:.2g}'):,.0f} tokens in all: "
            f"about {steps} step{'s' if steps > 1 else ''} an epoch at {setup.tokens_per_step:,} tokens a step, too "
            f"few to teach much; {cure}"
        )


def document(*blocks: tuple[str, Mapping[str, Any]]) -> str:
    """YAML: blocks of settings, each under its comment."""
    return "\n".join(_comment(words) + (yaml_text(settings) if settings else "") for words, settings in blocks)


def _comment(words: str) -> str:
    return "".join(f"# {line}\n" for line in words.splitlines())


def yaml_text(settings: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=10_000)
