"""A push that is killed at a drawn instant, and tried again: nothing lost, nothing twice, nothing half to be seen."""

from __future__ import annotations

import random
import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from publishers import hub as publishing
from publishers.hub import publish_to_hub
from publishers.publication import read_publication
from tests.support.hub_faults import LATE_S, When
from tests.support.hub_history import added_again, named
from tests.support.hub_push import start_push
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.hub_store import Commit, content_of, sha256_of
from tests.support.publishers_builds import make_build

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"
FILES_PER_COMMIT = 2
SHARDS = 5


@dataclass(frozen=True)
class Instant:
    """At the n-th request, from 0, one of these moments; or, without a request, before the first is sent."""

    number: int | None
    when: When = "before"


@pytest.fixture(autouse=True)
def small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FILES_PER_COMMIT", FILES_PER_COMMIT)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("push") / "build"
    make_build(folder, shards=SHARDS, rows=200)
    return folder


@pytest.fixture(scope="module")
def whole(build: Path) -> Iterator[list[str]]:
    """The requests of a push that nothing interrupts."""
    with HubServer() as hub:
        process = start_push(build, REPO, hub, FILES_PER_COMMIT)
        process.communicate("go\n")
        assert process.returncode == 0
        assert len(hub.commits(REPO)) > 2
        yield list(hub.requests)


def _at(pattern: str, when: When) -> Callable[[list[str]], list[Instant]]:
    return lambda requests: [Instant(n, when) for n, one in enumerate(requests) if re.search(pattern, one)]


MOMENTS: dict[str, Callable[[list[str]], list[Instant]]] = {
    "before the first request": lambda _: [Instant(None)],
    "between preupload and upload": _at("/preupload/|/objects/batch", "after"),
    "in mid-upload": _at("PUT /lfs/", "amid"),
    "after the upload, before the commit": lambda requests: [
        *_at("/commit/", "before")(requests),
        *_at("/verify", "after")(requests),
    ],
    "when the commit is made and not answered": _at("/commit/", "after"),
    "while a commit is still to be made": _at("/commit/", "late"),
    "after a commit": lambda requests: [Instant(n + 1) for n, one in enumerate(requests) if "/commit/" in one],
    "anywhere": lambda requests: [
        Instant(number, when) for number in range(len(requests)) for when in ("before", "amid", "after", "answering")
    ],
}


@pytest.mark.parametrize(("seed", "moment"), list(enumerate(MOMENTS)))
def test_a_killed_push_is_finished_by_the_next(
    build: Path, whole: list[str], hub: HubServer, seed: int, moment: str
) -> None:
    instant = random.Random(seed).choice(MOMENTS[moment](whole))
    process = start_push(build, REPO, hub, FILES_PER_COMMIT)
    if instant.number is None:
        process.kill()
    else:
        hub.drop("", instant.when, skip=instant.number, action=process.kill)
    process.communicate("go\n")
    assert process.returncode == -signal.SIGKILL, instant
    assert len(hub.requests) >= (0 if instant.number is None else instant.number)

    publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint)
    if instant.when == "late":
        threading.Event().wait(2 * LATE_S)  # a commit of the killed push may come after all others
    history = hub.repositories[REPO].commits
    expected = {file.path: file.sha256 for file in read_publication(build, REPO).files()}
    assert sums(history[-1]) == expected
    assert len(set(expected.values())) == len(expected)
    for before, after in pairwise(history):
        assert added_again(sums(before), sums(after), after.added) == set(), instant
    for commit in history:
        assert visible(commit) <= set(commit.files), instant
    assert visible(history[-1]) >= {path for path in expected if path.endswith(".parquet")}


def sums(commit: Commit) -> dict[str, str]:
    return {path: sha256_of(file) for path, file in commit.files.items() if path != ".gitattributes"}


def visible(commit: Commit) -> set[str]:
    """What the commit's card and manifest name."""
    head = (commit.files.get(name) for name in ("README.md", "manifest.json"))
    return named(*(None if file is None else content_of(file) for file in head))
