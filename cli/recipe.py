"""`iturri recipe check` and `iturri recipe schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal

from cli.check_results import CheckResults
from cli.machine import machine_settings, resolved_backbone
from pipeline.materials import find_materials
from pipeline.packs import load_packs
from publishers.licences import FIELD, Terms, recipe_terms
from schemas.base import Frozen
from schemas.errors import DatasetError, IturriError
from schemas.reading import read_any_recipe
from schemas.recipe import Recipe
from schemas.settings import Settings, with_embedder
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid

SchemaOf = Literal["build", "training", "grid"]
_MODELS: dict[SchemaOf, type[Frozen]] = {"build": Recipe, "training": TrainingRecipe, "grid": TrainingGrid}


def check(files: list[Path], backbones: Path | None, *, as_json: bool) -> int:
    """One line per recipe: OK on stdout, or what is wrong on stderr. The exit code is that of the first error."""
    settings = machine_settings(backbones)
    results = CheckResults(as_json)
    for file in files:
        try:
            unchecked, note = _checked(file, settings)
        except IturriError as error:
            results.bad(file, error)
        else:
            found = {"unchecked": unchecked.strip(" ()") or None, "note": note}
            results.good(file, found, f"{file}: OK{unchecked}{f'; {note}' if note else ''}")
    return results.finish()


def schema(kind: SchemaOf) -> int:
    """The JSON Schema of one kind of recipes, draft 2020-12, on stdout."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_MODELS[kind].model_json_schema()}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0


def _checked(file: Path, settings: Settings) -> tuple[str, str | None]:
    """What could not be checked, if anything, and what will be missing later. Raises IturriError."""
    recipe = read_any_recipe(file)
    if not isinstance(recipe, Recipe):
        return " (data and models not looked at: `iturri train` does)", None
    load_packs(recipe, settings)
    away = _datasets_away(recipe)
    if settings.backbones is None and (names := _named(recipe)):
        unchecked = f" ({' and '.join(names)} not looked up: neither --backbones nor ITURRI_BACKBONES is given){away}"
        backbone = None if isinstance(recipe.backbone, str) else recipe.backbone
        return unchecked, _licence(recipe_terms(recipe, backbone))
    backbone = resolved_backbone(recipe, settings)
    with_embedder(recipe.filters, settings)
    return away, _licence(recipe_terms(recipe, backbone))


def _licence(terms: Terms) -> str | None:
    """A note where no licence is chosen. Raises RecipeError for one that cannot be."""
    terms.check()
    missing = terms.missing()
    return missing and f"{FIELD}: {missing}"


def _datasets_away(recipe: Recipe) -> str:
    """Which dataset of a mode could not be looked up; InputError for one that cannot be read."""
    try:
        find_materials(recipe)
    except DatasetError as error:
        return f" ({error})"
    return ""


def _named(recipe: Recipe) -> list[str]:
    """What the recipe has the declared name of only."""
    semantic = recipe.filters.duplicates.semantic
    named = {"backbone": recipe.backbone, "embedder": semantic.embedder if semantic is not None else None}
    return [f"{kind} {name!r}" for kind, name in named.items() if isinstance(name, str)]
