"""What can be made to go wrong with the tests' own Hub, as the unmodified client meets it."""

from __future__ import annotations

import random
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.support.hub_faults import When
from tests.support.hub_server import CLIENT_WARNING, HubServer

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"


@pytest.fixture(autouse=True)
def repository(hub: HubServer) -> None:
    HfApi(endpoint=hub.endpoint, token=hub.token).create_repo(REPO, repo_type="dataset")


def upload(hub: HubServer, path: str, content: bytes | Path) -> None:
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=REPO, repo_type="dataset")


@pytest.mark.parametrize("when", ["before", "amid", "late", "after", "answering"])
def test_a_commit_whose_connection_breaks(hub: HubServer, when: When) -> None:
    hub.drop("POST .*/commit/", when)
    with pytest.raises(httpx2.TransportError):
        upload(hub, "a.txt", b"1")
    assert len(hub.commits(REPO)) == (when in ("late", "after", "answering"))
    upload(hub, "b.txt", b"2")
    assert "b.txt" in hub.files(REPO)


def test_an_upload_breaks_off_and_comes_again(hub: HubServer, tmp_path: Path, waits: list[float]) -> None:
    content = random.Random(1).randbytes(5_000_000)
    (tmp_path / "a").write_bytes(content)
    hub.drop("PUT /lfs/", "amid")
    upload(hub, "a.parquet", tmp_path / "a")
    assert waits == [1]
    assert hub.files(REPO) == {"a.parquet": content}
    assert len(hub.uploads) == 1
    assert 1.4 * len(content) < hub.received < 1.8 * len(content)


@pytest.mark.parametrize("path", ["a.parquet", "a.txt"])
def test_an_answer_breaks_off_in_the_middle_of_its_body(hub: HubServer, path: str) -> None:
    content = random.Random(1).randbytes(100_000)
    upload(hub, path, content)
    hub.drop(f"GET .*/resolve/main/{path}", "answering")
    got = bytearray()
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        httpx2.stream("GET", f"{hub.endpoint}/datasets/{REPO}/resolve/main/{path}") as answer,
    ):
        for block in answer.iter_bytes():
            got += block
    assert answer.headers["Content-Length"] == "100000"
    assert got == content[:50_000]


def test_faults_pass_over_as_many_requests_as_they_are_told_to(hub: HubServer) -> None:
    called: list[int] = []
    hub.drop("GET /api/whoami", "before", skip=2, action=lambda: called.append(len(hub.requests)))
    address, headers = f"{hub.endpoint}/api/whoami-v2", {"Authorization": f"Bearer {hub.token}"}
    assert [httpx2.get(address, headers=headers).status_code for _ in range(2)] == [200, 200]
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(address, headers=headers)
    assert called == [len(hub.requests)]
    assert httpx2.get(address, headers=headers).status_code == 200


def test_commits_are_limited_until_the_limit_is_lifted(hub: HubServer) -> None:
    hub.limit_commits(2, retry_after=7)
    upload(hub, "a.txt", b"1")
    upload(hub, "b.txt", b"2")
    for _ in range(3):
        with pytest.raises(HfHubHTTPError) as caught:
            upload(hub, "c.txt", b"3")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "7"
    assert (hub.limited, set(hub.files(REPO))) == (3, {"a.txt", "b.txt"})
    hub.lift_limit()
    upload(hub, "c.txt", b"3")
    assert len(hub.commits(REPO)) == 3
