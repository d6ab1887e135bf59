"""What training costs beside a bare loop over the same packs: `python -m benchmarks.training`, one JSON object.

`iturri train` and a loop of a dozen lines on Transformers train the demo backbone in one process, a step of the one and
a step of the other by turns; each pair of steps gives a ratio of tokens per second. Ours counts all from one step to
the next, with reading the packs and writing the log. The data are a publication (`--publication`), or conversations of
the demo's grammar. It also says how much of the packed positions is wasted.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from demo.grammar.talks import talk
from schemas.training import TrainingRecipe
from training.examples import Examples, prepare
from training.model import load_tokenizer
from training.trainer import Progress, Trainer

MODEL = Path(__file__).resolve().parent.parent / "demo" / "iturri-demo-eu"
_WARM_UP = 2  # steps of each that are not counted


class ByTurns:
    """Looks on at our steps, and after each makes one of the other; keeps the tokens per second of both."""

    def __init__(self, other: Iterator[int]) -> None:
        self._other = other
        self._tokens = 0
        self._began = time.monotonic()
        self.ours: list[float] = []
        self.others: list[float] = []

    def note(self, line: str) -> None:
        return

    def update(self, progress: Progress) -> None:
        middle = time.monotonic()
        self.ours.append((progress.tokens - self._tokens) / (middle - self._began))
        tokens = next(self._other)
        self._began = time.monotonic()
        self.others.append(tokens / (self._began - middle))
        self._tokens = progress.tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publication", help="conversations to train on; else some of the demo's grammar")
    parser.add_argument("--steps", type=int, default=42, help="of each; the first two are not counted")
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--tokens-per-step", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = options.publication or str(_conversations(folder / "rows.jsonl", 1000))
        recipe = _recipe(source, options)
        tokenizer = load_tokenizer(recipe.model)
        examples = prepare(recipe, tokenizer, folder / "data")
        turns = ByTurns(_bare(recipe, examples))
        model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
        Trainer(model, tokenizer, examples, recipe, folder / "run", turns).fit()
    ours, bare = turns.ours[_WARM_UP:], turns.others[_WARM_UP:]
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    quarters = statistics.quantiles(ratios, n=4)
    print(
        json.dumps(
            {
                "ratio": round(statistics.median(ratios), 3),
                "middle_half": [round(quarters[0], 3), round(quarters[2], 3)],
                "tokens_per_s": round(statistics.median(ours)),
                "bare_tokens_per_s": round(statistics.median(bare)),
                "threads": options.threads,
                "steps": options.steps,
                "sequences": examples.packing.sequences,
                "packs": examples.packing.packs,
                "wasted_positions": round(1 - examples.packing.fill, 4),
                "wasted_of_max_length": round(1 - _tokens(examples) / (examples.packing.packs * options.max_length), 4),
            }
        )
    )


def _tokens(examples: Examples) -> int:
    return sum(count.tokens for count in examples.sources)


def _conversations(path: Path, count: int) -> Path:
    chance = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            roles = ("user", "assistant")
            messages = [
                {"role": roles[place % 2], "content": turn} for place, turn in enumerate(talk(chance, late=True).turns)
            ]
            file.write(json.dumps({"id": str(number), "language": "eu", "messages": messages}) + "\n")
    return path


def _recipe(source: str, options: argparse.Namespace) -> TrainingRecipe:
    told: dict[str, Any] = {
        "name": "benchmark",
        "model": str(MODEL),
        "languages": ["eu"],
        "data": {"conversations": [{"source": source}], "held_out_share": 0},
        "context": {"max_length": options.max_length},
        "optimisation": {
            "max_steps": options.steps,
            "tokens_per_step": options.tokens_per_step,
            "learning_rate": 1e-4,
            "neftune": 0,
        },
        "checkpoints": {"every_steps": 1_000_000},
    }
    return TrainingRecipe.model_validate(told)


def _bare(recipe: TrainingRecipe, examples: Examples) -> Iterator[int]:
    """The same by hand: as many packs a step, AdamW, the norm of the gradients clipped. Gives the tokens of each."""
    optimisation = recipe.optimisation
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    model.train()
    collator = DataCollatorForLanguageModeling(pad_token_id=model.config.pad_token_id, padding_free=True)
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=optimisation.learning_rate,
        betas=optimisation.betas,
        weight_decay=optimisation.weight_decay,
        fused=True,
    )
    passes = max(1, round(optimisation.tokens_per_step / examples.pack_length))
    order = torch.randperm(len(examples.train), generator=torch.Generator().manual_seed(optimisation.seed)).tolist()
    packs = cycle(order)
    while True:
        tokens = 0
        for _ in range(passes):
            batch = collator([examples.train[next(packs)]])
            loss = model(
                input_ids=batch["input_ids"],
                position_ids=batch["position_ids"],
                labels=batch["labels"],
                use_cache=False,
            ).loss
            (loss / passes).backward()
            tokens += batch["input_ids"].numel()
        torch.nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip)
        optimiser.step()
        optimiser.zero_grad()
        yield tokens


if __name__ == "__main__":
    main()
