"""What recipes can be made of on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from service.app import create_app
from service.speeds import Speeds
from tests.support.service_servers import ROOT, client_of, ended, ready, settings, submission

FIRST = """# A first one,
# in two lines.

# Not of it any more.
name: first
language: eu
backbone: {kind: vllm, model: some/model}
modes: [{mode: magpie}]
target: {conversations: 10}
output: {directory: /srv/builds/first, validation_share: 0.1}
"""
SECOND = """name: second
language: eu
backbone: slow
target: {conversations: 10}
output: {directory: /srv/builds/second}
publish: {title: A second one, description: Of the recipe.}
"""
OURS = """name: ours
language: eu
backbone: quick
modes: [{mode: reverse, corpus: {dataset: corpus.jsonl}}]
target: {conversations: 10}
"""


def shelf(folder: Path, **files: str) -> Path:
    (folder / "recipes").mkdir()
    for name, text in files.items():
        (folder / "recipes" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "recipes" / "prompts.txt").write_text("Zer da hau?", encoding="utf-8")
    return folder / "recipes"


async def listed(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/v1/recipes")
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["items"]}


async def test_recipes_are_listed_as_they_can_be_posted(tmp_path: Path, database: str) -> None:
    folder = shelf(tmp_path, a=FIRST, b=SECOND)
    async with ready(settings(tmp_path, database, recipes=folder)) as client:
        items = await listed(client)
        first, second = items["first"], items["second"]
        assert list(items) == ["first", "second"]
        assert (first["title"], first["description"]) == ("first", "A first one, in two lines.")
        assert (second["title"], second["description"]) == ("A second one", "Of the recipe.")
        assert first["recipe"]["backbone"] == "quick" and second["recipe"]["backbone"] == "slow"
        assert first["recipe"]["output"] == {"validation_share": 0.1} and "output" not in second["recipe"]
        assert first["problem"] is None and second["problem"] is None
        for item in (first, second):
            assert (await client.post("/v1/jobs", json=item["recipe"])).status_code == 202


async def test_what_the_server_would_not_take_is_listed_with_the_reason(tmp_path: Path, database: str) -> None:
    broken = SECOND.replace("target", "targets")
    far = SECOND.replace("name: second", "name: far").replace("language: eu", "language: xx")
    folder = shelf(tmp_path, a=OURS, b=broken, c="[]", d=far)
    async with ready(settings(tmp_path, database, recipes=folder)) as client:
        items = await listed(client)
    assert list(items) == ["ours", "b", "c", "far"]
    assert items["ours"]["problem"].startswith("modes.0.corpus.dataset: ")
    assert items["b"]["problem"] == "b.yaml: targets: there is no such field; did you mean target?"
    assert items["b"]["recipe"] == {}
    assert items["c"]["problem"].startswith("c.yaml: a recipe is a mapping of fields")
    assert items["far"]["problem"].startswith("language: there is no language pack for 'xx'")
    assert str(tmp_path) not in repr(items)


async def test_a_file_that_changes_is_read_again(tmp_path: Path, database: str) -> None:
    folder = shelf(tmp_path, a=SECOND)
    async with ready(settings(tmp_path, database, recipes=folder)) as client:
        assert list(await listed(client)) == ["second"]
        (folder / "a.yaml").write_text(SECOND.replace("name: second", "name: the-second"), encoding="utf-8")
        (folder / "b.yaml").write_text(FIRST, encoding="utf-8")
        assert list(await listed(client)) == ["the-second", "first"]


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path, database: str) -> None:
    async with client_of(create_app(settings(tmp_path, database, recipes=tmp_path / "none"))) as client:
        answer = await client.get("/v1/recipes")
        assert (answer.status_code, answer.json()["detail"].startswith("ITURRI_RECIPES: ")) == (503, True)


async def test_the_recipes_that_come_with_iturri(tmp_path: Path, database: str) -> None:
    async with client_of(create_app(settings(tmp_path, database, recipes=ROOT / "recipes"))) as client:
        items = await listed(client)
    assert {"demo", "small", "paper", "basque-mix"} <= set(items)
    fine = {name for name, item in items.items() if item["problem"] is None}
    assert {"demo", "small", "paper", "basque-vllm"} <= fine
    assert not {"basque-mix", "basque-reverse", "demo-modes"} & fine, "they name files"
    assert items["small"]["description"] == "Twenty conversations from the demo backbone: the smallest real build."


async def test_languages(tmp_path: Path, database: str) -> None:
    pack = tmp_path / "packs" / "xx"
    pack.mkdir(parents=True)
    (pack / "pack.yaml").write_text("code: xx\n", encoding="utf-8")
    async with client_of(create_app(settings(tmp_path, database, languages=tmp_path / "packs"))) as client:
        items = {item["code"]: item for item in (await client.get("/v1/languages")).json()["items"]}
    assert items["eu"] == {"code": "eu", "name": "Basque", "autonym": "euskara", "complete": True}
    assert items["xx"] == {"code": "xx", "name": "xx", "autonym": None, "complete": False}


async def test_backbones_say_whether_they_run_and_how_fast(tmp_path: Path, database: str) -> None:
    configured = settings(tmp_path, database)
    assert configured.backbones is not None
    away = "away: {kind: openai, model: m, endpoints: ['http://127.0.0.1:9/v1'], retries: 0}\n"
    configured.backbones.write_text(configured.backbones.read_text() + away)
    app = create_app(configured)
    async with client_of(app) as client:
        recipe = submission(backbone="slow", target={"conversations": 60})
        job = await ended(client, (await client.post("/v1/jobs", json=recipe)).json()["id"])
        assert job["state"] == "succeeded"
        speeds: Speeds = app.state.service.speeds
        measured = (await speeds.all())["slow"]
        items = {item["name"]: item for item in (await client.get("/v1/backbones")).json()["items"]}
    assert items["slow"] == {"name": "slow", "ready": True, "problem": None, "tokens_per_second": measured}
    assert measured > 0
    assert items["quick"]["tokens_per_second"] is None
    assert not items["away"]["ready"] and items["away"]["problem"]
