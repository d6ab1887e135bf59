from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from publishers.manifest import read_manifest, write_manifest
from schemas.errors import PublishError
from tests.support.publishers_builds import make_build, manifest


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    made = make_build(tmp_path)
    assert read_manifest(tmp_path) == made
    assert made.funnel.tokens_per_accepted is not None


def test_writing_replaces_it_whole(tmp_path: Path) -> None:
    make_build(tmp_path)
    write_manifest(manifest(()), tmp_path)
    assert read_manifest(tmp_path).shards == ()
    assert {path.name for path in tmp_path.iterdir()} == {"data", "manifest.json"}


def test_a_folder_without_one_is_no_build(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"holds no manifest\.json.*run `iturri build` first"):
        read_manifest(tmp_path)
    with pytest.raises(PublishError, match=r"holds no manifest\.json"):
        read_manifest(tmp_path / "missing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shards": [{"path": "x"}]}, r"manifest\.json is no manifest: shards\.0\.config: this field is required"),
        ({"colour": "red"}, r"manifest\.json is no manifest: colour: there is no such field"),
        ({"version": 2}, r"manifest\.json has version 2"),
    ],
)
def test_a_bad_manifest_names_the_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    make_build(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PublishError, match=message):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_what_is_no_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(PublishError, match=r"manifest\.json") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
