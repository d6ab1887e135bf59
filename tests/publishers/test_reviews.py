"""Review marks: a file of the build, a config of its own in what is published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from huggingface_hub import constants

from publishers.hub import publish_to_hub
from publishers.local import publish_to_folder
from publishers.publication import read_publication
from publishers.reviews import REVIEWS_NAME, REVIEWS_PATH, SCHEMA, AspectCounts, read_reviews, write_reviews
from publishers.rows import features
from schemas.errors import PublishError
from schemas.review import Mark, Review
from tests.publishers.test_loading import load
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, make_build

REPO = "euskaltzaleak/proba"
LOAD_MARKS = """
import json, sys
from datasets import get_dataset_config_names, load_dataset

name = sys.argv[1]
default = load_dataset(name)
print(json.dumps({
    "configs": get_dataset_config_names(name),
    "default": {split: rows.num_rows for split, rows in default.items()},
    "marks": load_dataset(name, "reviews", split="train").to_list(),
    "ids": default["train"]["id"][:],
}, default=str))
"""
AT = datetime(2026, 11, 5, 10, 30, tzinfo=UTC)


def review(
    row: int, reviewer: int, language: Mark | None, content: Mark | None = None, note: str | None = None
) -> Review:
    return Review(
        row_id=conversation(row).id,
        reviewer=f"reviewer-{reviewer}",
        language=language,
        content=content,
        note=note,
        at=AT + timedelta(minutes=row),
    )


MARKS = (
    review(0, 1, "good", "good"),
    review(0, 2, "good", "bad", "Data okerra da."),
    review(1, 1, "bad"),
    review(1, 2, "good", "good"),
    review(2, 1, "good", "good"),
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    make_build(tmp_path / "build")
    write_reviews(MARKS, tmp_path / "build")
    return tmp_path / "build"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubServer() as server:
        yield server


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def metadata(text: str) -> dict[str, Any]:
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert front is not None
    loaded: dict[str, Any] = yaml.safe_load(front[1])
    return loaded


def test_marks_come_back_as_they_were_and_the_same_ones_give_the_same_file(build: Path) -> None:
    found = read_reviews(build)
    assert found is not None
    assert found.reviews == MARKS
    assert (found.rows, found.reviewers) == (3, 2)
    write_reviews(reversed(MARKS), build)
    assert (build / REVIEWS_NAME).read_bytes() == found.content


def test_what_is_counted(build: Path) -> None:
    found = read_reviews(build)
    assert found is not None
    assert found.counts() == (
        AspectCounts("language", good=4, bad=1, shared=2, agreed=1),
        AspectCounts("content", good=3, bad=1, shared=1, agreed=0),
    )


def test_without_marks_there_is_no_file(build: Path) -> None:
    write_reviews((), build)
    assert not (build / REVIEWS_NAME).exists()
    assert read_reviews(build) is None
    write_reviews((), build)


def test_what_is_no_file_of_marks_is_refused(build: Path, tmp_path: Path) -> None:
    shard = build / "data" / "magpie-eu" / "train-00000.parquet"
    for content, what in ((b"PAR1", "cannot be read as review marks"), (shard.read_bytes(), "holds other columns")):
        (build / REVIEWS_NAME).write_bytes(content)
        with pytest.raises(PublishError, match=what):
            publish_to_folder(build, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_the_features_of_the_card_are_those_that_datasets_derives() -> None:
    assert features(SCHEMA) == datasets.Features.from_arrow_schema(SCHEMA)._to_yaml_list()


def test_the_card_counts_them_and_names_their_config(build: Path) -> None:
    head = {file.path: file.source for file in read_publication(build, REPO).head()}
    assert isinstance(head["README.md"], bytes)
    text = head["README.md"].decode()
    assert "3 of the 8 conversations have been read and marked, by 2 people:" in text
    assert "| language | 4 | 1 | 2 | 50.0% |" in text
    assert "| content | 3 | 1 | 1 | 0.0% |" in text
    assert f'load_dataset("{REPO}", "reviews", split="train")' in text
    data = metadata(text)
    assert [config["config_name"] for config in data["configs"]] == ["magpie-eu", "reviews"]
    assert data["configs"][0]["default"] and "default" not in data["configs"][1]
    assert data["configs"][1]["data_files"] == [{"split": "train", "path": [REVIEWS_PATH]}]
    (split,) = data["dataset_info"][1]["splits"]
    assert (split["num_examples"], split["num_bytes"]) == (5, (build / REVIEWS_NAME).stat().st_size)


def test_without_them_the_card_is_as_it_was(build: Path, tmp_path: Path) -> None:
    write_reviews((), build)
    make_build(tmp_path / "plain")
    assert read_publication(build, REPO).head() == read_publication(tmp_path / "plain", REPO).head()


def test_new_marks_replace_their_file_in_a_folder_and_nothing_else_but_the_card(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert publish_to_folder(build, target).uploaded == 7
    before = contents(target)
    assert before[REVIEWS_PATH] == (build / REVIEWS_NAME).read_bytes()
    assert publish_to_folder(build, target).uploaded == 0
    write_reviews((*MARKS, review(3, 3, "good", "good")), build)
    assert publish_to_folder(build, target).uploaded == 2
    assert changed(before, contents(target)) == {REVIEWS_PATH, "README.md"}


def test_marks_that_are_taken_back_leave_a_folder(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    before = contents(target)
    write_reviews((), build)
    publish_to_folder(build, target)
    assert changed(before, contents(target)) == {REVIEWS_PATH, "README.md"}
    assert not (target / REVIEWS_PATH).exists()


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_new_marks_replace_their_file_on_the_hub_too_and_leave_it_when_taken_back(build: Path, hub: HubServer) -> None:
    def push() -> int:
        return publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint).uploaded

    assert push() == 7
    before = hub.files(REPO)
    assert before[REVIEWS_PATH] == (build / REVIEWS_NAME).read_bytes()
    write_reviews((*MARKS, review(3, 3, "good", "good")), build)
    assert push() == 2
    assert changed(before, hub.files(REPO)) == {REVIEWS_PATH, "README.md"}
    assert len(hub.commits(REPO)) == 2, "the marks come with the card that counts them"
    write_reviews((), build)
    push()
    assert REVIEWS_PATH not in hub.files(REPO)
    commits = len(hub.commits(REPO))
    push()
    assert len(hub.commits(REPO)) == commits


def check(loaded: Any) -> None:
    assert loaded["configs"] == ["magpie-eu", "reviews"]
    assert loaded["default"] == {"train": 6, "validation": 2}
    found = [[mark[name] for name in ("id", "reviewer", "language", "content", "note")] for mark in loaded["marks"]]
    assert found == [[one.row_id, one.reviewer, one.language, one.content, one.note] for one in MARKS]
    assert [mark["at"] for mark in loaded["marks"]] == [str(one.at) for one in MARKS]
    assert {mark["id"] for mark in loaded["marks"]} <= set(loaded["ids"])


def test_a_folder_with_marks_loads(build: Path, tmp_path: Path) -> None:
    publish_to_folder(build, tmp_path / "target")
    check(load(str(tmp_path / "target"), tmp_path, LOAD_MARKS, HF_HUB_OFFLINE="1"))


@pytest.mark.filterwarnings(CLIENT_WARNING)
def test_a_repository_with_marks_loads(build: Path, tmp_path: Path, hub: HubServer) -> None:
    publish_to_hub(build, REPO, private=True, token=hub.token, endpoint=hub.endpoint)
    check(load(REPO, tmp_path, LOAD_MARKS, HF_ENDPOINT=hub.endpoint, HF_TOKEN=hub.read_token))
