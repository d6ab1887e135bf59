"""Recipes of datasets and of models, and the filters of recipes, from YAML and JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

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


@dataclass(frozen=True)
class _Kind(Generic[Model]):
    """One of the kinds of files that are written by hand."""

    model: type[Model]
    name: str
    told: str
    schema: str
    command: str
    telltale: frozenset[str]
    """Fields that no other kind has: two of them tell a file's kind, also where the rest of it is wrong."""

    def is_told_by(self, data: dict[str, Any]) -> bool:
        return len(self.telltale & data.keys()) > 1


_BUILD = _Kind(
    Recipe,
    "recipe",
    "a recipe of a build",
    "`iturri recipe schema`",
    "iturri build",
    frozenset({"backbone", "modes", "target"}),
)
_TRAINING = _Kind(
    TrainingRecipe,
    "training recipe",
    "a training recipe",
    "`iturri recipe schema training`",
    "iturri train",
    frozenset({"model", "languages", "data"}),
)
_GRID = _Kind(
    TrainingGrid,
    "training grid",
    "a training grid",
    "`iturri recipe schema grid`",
    "iturri train --grid",
    frozenset({"backbones", "instructions", "corpus", "cells", "arms"}),
)
_KINDS: tuple[_Kind[Any], ...] = (_BUILD, _TRAINING, _GRID)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML or JSON file (JSON is YAML). Raises RecipeError that names file and field."""
    return _read_as(_BUILD, path)


def read_training_recipe(path: Path) -> TrainingRecipe:
    """The training recipe in a YAML or JSON file. Raises RecipeError that names file and field."""
    return _read_as(_TRAINING, path)


def read_training_grid(path: Path) -> TrainingGrid:
    """The grid of training variants in a YAML or JSON file. Raises RecipeError that names file and field."""
    return _read_as(_GRID, path)


def read_any_recipe(path: Path) -> Recipe | TrainingRecipe | TrainingGrid:
    """What its fields tell a YAML or JSON file to be; the recipe of a build where they tell nothing.

    Raises RecipeError that names file and field.
    """
    data = _mapping(path, _BUILD.name, _BUILD.schema)
    kind = _kind_of(data) or _BUILD
    return cast(Recipe | TrainingRecipe | TrainingGrid, _valid(kind.model, data, path, kind.name))


def read_filters(path: Path) -> Filters:
    """The filters in a YAML or JSON file, which holds a recipe or its `filters` alone.

    Raises RecipeError that names file and field.
    """
    data = _mapping(path, "file", _BUILD.schema)
    other = _kind_of(data)
    if other is not None and other is not _BUILD:
        raise RecipeError(
            f"{path}: this is {other.told}, which has no filters; name {_BUILD.told}, or its filters alone"
        )
    # `language` is a code in the one and a filter in the other.
    is_recipe = data.keys() & (Recipe.model_fields.keys() - Filters.model_fields.keys())
    return _valid(Filters, data.get("filters", {}) if is_recipe else data, path, "filters")


def _read_as(kind: _Kind[Model], path: Path) -> Model:
    data = _mapping(path, kind.name, kind.schema)
    try:
        return _valid(kind.model, data, path, kind.name)
    except RecipeError as error:
        other = _kind_of(data)
        if kind.is_told_by(data) or other is None:
            raise
        raise RecipeError(f"{path}: this is {other.told}, not {kind.told}; use `{other.command} {path}`") from error


def _kind_of(data: dict[str, Any]) -> _Kind[Any] | None:
    return next((kind for kind in _KINDS if kind.is_told_by(data)), None)


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
