"""Findings: what is known to be worse is said, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.training import TrainingRecipe
from schemas.training_grid import TrainingGrid
from training.findings import warnings_of, warnings_of_grid

CORPUS = [{"source": "corpus.txt", "language": "eu"}]
EU = {"source": "a/data", "languages": ["eu"]}
EN = {"source": "a/data", "languages": ["en"]}
TRANSLATED = {**EU, "modes": ["translation"]}


def _fields(conversations: list[Any], corpus: list[Any], instructed: bool) -> list[str]:
    recipe = TrainingRecipe.model_validate(
        {
            "name": "r",
            "model": {"name": "a/b", "chat_template": None if instructed else "a/chat"},
            "languages": ["eu", "en", "es"],
            "data": {"conversations": conversations, "corpus": corpus},
        }
    )
    said = warnings_of(recipe)
    assert all("Sainz et al. 2025" in line and any(digit.isdigit() for digit in line) for line in said)
    return [line.partition(":")[0] for line in said]


@pytest.mark.parametrize(
    ("conversations", "corpus", "instructed", "fields"),
    [
        ([EU, EN], CORPUS, True, []),
        ([EN], CORPUS, True, []),
        ([EU, {"source": "a/data", "languages": ["es"]}], CORPUS, True, []),
        ([EU, EN], [], True, ["data.corpus"]),
        ([EU], CORPUS, True, ["data.conversations"]),
        ([], CORPUS, True, ["data.conversations"]),
        ([], CORPUS, False, []),
        ([EU, EN], CORPUS, False, ["model.chat_template"]),
        ([TRANSLATED], CORPUS, False, ["data.conversations", "model.chat_template", "data.conversations"]),
        ([TRANSLATED, {**EU, "source": "a/more"}], CORPUS, False, ["data.conversations", "model.chat_template"]),
        ([TRANSLATED], CORPUS, True, ["data.conversations"]),
        ([TRANSLATED], [], False, ["data.corpus", "data.conversations", "model.chat_template", "data.conversations"]),
    ],
)
def test_a_recipe_that_the_paper_found_worse_is_warned_of_by_field(
    conversations: list[Any], corpus: list[Any], instructed: bool, fields: list[str]
) -> None:
    assert _fields(conversations, corpus, instructed) == fields


def test_a_source_without_languages_has_those_of_the_recipe() -> None:
    assert _fields([{"source": "a/data"}], CORPUS, True) == []


def test_nothing_is_said_of_a_recipe_in_english_alone() -> None:
    recipe = TrainingRecipe.model_validate(
        {"name": "r", "model": "a/b", "languages": ["en"], "data": {"conversations": [{"source": "a/data"}]}}
    )
    assert warnings_of(recipe) == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"corpus": []}, ["corpus"]),
        ({"instructions": {"eu": [{"source": "a/data"}]}}, ["instructions.en"]),
        ({"instructions": {}}, ["instructions"]),
        ({"backbones": {"base": "a/b"}}, ["backbones.instructed"]),
    ],
)
def test_a_grid_is_warned_of_what_none_of_its_variants_has(changes: dict[str, Any], fields: list[str]) -> None:
    grid = TrainingGrid.model_validate(
        {
            "name": "g",
            "language": "eu",
            "backbones": {"base": "a/b", "instructed": "a/c"},
            "corpus": CORPUS,
            "instructions": {"eu": [{"source": "a/data"}], "en": [{"source": "a/data"}]},
            **changes,
        }
    )
    assert [line.partition(":")[0] for line in warnings_of_grid(grid)] == fields
