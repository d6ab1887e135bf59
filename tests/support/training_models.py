"""Small models that train in seconds: Llamas with the demo backbone's tokenizer, in float32."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from schemas.training import TrainingRecipe
from schemas.training_report import TrainingReport
from tests.support.rooms import ROOT
from training.run import train
from training.trainer import Progress

BACKBONE = ROOT / "demo" / "iturri-demo-eu"


class Looker:
    """Looks on, and remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[Progress] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def update(self, progress: Progress) -> None:
        self.steps.append(progress)


def small_model(folder: Path, seed: int = 0, dtype: torch.dtype = torch.float32, **config: Any) -> Path:
    """A Llama of two layers with random weights, as a folder."""
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=512,
            bos_token_id=tokenizer.bos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **{"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, **config},
        )
    )
    model.to(dtype).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def conversations(path: Path, count: int, language: str = "eu") -> Path:
    """A JSONL file of short conversations about sums, each with an answer that follows from its question."""
    return rows(path, ({"id": f"{language}-{i}", "language": language, "messages": _talk(i)} for i in range(count)))


def rows(path: Path, made: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
    return path


def documents(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    return path


def recipe(model: Path, source: Path, **fields: Any) -> dict[str, Any]:
    """A training recipe that is over in a few seconds."""
    return {
        "name": "proba",
        "model": str(model),
        "languages": ["eu"],
        "data": {"conversations": [{"source": str(source)}], "held_out_share": 0.2},
        "context": {"max_length": 128},
        "optimisation": {"epochs": 2, "tokens_per_step": 256, "learning_rate": 1e-3},
        "checkpoints": {"every_steps": 2},
        **fields,
    }


def _talk(number: int) -> list[dict[str, str]]:
    first, second = number % 7, number % 5
    return [
        {"role": "user", "content": f"Zenbat da {first} gehi {second}?"},
        {"role": "assistant", "content": f"{first} gehi {second} {first + second} da."},
        {"role": "user", "content": "Eta bat gehiago?"},
        {"role": "assistant", "content": f"Orduan {first + second + 1} da."},
    ]


def trained(folder: Path, made: Mapping[str, Any]) -> tuple[TrainingReport, Looker]:
    """The report of a run of this recipe in the folder, and what was told of it."""
    looker = Looker()
    return train(TrainingRecipe.model_validate(made), folder, looker), looker
