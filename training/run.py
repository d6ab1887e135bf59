"""One recipe, one run: data, model, training, held-out losses, and what is written of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from accelerate import PartialState
from filelock import FileLock, Timeout
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from schemas.errors import BuildDirectoryError, StorageError, TrainingError
from schemas.training import TrainingRecipe
from schemas.training_report import HeldOutLoss, TrainingReport
from training import card, checkpoints, curve, findings
from training.chat_template import template_hash
from training.examples import Examples, prepare
from training.held_out import Loss
from training.model import (
    base_licence,
    commit_of,
    load_model,
    load_tokenizer,
    merge_adapter,
    original_type,
    parameters,
    starting_name,
    write_model,
)
from training.run_log import RunLog
from training.trainer import Trainer, Watch

# What may differ when a run goes on: where it lies and goes, and how often it is looked at.
_FREE = frozenset({"output", "publish", "checkpoints", "evaluate_every_steps", "machine"})
_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
_LAST_STEPS = 10


class StoppedError(TrainingError):
    """A signal has ended the run; the same command goes on."""


def train(recipe: TrainingRecipe, folder: Path, watch: Watch = lambda _: None) -> TrainingReport:
    """Trains, from the beginning or from where an earlier sitting stopped, and gives the report, also of a finished run.

    The folder then holds `model/` (or, for adapters, `adapter/`, and `model/` where the recipe merges), `report.json`,
    `log.jsonl` and `curve.png`. With `accelerate launch` each process calls this, and the first one writes.
    Raises RecipeError and TemplateError of the recipe, InputError and DatasetError of the data, BuildDirectoryError for
    a folder of another recipe or in use, StorageError, TrainingError when the loss is no number, StoppedError.
    """
    state = PartialState()
    with _opened(recipe, folder, state):
        finished = read_report(folder)
        if finished is not None:
            return finished
        started = _started(folder, state)
        tokenizer = load_tokenizer(recipe.model)
        with state.main_process_first():
            examples = prepare(recipe, tokenizer, folder / "data")
        trainer = _trainer(recipe, tokenizer, examples, folder, watch)
        before = _before(trainer, folder, state)
        if not trainer.fit():
            raise StoppedError(f"stopped at step {trainer.state.global_step}; the same command goes on")
        after = trainer.held_out_losses()
        _write(recipe, tokenizer, trainer, folder, state)
        state.wait_for_everyone()
        report = _report(recipe, examples, trainer, tokenizer, folder, started, _compared(before, after))
        if state.is_main_process:
            _describe(report, recipe, folder)
        state.wait_for_everyone()
        return report


def read_report(folder: Path) -> TrainingReport | None:
    """The report of a finished run. Raises BuildDirectoryError when it cannot be read."""
    try:
        return TrainingReport.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, ValueError) as error:
        raise BuildDirectoryError(f"{folder / 'report.json'} is no report of this version; choose another output") from error


@contextmanager
def _opened(recipe: TrainingRecipe, folder: Path, state: PartialState) -> Iterator[None]:
    """The folder, locked, and held to its recipe."""
    if not state.is_main_process:
        state.wait_for_everyone()
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "run.lock", timeout=0):
            _check_recipe(recipe, folder)
            state.wait_for_everyone()
            yield
    except Timeout as error:
        raise BuildDirectoryError(f"{folder} is in use by another run; wait for it, or choose another output") from error


def _check_recipe(recipe: TrainingRecipe, folder: Path) -> None:
    path = folder / "recipe.json"
    told = json.loads(recipe.model_dump_json())
    if path.exists():
        differing = differences(json.loads(path.read_text(encoding="utf-8")), told)
        if differing:
            raise BuildDirectoryError(
                f"{folder} is of another recipe, which differs in {', '.join(differing)}; choose another output, or "
                "remove the folder"
            )
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}; free some space") from error


def differences(one: dict[str, Any], other: dict[str, Any], above: str = "") -> list[str]:
    """The fields of two recipes that differ and must not, by their places."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        place = f"{above}{name}"
        mine, theirs = one.get(name), other.get(name)
        if place in _FREE or mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            found += differences(mine, theirs, f"{place}.")
        else:
            found.append(place)
    return found


