"""Recipes from YAML and JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from schemas.errors import RecipeError
from schemas.problems import first_problem
from schemas.recipe import Recipe
from schemas.yaml_text import parse_yaml


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML or JSON file (JSON is YAML). Raises RecipeError that names file and field."""
    try:
        data: Any = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such recipe") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: no valid YAML or JSON: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of fields, see `iturri recipe schema`")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        where, what = first_problem(error)
        raise RecipeError(f"{path}: {where or 'recipe'}: {what}") from error
