"""Files of one kind that are given for another: the line says what they are, and which command takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.errors import RecipeError
from schemas.filters import Filters
from schemas.reading import read_any_recipe, read_filters, read_recipe, read_training_grid, read_training_recipe
from schemas.recipe import Recipe
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid

BUILD: dict[str, Any] = {"name": "one", "language": "eu", "backbone": "demo", "target": {"conversations": 5}}
TRAINING: dict[str, Any] = {
    "name": "one",
    "model": "a/chat",
    "languages": ["eu"],
    "data": {"conversations": [{"source": "builds/one"}]},
}
GRID: dict[str, Any] = {
    "name": "one",
    "language": "eu",
    "backbones": {"instructed": "a/chat"},
    "instructions": {"eu": [{"source": "builds/one"}]},
}


def written(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "given.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("read", "given", "said"),
    [
        (read_recipe, TRAINING, "a training recipe, not a recipe of a build; use `iturri train {}`"),
        (read_recipe, GRID, "a training grid, not a recipe of a build; use `iturri train --grid {}`"),
        (read_training_recipe, BUILD, "a recipe of a build, not a training recipe; use `iturri build {}`"),
        (read_training_recipe, GRID, "a training grid, not a training recipe; use `iturri train --grid {}`"),
        (read_training_grid, BUILD, "a recipe of a build, not a training grid; use `iturri build {}`"),
        (read_training_grid, TRAINING, "a training recipe, not a training grid; use `iturri train {}`"),
    ],
)
def test_a_file_of_another_kind_is_told_to_be_one(
    tmp_path: Path, read: Callable[[Path], object], given: dict[str, Any], said: str
) -> None:
    path = written(tmp_path, given)
    with pytest.raises(RecipeError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: this is {said.format(path)}"


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (read_recipe, {**BUILD, "model": "a/chat", "data": {}}),
        (read_training_recipe, {**TRAINING, "corpus": [], "arms": []}),
        (read_training_grid, {**GRID, "languages": ["eu"], "model": "a/chat"}),
    ],
)
def test_fields_of_another_kind_do_not_make_it_one(
    tmp_path: Path, read: Callable[[Path], object], given: dict[str, Any]
) -> None:
    with pytest.raises(RecipeError, match=r"given.yaml: \w+: there is no such field"):
        read(written(tmp_path, given))


def test_filters_are_not_read_from_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"this is a training recipe, which has no filters; name a recipe of a build"):
        read_filters(written(tmp_path, TRAINING))
    assert read_filters(written(tmp_path, {**BUILD, "filters": {"shape": {}}})) == Filters()


def test_any_kind_is_read_as_what_it_is(tmp_path: Path) -> None:
    for given, kind in ((BUILD, Recipe), (TRAINING, TrainingRecipe), (GRID, TrainingGrid)):
        assert read_any_recipe(written(tmp_path, given)) == kind.model_validate(given)
    with pytest.raises(RecipeError, match=r"given.yaml: language: this field is required"):
        read_any_recipe(written(tmp_path, {"name": "one"}))
