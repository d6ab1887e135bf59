"""What is published loads with `datasets`, in a process of its own, from the folder and from the tests' Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from publishers.hub import publish_to_hub
from publishers.local import publish_to_folder
from publishers.manifest import read_manifest, write_manifest
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, make_build, manifest, seal

LOAD = """
import json, sys
from datasets import concatenate_datasets, get_dataset_config_names, load_dataset

name = sys.argv[1]
configs = {config: load_dataset(name, config) for config in get_dataset_config_names(name)}
default = load_dataset(name)
both = concatenate_datasets([splits["train"] for splits in configs.values()])
print(json.dumps({
    "rows": {config: {split: rows.to_list() for split, rows in splits.items()} for config, splits in configs.items()},
    "default": {split: rows.num_rows for split, rows in default.items()},
    "both": both.num_rows,
}))
"""


def load(name: str, home: Path, program: str = LOAD, **variables: str) -> Any:
    """What the program, which gets the name of a dataset, prints as JSON."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment = clean | {"HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"} | variables
    command = [sys.executable, "-W", "error::UserWarning", "-W", "error::FutureWarning", "-c", program, name]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Two configs; in one no row has a revision, a source or a score, in the other every row has all of them."""
    folder = tmp_path / "build"
    made = make_build(folder)
    rich = {"backbone_revision": "abc", "source_document": "doc-1", "scores": {"quality": 0.5, "other": 1.0}}
    bare = seal(folder, "magpie", "train", 2, [conversation(900, scores={})])
    grounded = seal(folder, "grounded", "train", 0, [conversation(number, "grounded", **rich) for number in range(4)])
    write_manifest(manifest((*made.shards, bare, grounded)), folder)
    return folder


def check(loaded: Any, build: Path) -> None:
    rows = loaded["rows"]
    assert {config: {split: len(part) for split, part in splits.items()} for config, splits in rows.items()} == {
        "grounded-eu": {"train": 4},
        "magpie-eu": {"train": 7, "validation": 2},
    }
    assert loaded["default"] == {"train": 4}
    assert loaded["both"] == 11
    assert [row["id"] for row in rows["magpie-eu"]["train"]] == [conversation(number).id for number in (*range(6), 900)]
    assert rows["magpie-eu"]["train"][0]["messages"] == [message.model_dump() for message in conversation(0).messages]
    assert rows["grounded-eu"]["train"][0]["scores"] == [
        {"name": "other", "value": 1.0},
        {"name": "quality", "value": 0.5},
    ]
    assert rows["magpie-eu"]["train"][0]["source_document"] is None
    assert read_manifest(build).rows == 13


def test_a_folder_loads(build: Path, tmp_path: Path) -> None:
    publish_to_folder(build, tmp_path / "target")
    check(load(str(tmp_path / "target"), tmp_path, HF_HUB_OFFLINE="1"), build)


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_repository_loads(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubServer() as hub:
        publish_to_hub(build, "euskaltzaleak/proba", private=True, token=hub.token, endpoint=hub.endpoint)
        check(load("euskaltzaleak/proba", tmp_path, HF_ENDPOINT=hub.endpoint, HF_TOKEN=hub.read_token), build)


LOAD_RELEASE = """
import json, sys
from datasets import load_dataset

name = sys.argv[1]
told = {}
for revision in ("v1", "main"):
    whole = load_dataset(name, "magpie-eu", split="train", revision=revision)
    streamed = load_dataset(name, "magpie-eu", split="train", revision=revision, streaming=True)
    told[revision] = {"whole": list(whole["id"]), "streamed": [row["id"] for row in streamed]}
print(json.dumps(told))
"""


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_release_loads_and_streams_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    build, repo = tmp_path / "build", "euskaltzaleak/proba"
    old = make_build(build)
    with HubServer() as hub:
        publish_to_hub(build, repo, private=False, token=hub.token, endpoint=hub.endpoint, tag="v1")
        write_manifest(manifest((*old.shards, seal(build, "magpie", "train", 2, [conversation(900)]))), build)
        publish_to_hub(build, repo, private=False, token=hub.token, endpoint=hub.endpoint)
        told = load(repo, tmp_path, LOAD_RELEASE, HF_ENDPOINT=hub.endpoint)
    before = [conversation(number).id for number in range(6)]
    after = [*before, conversation(900).id]
    assert told == {
        "v1": {"whole": before, "streamed": before},
        "main": {"whole": after, "streamed": after},
    }
