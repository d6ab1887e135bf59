"""What the runs of a grid have left on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.base import Frozen
from schemas.errors import TrainingError
from schemas.training import TrainingRecipe
from schemas.training_grid_report import MeasuredReport
from schemas.training_report import TrainingReport

RECIPE, REPORT, MODEL = "recipe.json", "report.json", "model"

Model = TypeVar("Model", bound=Frozen)


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
