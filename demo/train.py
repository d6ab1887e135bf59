"""Trains the demo backbone: `python -m demo.train --corpus DIR --out demo/iturri-demo-eu`."""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

import yaml
from pydantic import Field
from transformers import PreTrainedTokenizerFast

from demo.corpus import Corpus
from demo.dressing import Dressing
from demo.grammar.talks import talk
from demo.tokenizer import load_tokenizer, train_tokenizer
from schemas.base import Frozen
from training.pretrain import Pretraining, Shape, Trainer, build_model, export

RECIPE = Path(__file__).with_name("train.yaml")


class TrainingRecipe(Frozen):
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
    shape: Shape
    training: Pretraining


def read_recipe(path: Path = RECIPE) -> TrainingRecipe:
    return TrainingRecipe.model_validate(yaml.safe_load(path.read_text()))


class Documents:
    """Training document number i, made from (seed, i) alone: rendered as ids, or as the turns it was made of.

    Without a corpus the documents that quote it are empty, the others the same; without a tokenizer there are no ids.
    """

    def __init__(
        self, recipe: TrainingRecipe, corpus: Corpus | None, tokenizer: PreTrainedTokenizerFast | None = None
    ) -> None:
        self._recipe, self._corpus, self._tokenizer = recipe, corpus, tokenizer
        self._dressing = Dressing()

    def turns(self, index: int, *, held_out: bool = False) -> tuple[str, ...]:
        """The turns of a conversation; a plain text is a single turn."""
        return self._make(index, held_out)[0]

    def ids(self, index: int, *, held_out: bool = False) -> list[int]:
        if self._tokenizer is None:
            raise ValueError("these documents were made without a tokenizer, so they have no ids")
        turns, messages = self._make(index, held_out)
        if not messages:
            text = f"{self._tokenizer.bos_token}{turns[0]}{self._tokenizer.eos_token}"
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        else:
            ids = self._tokenizer.apply_chat_template(messages, return_dict=False)
        return ids[: self._recipe.shape.max_length]

    def _make(self, index: int, held_out: bool) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        rng = random.Random(f"{self._recipe.training.seed}/{'held out' if held_out else 'training'}/{index}")
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


def learn_tokenizer(recipe: TrainingRecipe, corpus: Corpus) -> PreTrainedTokenizerFast:
    rng = random.Random(f"{recipe.training.seed}/tokenizer")
    talks = (turn for _ in range(recipe.tokenizer_talks) for turn in talk(rng, late=False).turns)
    texts = [*corpus.sentences, *talks, *(message["content"] for message in _prompts(rng))]
    return train_tokenizer(texts, recipe.vocab_size, recipe.shape.max_length)


def _prompts(rng: random.Random) -> list[dict[str, str]]:
    dressing = Dressing()
    made = [dressing.messages(rng, talk(rng, late=False)) for _ in range(500)]
    return [message for messages in made for message in messages if message["role"] == "system"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="the folder that holds the plain text")
    parser.add_argument("--out", type=Path, required=True, help="where the backbone is written")
    parser.add_argument("--work", type=Path, help="checkpoints and the loss log; OUT.work when left out")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    options = parser.parse_args(arguments)
    recipe, corpus = read_recipe(options.recipe), Corpus(options.corpus)
    work: Path = options.work or options.out.with_suffix(".work")
    if not (work / "tokenizer" / "tokenizer.json").exists():
        learn_tokenizer(recipe, corpus).save_pretrained(work / "tokenizer")
    tokenizer = load_tokenizer(work / "tokenizer")
    model = build_model(
        recipe.shape,
        len(tokenizer),
        bos=tokenizer.bos_token_id,
        eos=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        seed=recipe.training.seed,
    )
    trainer = Trainer(model, Documents(recipe, corpus, tokenizer).ids, recipe.training, work)

    def write() -> None:
        fresh: Path = options.out.with_suffix(".partial")
        shutil.rmtree(fresh, ignore_errors=True)
        tokenizer.save_pretrained(fresh)
        export(model, fresh)
        options.out.mkdir(parents=True, exist_ok=True)
        for file in fresh.iterdir():
            file.replace(options.out / file.name)
        fresh.rmdir()
        print(f"step {trainer.step} of {recipe.training.steps}, {trainer.tokens} tokens: {options.out}", flush=True)

    trainer.run(each_checkpoint=write)


if __name__ == "__main__":
    main()
