"""`iturri recipe check` and `iturri recipe schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cli.check_results import CheckResults
from cli.machine import machine_settings, resolved_backbone
from pipeline.materials import find_materials
from pipeline.packs import load_packs
from schemas.errors import DatasetError, IturriError
from schemas.reading import read_recipe
from schemas.recipe import Recipe
from schemas.settings import Settings, with_embedder


def check(files: list[Path], backbones: Path | None, *, as_json: bool) -> int:
    """One line per recipe: OK on stdout, or what is wrong on stderr. The exit code is that of the first error."""
    settings = machine_settings(backbones)
    results = CheckResults(as_json)
    for file in files:
        try:
            unchecked = _checked(file, settings)
        except IturriError as error:
            results.bad(file, error)
        else:
            results.good(file, {"unchecked": unchecked.strip(" ()") or None}, f"{file}: OK{unchecked}")
    return results.finish()


def schema() -> int:
    """The JSON Schema of recipes, draft 2020-12, on stdout."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0


def _checked(file: Path, settings: Settings) -> str:
    """What could not be checked, if anything. Raises IturriError."""
    recipe = read_recipe(file)
    load_packs(recipe, settings)
    away = _datasets_away(recipe)
    if settings.backbones is None and (names := _named(recipe)):
        return f" ({' and '.join(names)} not looked up: neither --backbones nor ITURRI_BACKBONES is given){away}"
    resolved_backbone(recipe, settings)
    with_embedder(recipe.filters, settings)
    return away


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
