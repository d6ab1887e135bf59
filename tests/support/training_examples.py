"""Rows, and the examples that a recipe makes of them for the demo backbone's tokenizer."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from schemas.training import TrainingRecipe
from schemas.training_report import SourceCount
from tests.support.dataset_rows import exchange
from tests.support.training_models import BACKBONE
from training.examples import Examples, prepare

Row = dict[str, Any]


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(BACKBONE)


def row(number: int, language: str = "eu", mode: str = "magpie", **more: Any) -> Row:
    turns = exchange(f"{mode}-{language} galdera {number}", f"{mode}-{language} erantzuna {number}")
    return {"id": f"{mode}-{language}-{number}", "language": language, "mode": mode, "messages": turns, **more}


def prepared(folder: Path, data: dict[str, Any], *, begun: bool = False, **fields: Any) -> Examples:
    told = {"name": "proba", "model": str(BACKBONE), "languages": ["eu"], "context": {"max_length": 64}, **fields}
    recipe = TrainingRecipe.model_validate({**told, "data": data})
    return prepare(recipe, tokenizer(), folder / "data", begun=begun)


def texts(examples: Examples, name: str | None = None) -> Counter[str]:
    """What is trained on, or held out under a name: each sequence's text without special tokens, how often."""
    packs = examples.train if name is None else examples.held_out[name]
    found: Counter[str] = Counter()
    for pack in packs:
        start = 0
        for length in pack["seq_lengths"]:
            found[tokenizer().decode(pack["input_ids"][start : start + length], skip_special_tokens=True)] += 1
            start += length
    return found


def text(made: Row) -> str:
    return "".join(message["content"] for message in made["messages"])


def only(examples: Examples) -> SourceCount:
    (count,) = examples.sources
    return count
