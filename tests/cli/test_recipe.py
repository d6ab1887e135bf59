"""`iturri recipe check` and `iturri recipe schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from huggingface_hub import constants

from publishers.hub import publish_to_hub
from publishers.licences import recipe_terms
from schemas.reading import read_recipe
from schemas.settings import Settings, declared_backbones
from tests.support.cli_command import ROOT, iturri, one_line, write_recipe
from tests.support.corpora import document, write_corpus
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import make_build
from tests.support.ready_recipes import dataset_recipes, training_grids, training_recipes

GOOD: dict[str, Any] = {"name": "good", "language": "eu", "backbone": "demo", "target": {"conversations": 5}}


def write(path: Path, **changes: Any) -> Path:
    path.write_text(yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
    return path


def test_a_good_recipe_is_ok(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    done = iturri("recipe", "check", "good.json", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "good.json: OK\n", "")


def test_what_modes_are_made_from_is_looked_at(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", [document(0)])
    corpus = {"dataset": "corpus.jsonl"}
    write(tmp_path / "good.yaml", modes=[{"mode": "reverse", "corpus": corpus}])
    assert iturri("recipe", "check", "good.yaml", cwd=tmp_path).returncode == 0
    for changed, said in (
        ({"text_column": "body"}, "modes.0.corpus.text_column: corpus.jsonl has no column 'body'; it has: text"),
        ({"dataset": "*.parquet"}, "modes.0.corpus: *.parquet: no file has a name like that"),
    ):
        write(tmp_path / "bad.yaml", modes=[{"mode": "reverse", "corpus": {**corpus, **changed}}])
        done = iturri("recipe", "check", "bad.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert said in one_line(done.stderr)


def test_the_recipe_of_several_modes_finds_its_materials_from_the_repository() -> None:
    done = iturri("recipe", "check", "recipes/demo-modes.yaml", "--backbones", "demo/backbones.yaml", cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "recipes/demo-modes.yaml: OK\n", "")


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_corpus_on_the_hub_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    make_build(tmp_path / "build")
    name = "euskaltzaleak/proba"
    with HubServer() as hub:
        publish_to_hub(tmp_path / "build", name, private=True, token=hub.token, endpoint=hub.endpoint)
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.read_token, "HF_HUB_DISABLE_XET": "1"}
        checked = {}
        for column in ("backbone", "body"):
            modes = [{"mode": "reverse", "corpus": {"dataset": name, "text_column": column}}]
            write(tmp_path / "hub.yaml", modes=modes)
            checked[column] = iturri("recipe", "check", "hub.yaml", cwd=tmp_path, HF_HOME=str(tmp_path), **variables)
    assert checked["backbone"].returncode == 0, checked["backbone"].stderr
    assert checked["body"].returncode == 2
    assert f"modes.0.corpus.text_column: {name} has no column 'body'; it has: id" in one_line(checked["body"].stderr)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": {"conversations": 0}}, ("target.conversations",)),
        ({"colour": "red"}, ("colour", "no such field")),
        ({"language": "xx"}, ("xx", "known: en, eu", "ITURRI_LANGUAGES")),
        ({"language": "Basque!"}, ("language",)),
        ({"modes": [{"mode": "magpie", "exchanges": {"min": 3, "max": 2}}]}, ("modes.0", "exchanges")),
        ({"backbone": {"kind": "openai", "model": "m", "endpoints": ["nowhere"]}}, ("backbone", "endpoints")),
        ({"publish": {"repo": "nonamespace"}}, ("publish.repo",)),
    ],
)
def test_bad_fields_are_named(tmp_path: Path, changes: dict[str, Any], words: tuple[str, ...]) -> None:
    write(tmp_path / "bad.yaml", **changes)
    done = iturri("recipe", "check", "bad.yaml", cwd=tmp_path)
    line = one_line(done.stderr)
    assert done.returncode == 2
    assert line.startswith("iturri: bad.yaml: ")
    assert all(word in line for word in words), line


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"{", b"\xff\xfe\x00", b"name: [unclosed"])
def test_unreadable_recipes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    done = iturri("recipe", "check", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert one_line(done.stderr).startswith("iturri: bad.yaml: ")


def test_every_file_gets_its_line(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    write(tmp_path / "bad.yaml", seed=-1)
    done = iturri("recipe", "check", "missing.yaml", "bad.yaml", "good.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == "good.json: OK\n"
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["missing.yaml", "bad.yaml"]


def test_the_backbone_is_looked_up_where_some_are_declared(tmp_path: Path) -> None:
    write(tmp_path / "good.yaml")
    (tmp_path / "backbones.yaml").write_text("other: {kind: vllm, model: some/model}\n", encoding="utf-8")
    unknown = iturri("recipe", "check", "good.yaml", "--backbones", "backbones.yaml", cwd=tmp_path)
    line = one_line(unknown.stderr)
    assert unknown.returncode == 2
    assert all(word in line for word in ("good.yaml", "backbone: ", "'demo'", "known: other", "ITURRI_BACKBONES"))
    undeclared = iturri("recipe", "check", "good.yaml", cwd=tmp_path)
    assert undeclared.returncode == 0
    assert "not looked up" in undeclared.stdout


def test_so_is_the_embedder(tmp_path: Path) -> None:
    write(tmp_path / "good.yaml", filters={"duplicates": {"semantic": {"embedder": "bektoreak"}}})
    undeclared = iturri("recipe", "check", "good.yaml", cwd=tmp_path)
    assert "backbone 'demo' and embedder 'bektoreak' not looked up" in undeclared.stdout
    embedder = "{kind: embeddings, model: m, endpoints: ['http://127.0.0.1:1/v1']}"
    (tmp_path / "file.yaml").write_text(f"demo: {{kind: vllm, model: m}}\nbesteak: {embedder}\n", encoding="utf-8")
    unknown = iturri("recipe", "check", "good.yaml", "--backbones", "file.yaml", cwd=tmp_path)
    assert unknown.returncode == 2
    line = "filters.duplicates.semantic.embedder: there is no embedder named 'bektoreak' (known: besteak)"
    assert line in one_line(unknown.stderr)


LLAMA = {"kind": "openai", "model": "m", "endpoints": ["http://127.0.0.1:9/v1"], "licence": "llama3.1"}


def test_a_licence_that_does_not_go_with_the_backbones_is_refused(tmp_path: Path) -> None:
    declared = tmp_path / "backbones.yaml"
    declared.write_text(yaml.safe_dump({"demo": LLAMA}), encoding="utf-8")
    write(tmp_path / "bad.yaml", publish={"licence": "cc-by-4.0"})
    done = iturri("recipe", "check", "bad.yaml", "--backbones", "backbones.yaml", cwd=tmp_path)
    line = one_line(done.stderr)
    assert done.returncode == 2
    assert line.startswith("iturri: bad.yaml: publish.licence: cc-by-4.0 does not go with the backbone m (llama3.1)")
    assert iturri("recipe", "check", "bad.yaml", cwd=tmp_path).returncode == 0  # which model demo is, nobody knows here


def test_texts_are_looked_at_also_where_the_backbone_is_not_known(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl", [document(0)])
    corpus = {"dataset": "corpus.jsonl", "licence": "cc-by-sa-4.0"}
    write(tmp_path / "bad.yaml", modes=[{"mode": "reverse", "corpus": corpus}], publish={"licence": "mit"})
    done = iturri("recipe", "check", "bad.yaml", cwd=tmp_path)
    assert "publish.licence: mit does not go with the texts of corpus.jsonl" in one_line(done.stderr)


def test_where_there_is_no_licence_one_is_proposed(tmp_path: Path) -> None:
    write(tmp_path / "none.yaml", backbone=LLAMA)
    done = iturri("recipe", "check", "none.yaml", cwd=tmp_path)
    assert done.returncode == 0
    note = "publish.licence: not given, and the Hub needs one, such as llama3.1, which the licence of the backbone m"
    assert one_line(done.stdout).startswith(f"none.yaml: OK; {note}")
    done = iturri("recipe", "check", "--json", "none.yaml", cwd=tmp_path)
    (result,) = json.loads(done.stdout)["results"]
    assert (result["ok"], result["note"].startswith(note)) == (True, True)


def test_a_near_miss_of_a_licence_gets_a_proposal(tmp_path: Path) -> None:
    write(tmp_path / "bad.yaml", publish={"licence": "CC BY 4.0"})
    line = one_line(iturri("recipe", "check", "bad.yaml", cwd=tmp_path).stderr)
    assert "publish.licence: " in line
    assert "did you mean cc-by-4.0?" in line


def test_the_recipes_that_are_ready_have_licences_that_go_together() -> None:
    for path in dataset_recipes():
        recipe = read_recipe(path)
        declared = declared_backbones(Settings(backbones=ROOT / "demo" / "backbones.yaml"))
        backbone = declared[recipe.backbone] if isinstance(recipe.backbone, str) else recipe.backbone
        assert recipe_terms(recipe, backbone).objection() is None, path.name


def test_the_schema_agrees_with_the_model(tmp_path: Path) -> None:
    done = iturri("recipe", "schema", cwd=tmp_path)
    assert done.returncode == 0
    validator = jsonschema.Draft202012Validator(json.loads(done.stdout))
    validator.check_schema(validator.schema)
    assert validator.is_valid(GOOD)
    assert not validator.is_valid({**GOOD, "colour": "red"})
    assert not validator.is_valid({**GOOD, "target": {"conversations": 0}})


@pytest.mark.parametrize(("kind", "paths"), [("training", training_recipes()), ("grid", training_grids())])
def test_so_do_those_of_trainings(tmp_path: Path, kind: str, paths: list[Path]) -> None:
    done = iturri("recipe", "schema", kind, cwd=tmp_path)
    assert done.returncode == 0
    validator = jsonschema.Draft202012Validator(json.loads(done.stdout))
    validator.check_schema(validator.schema)
    assert paths
    for path in paths:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert not list(validator.iter_errors(given)), path.name
        assert not validator.is_valid({**given, "colour": "red"})
        assert not validator.is_valid({**given, "name": "My Model"})


def test_there_is_no_schema_of_another_kind(tmp_path: Path) -> None:
    done = iturri("recipe", "schema", "dataset", cwd=tmp_path)
    assert done.returncode == 2
    assert "'dataset' is not one of 'build', 'training', 'grid'" in one_line(done.stderr)


def test_the_fields_of_trainings_are_checked(tmp_path: Path) -> None:
    done = iturri("recipe", "check", *training_recipes(), *training_grids(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    not_seen = "(data and models not looked at: `iturri train` does)"
    assert done.stdout.splitlines() == [f"{path}: OK {not_seen}" for path in (*training_recipes(), *training_grids())]
    given = yaml.safe_load(training_recipes()[0].read_text(encoding="utf-8"))
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({**given, "languages": ["Basque"]}), encoding="utf-8")
    done = iturri("recipe", "check", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert one_line(done.stderr) == "iturri: bad.yaml: languages.0: 'Basque' is no language code, such as eu"
