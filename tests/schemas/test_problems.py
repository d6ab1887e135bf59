"""What is wrong with a field, in words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.base import Frozen
from schemas.names import LanguageCode, Name, Tag
from schemas.problems import first_problem
from schemas.recipe import Recipe
from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid

RECIPE = {"name": "one", "language": "eu", "backbone": "demo", "target": {"conversations": 5}}
TRAINING = {
    "name": "one",
    "model": "a/chat",
    "languages": ["eu"],
    "data": {"conversations": [{"source": "builds/one"}]},
}
GRID = {
    "name": "one",
    "language": "eu",
    "backbones": {"instructed": "a/chat"},
    "instructions": {"eu": [{"source": "builds/one"}]},
}


def problem(model: type[Frozen], given: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return ": ".join(first_problem(caught.value))


@pytest.mark.parametrize(
    ("model", "given", "where"),
    [
        (TrainingRecipe, {**TRAINING, "max_steps": 9}, "optimisation.max_steps"),
        # optimisation.muon has one too, but lies deeper.
        (TrainingRecipe, {**TRAINING, "learning_rate": 1e-4}, "optimisation.learning_rate"),
        (TrainingRecipe, {**TRAINING, "momentum": 0.9}, "optimisation.muon.momentum"),
        (TrainingGrid, {**GRID, "max_length": 512}, "context.max_length"),
        (Recipe, {**RECIPE, "conversations": 5}, "target.conversations"),
        (Recipe, {**RECIPE, "semantic": {}}, "filters.duplicates.semantic"),
    ],
)
def test_a_field_of_a_section_is_sent_there(model: type[Frozen], given: dict[str, Any], where: str) -> None:
    name = where.rpartition(".")[2]
    assert problem(model, given) == f"{name}: there is no such field; did you mean {where}?"


def test_a_field_that_several_sections_have_is_sent_to_none() -> None:
    assert problem(TrainingGrid, {**GRID, "revision": "main"}).startswith(
        "revision: there is no such field; there are: name, language, "
    )


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (
            TrainingRecipe,
            {**TRAINING, "languages": ["Basque"]},
            "languages.0: 'Basque' is no language code, such as eu",
        ),
        (
            TrainingRecipe,
            {**TRAINING, "name": "My Model"},
            "name: 'My Model' is no name: lower-case letters, digits, ., _ and -, at most 64",
        ),
        (
            TrainingGrid,
            {**GRID, "instructions": {"Basque": [{"source": "builds/one"}]}},
            "instructions.Basque: 'Basque' is no language code, such as eu",
        ),
        (Recipe, {**RECIPE, "language": "Basque"}, "language: 'Basque' is no language code, such as eu"),
    ],
)
def test_patterns_are_told_in_words(model: type[Frozen], given: dict[str, Any], said: str) -> None:
    assert problem(model, given) == said


def test_the_words_are_beside_the_pattern_and_not_in_its_place() -> None:
    for kind, bad in ((LanguageCode, "Basque"), (Name, "My Model"), (Tag, "v 1")):
        known: TypeAdapter[str] = TypeAdapter(kind)
        assert known.json_schema()["pattern"].startswith("^")
        with pytest.raises(ValidationError) as caught:
            known.validate_python(bad)
        assert first_problem(caught.value)[1].startswith(f"{bad!r} is no ")
