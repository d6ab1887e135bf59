"""What a recipe is trained and evaluated on: packs of its sources' sequences, kept on disk between sittings."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from schemas.base import Frozen
from schemas.errors import DatasetError, StorageError
from schemas.training import TrainingRecipe
from schemas.training_report import LanguageCost, Packing, SourceCount
from training import language_cost, packs
from training.chat_template import template_hash
from training.packing import fill, pack
from training.preparation import Preparation
from training.processes import by_first
from training.sequences import Sequences, SequenceWriter
from training.whole_file import write_whole

_PLAN = "plan.json"


class _Plan(Frozen):
    """What is kept beside the sequences: which of them are trained on in which packs, and which are held out."""

    fingerprint: str
    train: list[list[int]]
    held_out: dict[str, list[list[int]]]
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """Packs to train on, and held-out packs by name, such as `conversations-eu`."""

    train: Dataset
    held_out: dict[str, Dataset]
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    warnings: tuple[str, ...]

    @property
    def pack_length(self) -> int:
        """Tokens of the mean pack."""
        tokens = sum(count.tokens for count in self.sources)
        return max(1, round(tokens / self.packing.packs))


def prepare(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Examples:
    """Encodes and packs the recipe's data into `folder`, or takes what an earlier sitting has prepared there.

    Of several processes the first prepares. Raises InputError and DatasetError of the sources, DatasetError when
    nothing is left to train on, StorageError; OtherProcessError where the first raises one of these.
    """
    fingerprint = _fingerprint(recipe, tokenizer)
    plan = by_first(lambda: _read_plan(folder, fingerprint) or _prepared(recipe, tokenizer, folder, fingerprint))
    sequences = Sequences(folder)
    return Examples(
        train=packs.dataset(sequences, plan.train),
        held_out={name: packs.dataset(sequences, held) for name, held in plan.held_out.items()},
        sources=plan.sources,
        languages=plan.languages,
        packing=plan.packing,
        warnings=plan.warnings,
    )


def _fingerprint(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase) -> str:
    """Of all that decides what is prepared, but for what lies in the sources themselves."""
    vocabulary = hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()
    decides = recipe.model_dump(mode="json", include={"data", "context", "languages"})
    decides |= {"seed": recipe.optimisation.seed, "vocabulary": vocabulary, "template": template_hash(tokenizer)}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _read_plan(folder: Path, fingerprint: str) -> _Plan | None:
    try:
        plan = _Plan.model_validate_json((folder / _PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plan if plan.fingerprint == fingerprint else None


def _prepared(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, folder: Path, fingerprint: str) -> _Plan:
    """The plan is written last: without one, nothing in the folder is taken for whole."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        with SequenceWriter(folder) as writer:
            done = Preparation(recipe, tokenizer, writer)
            done.run()
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}; free some space, or choose another output"
        ) from error
    if not done.train:
        raise DatasetError(f"data: nothing is left to train on; {'; '.join(done.warnings) or 'all is held out'}")
    packed = _packed(recipe, writer.lengths, done.train)
    costs = done.costs()
    plan = _Plan(
        fingerprint=fingerprint,
        train=packed,
        held_out={
            name: _packed(recipe, writer.lengths, places) for name, places in sorted(done.held_out.items()) if places
        },
        sources=tuple(done.sources),
        languages=costs,
        packing=fill(packed, writer.lengths),
        warnings=(*done.warnings, *(line for line in map(language_cost.warning, costs) if line is not None)),
    )
    write_whole(folder / _PLAN, plan.model_dump_json().encode())
    return plan


def _packed(recipe: TrainingRecipe, lengths: np.ndarray, places: list[int]) -> list[list[int]]:
    """As packs of places, or each place alone where the recipe does not pack; shuffled."""
    chosen, seed = np.asarray(places, dtype=np.int64), recipe.optimisation.seed
    if not recipe.context.packing:
        return [[place] for place in np.random.default_rng(seed).permutation(chosen).tolist()]
    return [chosen[indices].tolist() for indices in pack(lengths[chosen], recipe.context.max_length, seed)]
