"""`iturri build` of a recipe that is to be published while it runs."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from publishers.manifest import parse_manifest, read_manifest
from tests.support.cli_command import iturri, one_line, start, stop, wait_until, write_recipe
from tests.support.hub_server import HubServer

REPO = "euskaltzaleak/proba"
PUBLISH = {"licence": "cc0-1.0", "repo": REPO, "every_shards": 1}


def only_result(text: str) -> dict[str, Any]:
    (result,) = json.loads(one_line(text))["results"]
    assert isinstance(result, dict)
    return result


def published(hub: HubServer) -> int:
    return parse_manifest(hub.files(REPO)["manifest.json"], "the Hub").rows


def test_it_says_where_it_was_published(tmp_path: Path, hub: HubServer) -> None:
    write_recipe(tmp_path / "good.json", publish=PUBLISH)
    done = iturri("build", "good.json", "--json", cwd=tmp_path, **hub.variables(tmp_path))
    assert done.returncode == 0, done.stderr
    result = only_result(done.stdout)
    assert result["published"]["target"] == f"{hub.endpoint}/datasets/{REPO}"
    assert result["published"]["revision"] == hub.commits(REPO)[-1].oid
    assert published(hub) == 20
    assert hub.token not in done.stdout + done.stderr
    again = iturri("build", "good.json", cwd=tmp_path, **hub.variables(tmp_path))
    assert again.returncode == 0, again.stderr
    assert f"good: published to {hub.endpoint}/datasets/{REPO}" in again.stdout


def test_without_a_token_nothing_is_started(tmp_path: Path, hub: HubServer) -> None:
    write_recipe(tmp_path / "good.json", publish=PUBLISH)
    done = iturri("build", "-q", "good.json", cwd=tmp_path, **hub.variables(tmp_path, token=None))
    assert done.returncode == 1
    assert "good.json: no Hub token; set HF_TOKEN" in one_line(done.stderr)
    assert not (tmp_path / "builds").exists() and hub.requests == []


def test_a_build_that_cannot_be_published_is_complete(tmp_path: Path, hub: HubServer) -> None:
    write_recipe(tmp_path / "good.json", publish={**PUBLISH, "every_shards": 100})
    asked = hub.variables(tmp_path, token=hub.read_token)
    done = iturri("build", "-q", "--json", "good.json", cwd=tmp_path, **asked)
    assert done.returncode == 1
    line = one_line(done.stderr)
    assert "the build is complete, but not all of it is published" in line
    assert "`iturri publish builds/good` publishes the rest" in line
    result = only_result(done.stdout)
    assert (result["outcome"], result["error"]["kind"], result["published"]) == ("complete", "HubAuthError", None)
    assert iturri("publish", "good", cwd=tmp_path, **hub.variables(tmp_path)).returncode == 0
    assert published(hub) == 20


def test_a_stopped_build_says_how_the_rest_is_published(tmp_path: Path, hub: HubServer) -> None:
    write_recipe(
        tmp_path / "long.json",
        target={"conversations": 100_000},
        output={"shard_rows": 4},
        publish=PUBLISH,
        delay_s=0.02,
    )
    running = start("build", "-q", "long.json", cwd=tmp_path, alone=False, **hub.variables(tmp_path))
    wait_until(lambda: REPO in hub.repositories and "manifest.json" in hub.files(REPO))
    before = hub.commits(REPO)[-1].oid
    code, _, said = stop(running, signal.SIGINT)
    assert code == 130
    line = one_line(said)
    assert "`iturri build long.json` goes on from here, and publishes the rest" in line
    assert line.endswith("`iturri publish builds/long`")
    assert hub.commits(REPO)[-1].oid == before
    assert iturri("publish", "long", cwd=tmp_path, **hub.variables(tmp_path)).returncode == 0
    assert published(hub) == read_manifest(tmp_path / "builds" / "long").rows
