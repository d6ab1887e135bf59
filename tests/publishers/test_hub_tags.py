"""Releases: tags of the commits that were published, on the tests' own Hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from publishers.changelog import CHANGELOG_NAME
from publishers.hub import publish_to_hub
from publishers.manifest import read_manifest, write_manifest
from publishers.result import PublicationResult
from schemas.errors import InputError, PublishError
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, seal

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"


def push(build: Path, hub: HubServer, tag: str) -> PublicationResult:
    return publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint, tag=tag)


def grown(build: Path) -> None:
    """One more shard in a build that is published."""
    before = read_manifest(build)
    new = seal(build, "magpie", "train", 7, [conversation(500)])
    write_manifest(before.model_copy(update={"shards": (*before.shards, new)}), build)


def test_a_release_is_a_tag_of_the_commit_that_is_read(build: Path, hub: HubServer) -> None:
    done = push(build, hub, tag="v1.0")
    assert (done.tag, hub.repositories[REPO].tags) == ("v1.0", {"v1.0": done.revision})
    again = push(build, hub, tag="v1.0")
    assert (again.uploaded, again.revision) == (0, done.revision)
    grown(build)
    requests = len(hub.requests)
    with pytest.raises(PublishError, match=r"the tag v1\.0 of .* is of another commit, .*choose another --tag"):
        push(build, hub, tag="v1.0")
    assert not any("/commit/" in one or one.startswith("PUT") for one in hub.requests[requests:])
    later = push(build, hub, tag="v1.1")
    assert hub.repositories[REPO].tags == {"v1.0": done.revision, "v1.1": later.revision}
    with pytest.raises(PublishError, match=r"choose another --tag"):
        push(build, hub, tag="v1.0")  # there is nothing to upload, and the tag is of what was
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    first = {file.rfilename for file in api.dataset_info(REPO, revision="v1.0").siblings or ()}
    assert {file.rfilename for file in api.dataset_info(REPO).siblings or ()} - first == {
        "data/magpie-eu/train-00007.parquet"
    }


def test_the_change_log_comes_with_the_first_release_and_tells_them_apart(build: Path, hub: HubServer) -> None:
    publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint)
    assert CHANGELOG_NAME not in hub.files(REPO)
    push(build, hub, tag="v1.0")
    first = hub.files(REPO)[CHANGELOG_NAME].decode()
    assert headings(first) == ["v1.0, 2026-11-03"]
    again = publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint)
    assert again.uploaded == 0
    grown(build)
    publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint)
    assert headings(hub.files(REPO)[CHANGELOG_NAME].decode()) == ["Unreleased, 2026-11-03", "v1.0, 2026-11-03"]
    done = push(build, hub, tag="v1.1")
    last = hub.files(REPO)[CHANGELOG_NAME].decode()
    assert headings(last) == ["v1.1, 2026-11-03", "v1.0, 2026-11-03"]
    assert "9 conversations in 4 shards, 1 of them new" in last
    assert "- `magpie-eu`, train: 1 more, 7 in all" in last
    assert hub.repositories[REPO].tags["v1.1"] == done.revision
    assert push(build, hub, tag="v1.1").uploaded == 0


def test_a_tag_of_something_else_is_no_release(build: Path, hub: HubServer) -> None:
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    api.create_repo(REPO, repo_type="dataset")
    api.create_tag(REPO, tag="empty", repo_type="dataset")
    push(build, hub, tag="v1.0")
    assert headings(hub.files(REPO)[CHANGELOG_NAME].decode()) == ["v1.0, 2026-11-03"]


def test_a_push_that_was_killed_before_its_tag_is_finished_with_it(
    build: Path, hub: HubServer, waits: list[float]
) -> None:
    hub.fail(r"POST .*/tag/", times=9)
    with pytest.raises(PublishError, match="did not take the tag"):
        push(build, hub, tag="v1.0")
    hub.faults.clear()
    done = push(build, hub, tag="v1.0")
    assert done.uploaded == 0
    assert hub.repositories[REPO].tags == {"v1.0": done.revision}


def headings(log: str) -> list[str]:
    return [line.removeprefix("## ") for line in log.splitlines() if line.startswith("## ")]


def test_a_tag_whose_answer_is_lost_is_there_once(build: Path, hub: HubServer, waits: list[float]) -> None:
    hub.drop(r"POST .*/tag/", "after")
    done = push(build, hub, tag="v1.0")
    assert hub.repositories[REPO].tags == {"v1.0": done.revision}
    assert len(waits) == 1


@pytest.mark.parametrize("tag", ["", "a b", "../x", "-v", "main/x", "v1.", "a..b", "v" * 101])
def test_what_is_no_tag_is_refused_before_anything_is_sent(build: Path, hub: HubServer, tag: str) -> None:
    with pytest.raises(InputError, match="is no name of a release"):
        push(build, hub, tag=tag)
    assert hub.requests == []
