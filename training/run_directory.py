"""A run's directory: locked while it runs, held to its recipe, and what it has left there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from schemas.base import Frozen
from schemas.errors import BuildDirectoryError, StorageError, TrainingError
from schemas.training import TrainingRecipe
from schemas.training_grid_report import MeasuredReport
from schemas.training_report import TrainingReport
from training.processes import by_first
from training.whole_file import write_whole

RECIPE, BEFORE, LOG, REPORT = "recipe.json", "before.json", "log.jsonl", "report.json"
DATA, CHECKPOINTS, MODEL, ADAPTER = "data", "checkpoints", "model", "adapter"

Model = TypeVar("Model", bound=Frozen)

# What may change while a run goes on: where it lies and goes, and how often it is looked at.
_FREE = frozenset({"output", "publish", "checkpoints", "evaluate_every_steps"})


@contextmanager
def opened(recipe: TrainingRecipe, folder: Path) -> Iterator[None]:
    """The folder, locked by the first process, and held to its recipe."""
    lock = FileLock(folder / "run.lock", timeout=0)
    try:
        by_first(lambda: _take(lock, recipe, folder))
        yield
    finally:
        lock.release()


def _take(lock: FileLock, recipe: TrainingRecipe, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise BuildDirectoryError(f"{folder} is in use by another run; wait, or choose another output") from error
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}; choose another output") from error
    _hold_to(recipe, folder)


def _hold_to(recipe: TrainingRecipe, folder: Path) -> None:
    """A run that has a checkpoint or a report goes on with its own recipe; one that has neither may be begun anew."""
    ours, theirs = recipe.model_dump(mode="json"), recipe_of_run(folder)
    differing = differences(theirs, ours) if theirs else []
    if differing:
        if (folder / REPORT).exists() or any((folder / CHECKPOINTS).glob("checkpoint-*")):
            raise BuildDirectoryError(
                f"{folder} is of another recipe, which differs in {', '.join(differing)}; choose another output, or "
                "remove the folder"
            )
        (folder / BEFORE).unlink(missing_ok=True)
    write_whole(folder / RECIPE, (json.dumps(ours, indent=2, ensure_ascii=False) + "\n").encode())


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


def trained(run: Path) -> TrainingReport | None:
    """The report of a run that has finished. Raises TrainingError where it cannot be read."""
    return _read(run / REPORT, TrainingReport)


def measured(run: Path) -> MeasuredReport | None:
    """The report of what was measured without training. Raises TrainingError where it cannot be read."""
    return _read(run / REPORT, MeasuredReport)


def recipe_of_run(run: Path) -> dict[str, Any] | None:
    """The recipe that a run was begun with, as JSON values. Raises TrainingError where it cannot be read."""
    recipe = _read(run / RECIPE, TrainingRecipe)
    return recipe.model_dump(mode="json") if recipe else None


def _read(path: Path, model: type[Model]) -> Model | None:
    try:
        return model.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        line = " ".join(str(error).split())
        raise TrainingError(f"{path} cannot be read; remove {path.parent} to run it again: {line}") from error
