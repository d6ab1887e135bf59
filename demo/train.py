"""Makes the demo backbone: `python -m demo.train --corpus DIR --out demo/iturri-demo-eu`.

The tokenizer is learnt, a model is begun with random weights, the documents are written down; the rest is a training
recipe (`iturri train`), with its checkpoints: the same command goes on with a run that was stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field
from transformers import PreTrainedTokenizerFast

from demo.corpus import Corpus
from demo.dressing import Dressing
from demo.grammar.talks import talk
from demo.model import Shape, build_model
from demo.tokenizer import train_tokenizer
from schemas.base import Frozen

RECIPE = Path(__file__).with_name("train.yaml")
LANGUAGE = "eu"
HELD_OUT = 500
FILES = (
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)


class BackboneRecipe(Frozen):
    """`train.yaml`: everything that decides the weights, but for the corpus."""

    vocab_size: int
    tokenizer_talks: int = Field(
        description="talks of the grammar that the tokenizer is learnt from, beside the corpus"
    )
    corpus_talks: float = Field(
        ge=0, le=1, description="the share of documents that are requests for a corpus sentence"
    )
    corpus_texts: float = Field(ge=0, le=1, description="the share of documents that are plain corpus sentences")
    late_families_from: int = Field(description="the first document that may come from the grammar's late families")
    seed: int
    documents: int = Field(ge=1, description="each is made anew, and seen once")
    shape: Shape
    training: dict[str, Any] = Field(description="fields of a training recipe, beside its model and data")


def read_recipe(path: Path = RECIPE) -> BackboneRecipe:
    return BackboneRecipe.model_validate(yaml.safe_load(path.read_text()))


class Documents:
    """Training document number i, made from (seed, i) alone, as the turns or as the messages it consists of.

    Without a corpus the documents that quote it are empty, the others the same.
    """

    def __init__(self, recipe: BackboneRecipe, corpus: Corpus | None) -> None:
        self._recipe, self._corpus = recipe, corpus
        self._dressing = Dressing()

    def turns(self, index: int, *, held_out: bool = False) -> tuple[str, ...]:
        """The turns of a conversation; a plain text is a single turn."""
        return self._make(index, held_out)[0]

    def write(self, folder: Path, numbers: range, *, held_out: bool = False) -> None:
        """`conversations.jsonl`, and `texts.jsonl` for plain texts."""
        with (
            (folder / "conversations.jsonl").open("w", encoding="utf-8") as conversations,
            (folder / "texts.jsonl").open("w", encoding="utf-8") as texts,
        ):
            for number in numbers:
                turns, messages = self._make(number, held_out)
                if messages:
                    row = {"id": f"talk-{number}", "language": LANGUAGE, "messages": messages}
                    conversations.write(json.dumps(row, ensure_ascii=False) + "\n")
                elif turns:
                    texts.write(json.dumps({"text": turns[0]}, ensure_ascii=False) + "\n")

    def _make(self, index: int, held_out: bool) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        rng = random.Random(f"{self._recipe.seed}/{'held out' if held_out else 'training'}/{index}")
        chance = rng.random()
        if chance >= self._recipe.corpus_texts + self._recipe.corpus_talks:
            made = talk(rng, late=held_out or index >= self._recipe.late_families_from)
        elif self._corpus is None:
            return (), []
        elif chance < self._recipe.corpus_texts:
            return (self._corpus.text(rng),), []
        else:
            made = self._corpus.talk(rng)
        return made.turns, self._dressing.messages(rng, made)


def learn_tokenizer(recipe: BackboneRecipe, corpus: Corpus) -> PreTrainedTokenizerFast:
    rng = random.Random(f"{recipe.seed}/tokenizer")
    talks = (turn for _ in range(recipe.tokenizer_talks) for turn in talk(rng, late=False).turns)
    texts = [*corpus.sentences, *talks, *(message["content"] for message in _prompts(rng))]
    return train_tokenizer(texts, recipe.vocab_size, recipe.shape.max_length)


def _prompts(rng: random.Random) -> list[dict[str, str]]:
    dressing = Dressing()
    made = [dressing.messages(rng, talk(rng, late=False)) for _ in range(500)]
    return [message for messages in made for message in messages if message["role"] == "system"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the folder that holds the plain text")
    parser.add_argument("--out", type=Path, required=True, help="where the backbone is written")
    parser.add_argument("--work", type=Path, help="the data and the run; OUT.work when left out")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    options = parser.parse_args(arguments)
    recipe, work = read_recipe(options.recipe), (options.work or options.out.with_suffix(".work")).absolute()
    if not (work / "recipe.json").exists():
        _prepare(recipe, Corpus(options.corpus), work)
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "train", str(work / "recipe.json"), "--out", str(work / "run")], check=False
    )
    if done.returncode == 0:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(work / "run" / "model" / name, options.out / name)
    return done.returncode


def _prepare(recipe: BackboneRecipe, corpus: Corpus, work: Path) -> None:
    """All that a training recipe names, and last the recipe: where it is, the rest is whole."""
    start = work / "start"
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = learn_tokenizer(recipe, corpus)
    tokenizer.save_pretrained(start)
    model = build_model(
        recipe.shape,
        len(tokenizer),
        bos=tokenizer.bos_token_id,
        eos=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        seed=recipe.seed,
    )
    model.save_pretrained(start)
    # What is trained from it is written in the type that it says it has.
    config = json.loads((start / "config.json").read_text(encoding="utf-8"))
    (start / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}, indent=2) + "\n", encoding="utf-8")
    documents = Documents(recipe, corpus)
    sets = {"train": (range(recipe.documents), False), "held-out": (range(HELD_OUT), True)}
    for name, (numbers, held_out) in sets.items():
        (work / name).mkdir(exist_ok=True)
        documents.write(work / name, numbers, held_out=held_out)
    told = {
        "name": "iturri-demo-eu",
        "model": str(start),
        "languages": [LANGUAGE],
        "data": {
            "conversations": [{"source": str(work / "train" / "conversations.jsonl")}],
            "corpus": [{"source": str(work / "train" / "texts.jsonl"), "language": LANGUAGE}],
            "held_out": [{"source": str(work / "held-out" / "conversations.jsonl")}],
            "held_out_share": 0,
        },
        **recipe.training,
    }
    partial = work / "recipe.partial"
    partial.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    partial.replace(work / "recipe.json")


if __name__ == "__main__":
    sys.exit(main())
