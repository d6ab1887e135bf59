"""Which recipes a server takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from languages.creation import create_pack
from pipeline.materials import named_datasets
from schemas.modes import MagpieMode
from schemas.recipe import Recipe
from schemas.settings import Settings
from service.admission import EXAMPLE, SubmittedRecipe, admit
from service.problems import ProblemError
from tests.support.made_up_language import CODE, NAME, sentences

WHOLE = {"model": "m", "endpoints": ["http://127.0.0.1:1/v1"]}
FIELD = "filters.duplicates.semantic.embedder"


@pytest.mark.parametrize(
    ("embedder", "said"),
    [
        (WHOLE, "must be the name of an embedder that this server declares; known: bektoreak"),
        ("besteak", "there is no embedder named 'besteak' (known: bektoreak)"),
    ],
)
def test_an_embedder_is_one_that_the_server_declares(tmp_path: Path, embedder: object, said: str) -> None:
    path = tmp_path / "backbones.yaml"
    path.write_text(yaml.safe_dump({"bektoreak": {"kind": "embeddings", **WHOLE}}), encoding="utf-8")

    def submitted(embedder: object) -> SubmittedRecipe:
        # Also where duplicates are off: an address is an address.
        duplicates = {"enabled": False, "semantic": {"embedder": embedder}}
        return SubmittedRecipe.model_validate({**EXAMPLE, "filters": {"duplicates": duplicates}})

    settings = Settings(backbones=path)
    assert admit(submitted("bektoreak"), settings, ("demo",)).filters.duplicates.semantic is not None
    with pytest.raises(ProblemError) as caught:
        admit(submitted(embedder), settings, ("demo",))
    assert [error.field for error in caught.value.errors] == [FIELD]
    assert said in caught.value.errors[0].message
    with pytest.raises(ProblemError, match="declare"):
        admit(submitted(embedder), Settings(), ("demo",))


def test_a_language_whose_pack_is_not_translated_is_refused(tmp_path: Path) -> None:
    create_pack(tmp_path, CODE, NAME, None, sentences(300))
    settings = Settings(languages=tmp_path)
    assert admit(SubmittedRecipe.model_validate(EXAMPLE), settings, ("demo",)).language == "eu"
    with pytest.raises(ProblemError) as caught:
        admit(SubmittedRecipe.model_validate({**EXAMPLE, "language": CODE}), settings, ("demo",))
    assert "'xx' is not complete" in str(caught.value.detail)


@pytest.mark.parametrize("path", ["/etc", "../data", "builds/one/rows.jsonl", "data/*.parquet", "hf://datasets/../etc"])
def test_files_of_the_server_are_none_of_a_recipe(path: str) -> None:
    with pytest.raises(ProblemError) as caught:
        admitted({"dataset": path})
    assert [one.field for one in caught.value.errors] == ["filters.duplicates.against.0.dataset"]


def test_a_dataset_is_the_hubs_whatever_folder_the_server_has() -> None:
    """A name on the Hub looks like a path: builds/one may be either."""
    recipe = admitted("builds/one", {"dataset": "hf://datasets/user/bench", "config": "eu", "kind": "benchmark"})
    assert [(one.dataset, one.config, one.kind) for one in recipe.filters.duplicates.against] == [
        ("hf://datasets/builds/one", None, None),
        ("hf://datasets/user/bench", "eu", "benchmark"),
    ]


def test_a_corpus_of_topics_is_the_hubs_too() -> None:
    def submitted(dataset: str) -> SubmittedRecipe:
        mode = {"mode": "magpie", "steering": {"topics_from": {"dataset": dataset}}}
        return SubmittedRecipe.model_validate({**EXAMPLE, "modes": [mode]})

    (mode,) = admit(submitted("user/wiki"), Settings(), ("demo",)).modes
    assert isinstance(mode, MagpieMode)
    assert mode.steering.topics_from is not None
    assert mode.steering.topics_from.dataset == "hf://datasets/user/wiki"
    with pytest.raises(ProblemError) as caught:
        admit(submitted("/srv/wiki.jsonl"), Settings(), ("demo",))
    assert [one.field for one in caught.value.errors] == ["modes.0.steering.topics_from.dataset"]


@pytest.mark.parametrize(
    ("mode", "field"),
    [("reverse", "corpus"), ("grounded", "corpus"), ("prompts", "prompts"), ("translation", "source")],
)
def test_what_modes_are_made_from_is_the_hubs_too(mode: str, field: str) -> None:
    def submitted(dataset: str) -> SubmittedRecipe:
        modes = [{"mode": "magpie"}, {"mode": mode, field: {"dataset": dataset}}]
        return SubmittedRecipe.model_validate({**EXAMPLE, "modes": modes})

    recipe = admit(submitted("user/texts"), Settings(), ("demo",))
    ((_, source),) = named_datasets(recipe)
    assert source.dataset == "hf://datasets/user/texts"
    for path in ("/srv/texts.jsonl", "texts.txt", "../texts/*.parquet"):
        with pytest.raises(ProblemError) as caught:
            admit(submitted(path), Settings(), ("demo",))
        assert [one.field for one in caught.value.errors] == [f"modes.1.{field}.dataset"]


def test_a_pack_must_have_the_texts_of_the_modes(tmp_path: Path) -> None:
    create_pack(tmp_path, CODE, NAME, None, sentences(300))
    mode = {"mode": "magpie", "language": CODE}
    with pytest.raises(ProblemError) as caught:
        admit(SubmittedRecipe.model_validate({**EXAMPLE, "modes": [mode]}), Settings(languages=tmp_path), ("demo",))
    assert "steering.topics" in str(caught.value.detail)


# Text that a recipe over HTTP may choose freely. Whoever adds to it sees to it that it names no file and no address of
# the server's: `dataset` goes on as a name on the Hub, and `directory` and whole backbones and embedders are refused.
FREE_TEXT = {
    "Corpus": {"config", "dataset", "id_column", "licence", "revision", "split", "text_column", "title_column"},
    "EmbedderSpec": {"api_key_env", "endpoints", "model"},
    "GivenConversations": {
        *("column", "config", "dataset", "id_column", "instruction_column"),
        *("licence", "reply_column", "revision", "split"),
    },
    "GivenPrompts": {"column", "config", "dataset", "id_column", "licence", "revision", "split"},
    "Output": {"directory"},
    "Publish": {"authors", "description", "licence", "licence_link", "licence_name", "repo", "title"},
    "Reference": {"columns", "config", "dataset", "revision", "split"},
    "SemanticFilter": {"embedder"},
    "DuplicateFilter": {"against"},
}


def free(schema: Any) -> bool:
    """Whether a field of this JSON schema may be any text."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not {"enum", "const", "pattern"} & schema.keys():
            return True
        return any(
            free(one) for name, one in schema.items() if name in ("anyOf", "items", "oneOf", "additionalProperties")
        )
    return isinstance(schema, list) and any(map(free, schema))