def _started(folder: Path, state: PartialState) -> datetime:
    """When the first sitting began."""
    path = folder / "started"
    if state.is_main_process and not path.exists():
        path.write_text(datetime.now(UTC).isoformat(), encoding="utf-8")
    state.wait_for_everyone()
    return datetime.fromisoformat(path.read_text(encoding="utf-8"))


def _trainer(
    recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, examples: Examples, folder: Path, watch: Watch
) -> Trainer:
    model = load_model(recipe, tokenizer)
    return Trainer(model, tokenizer, examples.train, examples.held_out, recipe, examples.pack_length, folder, watch)


def _before(trainer: Trainer, folder: Path, state: PartialState) -> dict[str, Loss]:
    """The held-out losses of the starting model, measured once."""
    path = folder / "before.json"
    if path.exists():
        told = json.loads(path.read_text(encoding="utf-8"))
        return {name: Loss.model_validate(loss) for name, loss in told.items()}
    measured = trainer.held_out_losses()
    if state.is_main_process:
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({name: loss.model_dump() for name, loss in measured.items()}), encoding="utf-8")
        partial.replace(path)
    state.wait_for_everyone()
    return measured


def _compared(before: dict[str, Loss], after: dict[str, Loss]) -> tuple[HeldOutLoss, ...]:
    return tuple(
        HeldOutLoss(
            name=name, sequences=loss.sequences, tokens=loss.tokens, before=before[name].nats, after=loss.nats
        )
        for name, loss in after.items()
    )


def _write(
    recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, trainer: Trainer, folder: Path, state: PartialState
) -> None:
    """The weights, gathered from all devices, by the first process."""
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not state.is_main_process:
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    if recipe.method == "full":
        kind = original_type(recipe)
        model.config.dtype = kind
        write_model(model, tokenizer, folder / "model", {name: value.to(kind) for name, value in weights.items()})
        return
    write_model(model, tokenizer, folder / "adapter", weights)
    if recipe.lora.merge:
        merge_adapter(recipe, tokenizer, folder / "adapter", folder / "model")


def _report(
    recipe: TrainingRecipe,
    examples: Examples,
    trainer: Trainer,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    started: datetime,
    losses: Sequence[HeldOutLoss],
) -> TrainingReport:
    records = RunLog(folder / "log.jsonl").records()
    last = [record["loss"] for record in records[-_LAST_STEPS:]]
    every, trained = parameters(trainer.model)
    return TrainingReport(
        iturri_version=version("iturri"),
        recipe=json.loads(recipe.model_dump_json()),
        model=starting_name(recipe.model),
        model_revision=commit_of(trainer.accelerator.unwrap_model(trainer.model)),
        template_hash=template_hash(tokenizer),
        started=started,
        ended=datetime.now(UTC),
        sources=examples.sources,
        languages=examples.languages,
        packing=examples.packing,
        steps=trainer.state.global_step,
        tokens=records[-1]["tokens"] if records else 0,
        seconds=round(sum(record["seconds"] for record in records), 2),
        trainable_parameters=trained,
        parameters=every,
        final_loss=sum(last) / len(last) if last else None,
        losses=tuple(losses),
        warnings=(*findings.warnings_of(recipe), *examples.warnings),
        versions={name: version(name) for name in _LIBRARIES},
    )


def _describe(report: TrainingReport, recipe: TrainingRecipe, folder: Path) -> None:
    """Picture and card beside the weights; the report last, for it says that the run is finished."""
    curve.draw(folder / "log.jsonl", folder / "curve.png", recipe.name)
    for result in ("model", "adapter"):
        if (folder / result).is_dir():
            shutil.copyfile(folder / "curve.png", folder / result / "curve.png")
            card.write(report, folder / result, base_licence(recipe.model))
    partial = folder / "report.partial"
    try:
        partial.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(folder / "report.json")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}; free some space") from error
    shutil.rmtree(folder / "data", ignore_errors=True)
    checkpoints.remove_all(folder / "checkpoints")
