"""Recipes of datasets and of models, and the filters of recipes, from YAML and JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from schemas.base import Frozen
from schemas.errors import RecipeError
from schemas.filters import Filters
from schemas.problems import first_problem
from schemas.recipe import Recipe
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid
from schemas.yaml_text import parse_yaml

Model = TypeVar("Model", bound=Frozen)

_SCHEMA, _TRAINING = "`iturri recipe schema`", "docs/training.md"


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML or JSON file (JSON is YAML). Raises RecipeError that names file and field."""
    return _valid(Recipe, _mapping(path, "recipe", _SCHEMA), path, "recipe")


def read_training_recipe(path: Path) -> TrainingRecipe:
    """The training recipe in a YAML or JSON file. Raises RecipeError that names file and field."""
    return _valid(TrainingRecipe, _mapping(path, "training recipe", _TRAINING), path, "training recipe")


def read_training_grid(path: Path) -> TrainingGrid:
    """The grid of training variants in a YAML or JSON file. Raises RecipeError that names file and field."""
    return _valid(TrainingGrid, _mapping(path, "training grid", _TRAINING), path, "training grid")


def read_filters(path: Path) -> Filters:
    """The filters in a YAML or JSON file, which holds a recipe or its `filters` alone.

    Raises RecipeError that names file and field.
    """
    data = _mapping(path, "file", _SCHEMA)
    # `language` is a code in the one and a filter in the other.
    is_recipe = data.keys() & (Recipe.model_fields.keys() - Filters.model_fields.keys())
    return _valid(Filters, data.get("filters", {}) if is_recipe else data, path, "filters")


def _valid(model: type[Model], data: object, path: Path, what: str) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        where, told = first_problem(error)
        raise RecipeError(f"{path}: {where or what}: {told}") from error


def _mapping(path: Path, what: str, see: str) -> dict[str, Any]:
    data = _read(path, what)
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a {what} is a mapping of fields, see {see}")
    return data


def _read(path: Path, what: str) -> Any:
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such {what}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: no valid YAML or JSON: {' '.join(str(error).split())}") from error