def test_all_text_that_a_recipe_may_choose_is_known() -> None:
    schema = SubmittedRecipe.model_json_schema()
    models = {**schema["$defs"], "SubmittedRecipe": schema}
    found = {
        name: {field for field, about in model.get("properties", {}).items() if free(about)}
        for name, model in models.items()
    }
    assert {name: fields for name, fields in found.items() if fields} == FREE_TEXT


def test_a_licence_goes_with_that_of_the_declared_backbone(tmp_path: Path) -> None:
    path = tmp_path / "backbones.yaml"
    demo = {"kind": "openai", "model": "m", "endpoints": ["http://127.0.0.1:9/v1"], "licence": "llama3.1"}
    path.write_text(yaml.safe_dump({"demo": demo}), encoding="utf-8")

    def taken(**publish: str | None) -> Recipe:
        submitted = SubmittedRecipe.model_validate({**EXAMPLE, "publish": publish})
        return admit(submitted, Settings(backbones=path), ("demo",))

    assert taken(licence="llama3.1").publish.licence == "llama3.1"
    assert taken(licence=None).publish.licence is None
    with pytest.raises(ProblemError) as caught:
        taken(licence="cc-by-4.0")
    (problem,) = caught.value.errors
    assert (caught.value.status_code, problem.field) == (422, "publish.licence")
    assert "Choose llama3.1" in problem.message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"backbone": {"kind": "openai", "model": "m", "endpoints": ["http://10.0.0.1/v1"]}}, "backbone"),
        ({"backbone": {"kind": "vllm", "model": "/srv/model"}}, "backbone"),
        ({"backbone": "../demo"}, "backbone"),
        ({"language": "../eu"}, "language"),
        ({"name": "../first"}, "name"),
        ({"modes": [{"mode": "magpie", "language": "../../eu"}]}, "modes.0.magpie.language"),
        ({"modes": [{"mode": "magpie", "endpoints": ["http://10.0.0.1"]}]}, "modes.0.magpie.endpoints"),
        ({"output": {"directory": "/srv/elsewhere"}}, "output.directory"),
    ],
)
def test_neither_addresses_nor_places_of_the_server_are_a_recipes(changes: dict[str, Any], field: str) -> None:
    try:
        admit(SubmittedRecipe.model_validate({**EXAMPLE, **changes}), Settings(), ("demo",))
    except ValidationError as error:
        assert ".".join(map(str, error.errors()[0]["loc"])) == field
    except ProblemError as error:
        assert [one.field for one in error.errors] == [field]
    else:
        pytest.fail("it was admitted")


def admitted(*against: object) -> Recipe:
    submitted = {**EXAMPLE, "filters": {"duplicates": {"against": against}}}
    return admit(SubmittedRecipe.model_validate(submitted), Settings(), ("demo",))
