"""Releases: tags of the commits that were published, on the tests' own Hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi

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


def test_a_tag_whose_answer_is_lost_is_there_once(build: Path, hub: HubServer, waits: list[float]) -> None:
    hub.drop(r"POST .*/tag/", "after")
    done = push(build, hub, tag="v1.0")
    assert hub.repositories[REPO].tags == {"v1.0": done.revision}
    assert len(waits) == 1


@pytest.mark.parametrize("tag", ["", "a b", "../x", "-v", "main/x"])
def test_what_is_no_tag_is_refused_before_anything_is_sent(build: Path, hub: HubServer, tag: str) -> None:
    with pytest.raises(InputError, match="is no name of a release"):
        push(build, hub, tag=tag)
    assert hub.requests == []
