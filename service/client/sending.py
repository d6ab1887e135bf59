"""What the client sends: recipes and other bodies, addresses, the Idempotency-Key."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from schemas.errors import InputError
from schemas.problems import first_problem
from schemas.reading import read_recipe
from schemas.recipe import Recipe

_JOB_ID = re.compile("[0-9A-Za-z_-]+")

AnyRecipe = Recipe | Mapping[str, Any] | Path | str
"""A recipe, its fields, or the file that has them."""


def recipe_fields(recipe: AnyRecipe) -> Mapping[str, Any]:
    """The recipe as it is sent. Raises RecipeError for a file that is none."""
    if isinstance(recipe, Path | str):
        recipe = read_recipe(Path(recipe))
    return recipe.model_dump(mode="json") if isinstance(recipe, Recipe) else recipe


def body_of(noun: type[BaseModel], **fields: object) -> dict[str, Any]:
    """The noun as it is sent. Raises InputError that names the field."""
    try:
        return noun.model_validate(fields).model_dump(mode="json")
    except ValidationError as error:
        where, what = first_problem(error)
        raise InputError(f"{where}: {what}" if where else what) from error


def idempotent(key: str | None) -> dict[str, str]:
    """The header that makes one job of a request however often it is sent. Raises InputError."""
    key = secrets.token_hex(16) if key is None else key
    if not re.fullmatch("[!-~]{1,255}", key):
        raise InputError("an Idempotency-Key has 1 to 255 visible ASCII characters and no spaces")
    return {"Idempotency-Key": key}


def in_path(given: str, what: str = "job") -> str:
    """An id as a part of an address. Raises InputError."""
    if what == "job" and not _JOB_ID.fullmatch(given):
        raise InputError(f"{given!r} is no id of a job; `iturri jobs list` shows them")
    if not given or given in (".", ".."):
        raise InputError(f"{given!r} is no id of a {what}")
    return quote(given, safe="")


def job_path(job_id: str) -> str:
    return f"/v1/jobs/{in_path(job_id)}"


def review_path(job_id: str, row_id: str) -> str:
    return f"{job_path(job_id)}/reviews/{in_path(row_id, 'row')}"
