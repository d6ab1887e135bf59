"""A run's directory: one run at a time, and one recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import BuildDirectoryError, StorageError, TrainingError
from schemas.training import TrainingRecipe
from training.run_directory import differences, opened, recipe_of_run, trained

FIELDS: dict[str, Any] = {
    "name": "proba",
    "model": "group/model",
    "languages": ["eu"],
    "data": {"conversations": [{"source": "group/data"}]},
}


def recipe(**changed: Any) -> TrainingRecipe:
    return TrainingRecipe.model_validate({**FIELDS, **changed})


def begun(folder: Path, *, checkpoint: bool) -> Path:
    with opened(recipe(), folder):
        pass
    if checkpoint:
        (folder / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    return folder


def test_the_recipe_is_kept_in_the_folder(tmp_path: Path) -> None:
    assert recipe_of_run(begun(tmp_path / "run", checkpoint=False)) == recipe().model_dump(mode="json")
    assert recipe_of_run(tmp_path / "elsewhere") is None


def test_a_second_run_is_refused_while_the_first_has_the_folder_and_not_after(tmp_path: Path) -> None:
    with (
        opened(recipe(), tmp_path),
        pytest.raises(BuildDirectoryError, match="in use by another run; wait, or choose another output"),
        opened(recipe(), tmp_path),
    ):
        pytest.fail("both have it")
    with opened(recipe(), tmp_path):
        pass


@pytest.mark.parametrize("left", ["checkpoints/checkpoint-2", "report.json"])
def test_another_recipe_is_refused_and_its_fields_are_named(tmp_path: Path, left: str) -> None:
    begun(tmp_path, checkpoint=False)
    (tmp_path / left).mkdir(parents=True)
    other = recipe(optimisation={"learning_rate": 2e-5}, context={"packing": False})
    with (
        pytest.raises(BuildDirectoryError, match=r"differs in context\.packing, optimisation\.learning_rate; choose"),
        opened(other, tmp_path),
    ):
        pytest.fail("it was opened")
    assert recipe_of_run(tmp_path) == recipe().model_dump(mode="json")
    with opened(recipe(), tmp_path):
        pass  # what refused has let go of the lock


def test_before_the_first_checkpoint_another_recipe_begins_anew(tmp_path: Path) -> None:
    (begun(tmp_path, checkpoint=False) / "before.json").write_text("{}")
    other = recipe(optimisation={"learning_rate": 2e-5})
    with opened(other, tmp_path):
        assert not (tmp_path / "before.json").exists()
    assert recipe_of_run(tmp_path) == other.model_dump(mode="json")


def test_where_it_lies_and_goes_and_how_often_it_is_looked_at_may_change(tmp_path: Path) -> None:
    begun(tmp_path, checkpoint=True)
    moved = recipe(output="x", publish={"repo": "a/b"}, checkpoints={"every_steps": 7}, evaluate_every_steps=3)
    with opened(moved, tmp_path):
        pass
    assert recipe_of_run(tmp_path) == moved.model_dump(mode="json")


def test_a_recipe_without_a_field_of_today_differs_in_it(tmp_path: Path) -> None:
    ours = recipe().model_dump(mode="json")
    theirs = {name: value for name, value in ours.items() if name != "method"}
    assert differences(theirs, ours) == ["method"]


@pytest.mark.parametrize("text", ["", "{", '{"version": 1}'])
def test_a_report_that_cannot_be_read_is_one_line_with_the_cure(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(TrainingError, match=r"report\.json cannot be read; remove .* to run it again") as caught:
        trained(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_recipe_that_cannot_be_read_is_one_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"name": "proba"}))
    with pytest.raises(TrainingError, match=r"recipe\.json cannot be read; remove"), opened(recipe(), tmp_path):
        pytest.fail("it was opened")


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with (
        pytest.raises(StorageError, match=r"run cannot be written: .*; choose another output"),
        opened(recipe(), tmp_path / "run"),
    ):
        pytest.fail("it was opened")
