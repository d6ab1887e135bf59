"""Recipes of datasets and of models, and the filters of recipes, from YAML and JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from schemas.errors import RecipeError
from schemas.filters import Filters
from schemas.problems import first_problem
from schemas.recipe import Recipe
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid
from schemas.yaml_text import parse_yaml


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML or JSON file (JSON is YAML). Raises RecipeError that names file and field."""
    data = _read(path, "recipe")
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of fields, see `iturri recipe schema`")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        where, what = first_problem(error)
        raise RecipeError(f"{path}: {where or 'recipe'}: {what}") from error


def read_training_recipe(path: Path) -> TrainingRecipe:
    """The training recipe in a YAML or JSON file. Raises RecipeError that names file and field."""
    data = _read(path, "training recipe")
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a training recipe is a mapping of fields, see docs/training.md")
    try:
        return TrainingRecipe.model_validate(data)
    except ValidationError as error:
        where, what = first_problem(error)
        raise RecipeError(f"{path}: {where or 'training recipe'}: {what}") from error


def read_training_grid(path: Path) -> TrainingGrid:
    """The grid of training variants in a YAML or JSON file. Raises RecipeError that names file and field."""
    data = _read(path, "training grid")
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a training grid is a mapping of fields, see docs/training.md")
    try:
        return TrainingGrid.model_validate(data)
    except ValidationError as error:
        where, what = first_problem(error)
        raise RecipeError(f"{path}: {where or 'training grid'}: {what}") from error


def read_filters(path: Path) -> Filters:
    """The filters in a YAML or JSON file, which holds a recipe or its `filters` alone.

    Raises RecipeError that names file and field.
    """
    data = _read(path, "file")
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: filters are a mapping of fields, see `iturri recipe schema`")
    # `language` is a code in the one and a filter in the other.
    is_recipe = data.keys() & (Recipe.model_fields.keys() - Filters.model_fields.keys())
    try:
        return Filters.model_validate(data.get("filters", {}) if is_recipe else data)
    except ValidationError as error:
        where, what = first_problem(error)
        raise RecipeError(f"{path}: {where or 'filters'}: {what}") from error


def _read(path: Path, what: str) -> Any:
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such {what}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: no valid YAML or JSON: {' '.join(str(error).split())}") from error
