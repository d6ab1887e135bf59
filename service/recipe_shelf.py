"""The recipes that a server offers to start from: files of a folder, as they can be posted here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.materials import named_datasets
from schemas.errors import IturriError, RecipeError, ServiceError
from schemas.problems import first_problem
from schemas.reading import read_recipe
from schemas.recipe import Recipe
from schemas.server import ListedRecipe
from schemas.settings import Settings
from schemas.yaml_text import parse_yaml
from service.admission import SubmittedRecipe, admit
from service.problems import ProblemError

_HERE = Path("recipes")
_ENDINGS = (".yaml", ".yml", ".json")


def listed_recipes(settings: Settings, backbones: tuple[str, ...]) -> tuple[ListedRecipe, ...]:
    """The recipes of the folder, by the names of their files. Raises ServiceError when the folder cannot be read."""
    folder = settings.recipes or (_HERE if _HERE.is_dir() else None)
    if folder is None:
        return ()
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS and path.is_file())
        states = [(path, path.stat()) for path in files]
    except OSError as error:
        raise ServiceError(f"ITURRI_RECIPES: {folder} cannot be read: {error.strerror or error}") from error
    return tuple(_listed(path, state.st_mtime_ns, state.st_size, settings, backbones) for path, state in states)


@lru_cache(maxsize=256)
def _listed(path: Path, _modified: int, _size: int, settings: Settings, backbones: tuple[str, ...]) -> ListedRecipe:
    """One file; it is read again when it has changed."""
    try:
        recipe = read_recipe(path)
        text = path.read_text(encoding="utf-8")
        given: dict[str, Any] = parse_yaml(text, path.name)
    except (IturriError, OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = str(error).replace(str(path), path.name)
        return ListedRecipe(name=path.stem, title=path.stem, description=None, recipe={}, problem=what)
    postable = _postable(given, recipe, backbones)
    return ListedRecipe(
        name=recipe.name,
        title=recipe.publish.title or recipe.name,
        description=recipe.publish.description or _leading_comment(text),
        recipe=postable,
        problem=_problem(recipe, postable, settings, backbones),
    )


def _postable(given: dict[str, Any], recipe: Recipe, backbones: tuple[str, ...]) -> dict[str, Any]:
    """What the file says, with a backbone of this server and without a place of its own."""
    postable = dict(given)
    if recipe.backbone not in backbones and backbones:
        postable["backbone"] = backbones[0]
    output = {name: value for name, value in (given.get("output") or {}).items() if name != "directory"}
    postable.pop("output", None)
    return {**postable, **({"output": output} if output else {})}


def _problem(recipe: Recipe, postable: dict[str, Any], settings: Settings, backbones: tuple[str, ...]) -> str | None:
    """Why the recipe cannot be posted here; None where it can."""
    try:
        # What is a file here may look like a dataset of the Hub there.
        for path, dataset in named_datasets(recipe):
            if Path(dataset.dataset).exists():
                raise RecipeError(f"{'.'.join(map(str, path))}.dataset: a server reads none of its own files")
        admit(SubmittedRecipe.model_validate(postable), settings, backbones)
    except ValidationError as error:
        where, what = first_problem(error)
        return f"{where}: {what}" if where else what
    except ProblemError as error:
        return str(error.detail)
    except IturriError as error:
        return str(error)
    return None


def _leading_comment(text: str) -> str | None:
    """The lines of comment that a file begins with, as one paragraph."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(filter(None, lines)) or None
