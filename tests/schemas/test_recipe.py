"""Recipes: what is wrong is said in one line that names the field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from schemas.errors import RecipeError
from schemas.modes import MagpieMode, TranslationMode
from schemas.reading import read_filters, read_recipe
from schemas.recipe import Recipe
from schemas.sampling import Sampling
from tests.support.ready_recipes import dataset_recipes

GOOD = {"name": "one", "language": "eu", "backbone": "demo", "target": {"conversations": 5}}


def written(folder: Path, content: object) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def test_yaml_and_json_give_the_same_recipe(tmp_path: Path) -> None:
    as_json = tmp_path / "recipe.json"
    as_json.write_text(json.dumps(GOOD), encoding="utf-8")
    assert read_recipe(written(tmp_path, GOOD)) == read_recipe(as_json)


def test_a_recipe_survives_its_own_dump() -> None:
    recipe = Recipe.model_validate(GOOD)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_all_that_is_wrong_is_told_whatever_else_there_is_not() -> None:
    changes = {"colour": "red", "target": {"conversation": 0, "max_drafts": 0}}
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({**GOOD, **changes})
    assert {problem["loc"]: problem["type"] for problem in caught.value.errors()} == {
        ("colour",): "extra_forbidden",
        ("target", "conversation"): "extra_forbidden",
        ("target", "conversations"): "missing",
        ("target", "max_drafts"): "greater_than_equal",
    }


def test_filters_name_their_fields_too(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"shape\.max_char: there is no such field; did you mean max_chars\?"):
        read_filters(written(tmp_path, {"shape": {"max_char": 3}}))


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe.model_validate(GOOD).seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"langauge": "eu"}, "langauge: there is no such field; did you mean language?"),
        (
            {"modes": [{"mode": "magpie", "exchange": {}}]},
            "modes.0.exchange: there is no such field; did you mean",
        ),
        (
            {"modes": [{"mode": "magpie", "exchanges": {"from": 1}}]},
            "modes.0.exchanges.from: there is no such field; there are: min, max",
        ),
        (
            {"backbone": {"kind": "vllm", "model": "m", "engine": {}}},
            "no such field; did you mean engine_args?",
        ),
        ({"target": {}}, "target.conversations: this field is required"),
        ({"target": {"conversations": 0}}, "target.conversations: must be greater than or equal to 1"),
        ({"modes": [{"mode": "magpie", "exchanges": {"min": 3, "max": 2}}]}, "min (3) is above max (2)"),
        ({"modes": [{"mode": "no-such"}]}, "modes.0.mode"),
        ({"modes": [{"mode": "magpie"}, {"mode": "magpie"}]}, "modes.1: the mode magpie is there twice"),
        ({"modes": [{"mode": "magpie", "user_sampling": {"temperature": -1}}]}, "modes.0.user_sampling.temperature"),
        ({"backbone": {"kind": "openai", "model": "m", "endpoints": ["host:8000"]}}, "no http(s) address"),
        ({"backbone": {"kind": "nothing"}}, "backbone"),
        ({"backbone": "HiTZ/Latxa"}, "give the backbone whole: {kind: vllm, model: HiTZ/Latxa}"),
        ({"targets": 3, "modes": [1]}, "targets: there is no such field"),
        ({"modes": ["magpie"]}, "must be a mapping of fields"),
        ({"name": "With Blanks"}, "name"),
        ({"language": "Basque!"}, "language"),
        ({"publish": {"every_shards": 0}}, "publish.every_shards: must be greater than or equal to 1"),
        ({"publish": {"every_shards": 1, "licence": "cc0-1.0"}}, "publish.repo: publish.every_shards needs it"),
        ({"publish": {"every_minutes": 9, "repo": "a/b"}}, "publish.licence: publish.every_minutes needs it"),
        ({"publish": {"repo": "nonamespace"}}, "no repository id of the form namespace/name"),
        ({"filters": {"duplicates": {"threshold": 2}}}, "filters.duplicates.threshold"),
        ({"filters": {"duplicates": {"semantic": {}}}}, "filters.duplicates.semantic.embedder: this field is required"),
        ({"filters": {"duplicates": {"semantic": {"embedder": "x", "threshold": 1.1}}}}, "semantic.threshold"),
        (
            {"filters": {"duplicates": {"semantic": {"embedder": "Org/model"}}}},
            "whole: {model: Org/model, endpoints: [",
        ),
        (
            {"filters": {"duplicates": {"semantic": {"embedder": {"model": "m", "endpoints": ["host:80"]}}}}},
            "no http(s) address",
        ),
        (
            {"filters": {"duplicates": {"semantic": {"embedder": {"model": "m", "endpoints": ["http://h:99999/v1"]}}}}},
            "filters.duplicates.semantic.embedder.endpoints: 'http://h:99999/v1' is no http(s) address",
        ),
        (
            {"filters": {"duplicates": {"semantic": {"embedder": {"model": "m", "endpoints": []}}}}},
            "filters.duplicates.semantic.embedder.endpoints: must not be empty",
        ),
        (
            {"backbone": {"kind": "openai", "model": "m", "endpoints": ["http://"]}},
            "endpoints: 'http://' is no http(s)",
        ),
        ({"backbone": {"kind": "openai", "model": "m", "endpoints": ["http://[::1/v1"]}}, "is no http(s) address"),
        ({"filters": {"duplicates": {"against": "one.jsonl"}}}, "filters.duplicates.against: must be a list"),
        ({"filters": {"duplicates": {"ngram": 10**20}}}, "filters.duplicates.ngram"),
        ({"filters": {"duplicates": {"threshold": 1e-9}}}, "filters.duplicates.threshold"),
        ({"modes": [{"mode": "magpie", "weight": float("inf")}]}, "modes.0.weight: must be a finite number"),
        ({"target": {"conversations": 10**400}}, "target.conversations"),
        ({"output": {"shard_rows": 10**30}}, "output.shard_rows"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(tmp_path: Path, changes: dict[str, object], line: str) -> None:
    path = written(tmp_path, {**GOOD, **changes})
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ["a: [", "- 1\n- 2\n", "", "\x00", "seed: 2024-99-99", "seed: " + "9" * 5000, "[" * 5000, 'name: "\\ud800"'],
)
def test_a_file_that_is_no_recipe_is_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "binary")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path)


def test_what_is_no_yaml_is_said_of_the_file(tmp_path: Path) -> None:
    for content in ("a: [", "a: \x00"):
        with pytest.raises(RecipeError, match=r'in "recipe\.yaml", (line 1, column 5|position 3)'):
            read_recipe(written(tmp_path, content))


def test_a_field_that_is_there_twice_is_named(tmp_path: Path) -> None:
    for content in ("name: a\nseed: 1\nname: b\n", '{"name": "a", "target": {"x": 1}, "name": "b"}'):
        with pytest.raises(RecipeError, match="'name' is there twice"):
            read_recipe(written(tmp_path, content))


def test_json_escapes_beyond_the_basic_plane_are_characters(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, json.dumps({**GOOD, "publish": {"title": "\U0001f600 ñ"}})))
    assert recipe.publish.title == "\U0001f600 ñ"


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValidationError, match="unicode"):
        Recipe.model_validate({**GOOD, "publish": {"title": "\ud800"}})


def test_the_ready_recipes_are_valid() -> None:
    recipes = dataset_recipes()
    assert recipes
    for path in recipes:
        read_recipe(path)


def test_what_is_not_said_of_a_sampling_is_as_the_mode_has_it() -> None:
    modes = [
        {"mode": "magpie", "language": "en", "reply_sampling": {"max_tokens": 96}},
        {"mode": "translation", "translation_sampling": {"max_tokens": 80}},
    ]
    magpie, translation = Recipe.model_validate({**GOOD, "modes": modes}).modes
    assert isinstance(magpie, MagpieMode)
    assert magpie.reply_sampling == Sampling(temperature=0.6, top_p=0.9, max_tokens=96)
    assert isinstance(translation, TranslationMode)
    sampling = translation.translation_sampling
    assert (sampling.frequency_penalty, sampling.max_tokens) == (0.15, 80)


def test_no_more_is_translated_than_there_is() -> None:
    modes = [{"mode": "magpie", "language": "en", "weight": 2}, {"mode": "translation", "weight": 3}]
    with pytest.raises(ValidationError, match=r"modes\.1\.weight: what magpie makes is translated once, so 3 is more"):
        Recipe.model_validate({**GOOD, "modes": modes})
    Recipe.model_validate({**GOOD, "modes": [modes[0], {**modes[1], "weight": 2}]})
