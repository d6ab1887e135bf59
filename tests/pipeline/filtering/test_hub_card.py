"""Cards of datasets on the Hub that name files which are not theirs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2 as httpx
import pytest
import yaml
from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

from pipeline.filtering.hub_card import pinned
from schemas.errors import InputError

FOREIGN = (
    "/etc/passwd",
    "/srv/**.jsonl",
    "../../other/data.jsonl",
    "data/../../x.jsonl",
    "http://10.0.0.1/data.jsonl",
    "file:///srv/data.jsonl",
    "s3://bucket/data.jsonl",
    "hf://datasets/other/private/data.jsonl",
    "zip://data.jsonl::/srv/data.zip",
    "memory:x",
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files are those of the repository."""

    class Api:
        def dataset_info(self, repository: str, revision: str | None) -> Any:
            assert repository == "user/data"
            return SimpleNamespace(sha=f"commit-of-{revision}")

        def hf_hub_download(self, repository: str, name: str, *, repo_type: str, revision: str) -> str:
            assert (repository, repo_type, revision) == ("user/data", "dataset", "commit-of-v1")
            if not (tmp_path / name).exists():
                request = httpx.Request("GET", f"http://hub/{name}")
                raise RemoteEntryNotFoundError(name, response=httpx.Response(404, request=request))
            return str(tmp_path / name)

    monkeypatch.setattr("pipeline.filtering.hub_card.HfApi", Api)
    return tmp_path


def written(folder: Path, name: str, metadata: Any) -> None:
    text = yaml.safe_dump(metadata)
    (folder / name).write_text(f"---\n{text}---\n# A dataset\n" if name == "README.md" else text, encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", ".huggingface.yaml"])
@pytest.mark.parametrize("place", FOREIGN)
def test_files_elsewhere_are_refused_however_they_are_named(hub: Path, name: str, place: str) -> None:
    for files in (
        place,
        ["data/a.jsonl", place],
        {"train": place},
        [{"split": "train", "path": ["data/a.jsonl", place]}],
    ):
        configs = [{"config_name": "good", "data_files": "data/*.jsonl"}, {"config_name": "bad", "data_files": files}]
        written(hub, name, {"configs": configs})
        with pytest.raises(InputError, match=r"user/data: its .* names files that are not its own"):
            pinned("user/data", "v1")
    written(hub, name, {"configs": [{"config_name": "bad", "data_dir": place}]})
    with pytest.raises(InputError, match="not its own"):
        pinned("user/data", "v1")


def test_its_own_files_are_read_at_one_commit(hub: Path) -> None:
    assert pinned("user/data", "v1") == "commit-of-v1"
    for files in (
        "data/*.parquet",
        ["**/a.jsonl", "b.jsonl"],
        [{"split": "train", "path": "data/train-*"}],
        "a..b.jsonl",
    ):
        written(hub, "README.md", {"configs": [{"config_name": "x: y", "data_files": files, "data_dir": "data"}]})
        assert pinned("user/data", "v1") == "commit-of-v1"
    for metadata in ({"license": "cc0-1.0"}, {"configs": None}, {"pretty_name": "http://x"}):
        written(hub, "README.md", metadata)
        assert pinned("user/data", "v1") == "commit-of-v1"


def test_a_hub_that_is_away_is_no_dataset_without_a_card(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> str:
        raise LocalEntryNotFoundError("there is no connection")

    monkeypatch.setattr("pipeline.filtering.hub_card.HfApi.hf_hub_download", away)
    with pytest.raises(ConnectionError, match="there is no connection"):
        pinned("user/data", "v1")
