"""What training costs beside a bare loop over the same batches: `python -m benchmarks.training`, one JSON object.

`iturri train` and a loop of a dozen lines on Transformers train the demo backbone on the same packs, by turns, in one
process; each turn gives a ratio of tokens per second of its steps. The data are a publication (`--publication`), or
conversations of the demo's grammar. It also says how much of the packed positions is wasted.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from demo.grammar.talks import talk
from schemas.training import TrainingRecipe
from training.examples import Examples, prepare
from training.model import load_tokenizer
from training.run_log import RunLog
from training.trainer import Progress, Trainer

MODEL = Path(__file__).resolve().parent.parent / "demo" / "iturri-demo-eu"
_WARM_UP = 2  # steps of each turn that are not counted


class Silent:
    """Looks on and says nothing."""

    def note(self, line: str) -> None:
        return

    def update(self, progress: Progress) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publication", help="conversations to train on; else some of the demo's grammar")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    parser.add_argument("--steps", type=int, default=12, help="in each turn")
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
        ours, bare = [], []
        for turn in range(options.rounds):
            for which in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                if which == "ours":
                    ours.append(_ours(recipe, examples, folder))
                else:
                    bare.append(_bare(recipe, examples))
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    print(
        json.dumps(
            {
                "ratio": round(statistics.median(ratios), 3),
                "ratios": [round(ratio, 3) for ratio in ratios],
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


def _ours(recipe: TrainingRecipe, examples: Examples, folder: Path) -> float:
    """Tokens per second of the steps."""
    run = Path(tempfile.mkdtemp(dir=folder))
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    Trainer(model, load_tokenizer(recipe.model), examples, recipe, run, Silent()).fit()
    records = RunLog(run / "log.jsonl").records()
    tokens = records[-1]["tokens"] - records[_WARM_UP - 1]["tokens"]
    return float(tokens / sum(record["seconds"] for record in records[_WARM_UP:]))


def _bare(recipe: TrainingRecipe, examples: Examples) -> float:
    """The same by hand: as many packs a step, AdamW, the norm of the gradients clipped."""
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
    tokens, seconds, place = 0, 0.0, 0
    for step in range(optimisation.max_steps or 0):
        began = time.monotonic()
        for _ in range(passes):
            batch = collator([examples.train[order[place % len(order)]]])
            place += 1
            loss = model(
                input_ids=batch["input_ids"],
                position_ids=batch["position_ids"],
                labels=batch["labels"],
                use_cache=False,
            ).loss
            (loss / passes).backward()
            tokens += batch["input_ids"].numel() * (step >= _WARM_UP)
        torch.nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip)
        optimiser.step()
        optimiser.zero_grad()
        seconds += (time.monotonic() - began) * (step >= _WARM_UP)
    return tokens / seconds


if __name__ == "__main__":
    main()
