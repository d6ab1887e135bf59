"""The tests' own Hub, asked by the unmodified client."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from tests.support.hub_process import HubProcess
from tests.support.hub_server import CLIENT_WARNING, HubServer

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"
PART = 1000


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """One whose uploads have parts of 1000 bytes, and an empty repository."""
    with HubServer(part_bytes=PART) as server:
        api(server).create_repo(REPO, repo_type="dataset")
        yield server


def api(hub: HubServer, token: str = HubServer.token) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=token)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def commit(
    hub: HubServer, files: dict[str, bytes | Path], *, deleted: tuple[str, ...] = (), parent: str | None = None
) -> CommitInfo:
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api(hub).create_commit(
        REPO,
        [*operations, *map(CommitOperationDelete, deleted)],
        commit_message="Proba",
        repo_type="dataset",
        parent_commit=parent,
    )


def names(hub: HubServer, revision: str | None = None) -> set[str]:
    return set(api(hub).list_repo_files(REPO, repo_type="dataset", revision=revision)) - {".gitattributes"}


def get(hub: HubServer, revision: str, path: str, span: str | None = None) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {hub.token}"} | ({"Range": span} if span else {})
    answer = httpx2.get(f"{hub.endpoint}/datasets/{REPO}/resolve/{revision}/{path}", headers=headers)
    return answer.status_code, answer.content


def test_a_small_object_goes_in_one_request(hub: HubServer) -> None:
    content = noise(PART)
    commit(hub, {"a.parquet": content, "a.txt": b"kaixo"})
    assert hub.files(REPO) == {"a.parquet": content, "a.txt": b"kaixo"}
    assert [one for one in hub.requests if one.startswith("PUT")] == [f"PUT /lfs/{REPO}/{sha256(content)}"]
    assert (hub.uploads, hub.received) == ([sha256(content)], PART)


def test_a_large_object_goes_in_parts(hub: HubServer, tmp_path: Path) -> None:
    content = noise(3 * PART + 1)
    (tmp_path / "a").write_bytes(content)
    commit(hub, {"a.parquet": tmp_path / "a"})
    assert hub.files(REPO) == {"a.parquet": content}
    puts = [one.rsplit("/", maxsplit=1)[1] for one in hub.requests if one.startswith("PUT /lfs-parts/")]
    assert puts == ["1", "2", "3", "4"]
    assert sum(one.endswith("/complete") for one in hub.requests) == 1
    assert sum(one.endswith("/verify") for one in hub.requests) == 1
    assert (hub.uploads, hub.received) == ([sha256(content)], len(content))


def test_an_object_that_is_there_is_not_asked_for(hub: HubServer) -> None:
    content = noise(2 * PART)
    commit(hub, {"a.parquet": content})
    commit(hub, {"b.parquet": content})
    assert hub.files(REPO) == {"a.parquet": content, "b.parquet": content}
    assert hub.uploads == [sha256(content)]


def batch(hub: HubServer, content: bytes) -> dict[str, str]:
    """The `header` of an upload in parts, its completion under `href`."""
    body = {"transfers": ["basic", "multipart"], "objects": [{"oid": sha256(content), "size": len(content)}]}
    address = f"{hub.endpoint}/datasets/{REPO}.git/info/lfs/objects/batch"
    told = httpx2.post(address, json=body, headers={"Authorization": f"Bearer {hub.token}"}).json()
    assert told["transfer"] == "multipart"
    upload = told["objects"][0]["actions"]["upload"]
    return {**upload["header"], "href": upload["href"]}


@pytest.mark.parametrize("wrong", ["a part is missing", "an ETag is another's", "the content is another"])
def test_a_completion_that_does_not_fit_is_refused(hub: HubServer, wrong: str) -> None:
    content = noise(2 * PART)
    upload = batch(hub, content)
    sent = noise(PART) + content[PART:] if wrong == "the content is another" else content
    parts = []
    for number in (1, 2):
        answer = httpx2.put(upload[str(number)], content=sent[(number - 1) * PART : number * PART])
        parts.append({"partNumber": number, "etag": answer.headers["etag"]})
    if wrong == "a part is missing":
        del parts[1]
    if wrong == "an ETag is another's":
        parts[0]["etag"] = parts[1]["etag"]
    assert httpx2.post(upload["href"], json={"oid": sha256(content), "parts": parts}).status_code == 400
    assert hub.uploads == []


def test_a_part_of_another_length_is_refused(hub: HubServer) -> None:
    upload = batch(hub, noise(2 * PART))
    assert httpx2.put(upload["1"], content=noise(PART - 1)).status_code == 400
    assert httpx2.put(upload["2"], content=noise(PART + 1)).status_code == 400


def test_content_with_another_sha256_is_refused(hub: HubServer) -> None:
    address = f"{hub.endpoint}/lfs/{REPO}/{sha256(b'this')}"
    assert httpx2.put(address, content=b"that").status_code == 400
    assert hub.uploads == []


def test_a_commit_may_name_its_parent(hub: HubServer) -> None:
    first = commit(hub, {"a.txt": b"1"})
    second = commit(hub, {"b.txt": b"2"}, parent=first.oid)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as caught:
        commit(hub, {"c.txt": b"3"}, parent=first.oid)
    assert caught.value.response.status_code == 412
    assert caught.value.response.headers["X-Error-Code"] == "PreconditionFailed"
    assert names(hub) == {"a.txt", "b.txt"}
    assert api(hub).dataset_info(REPO).sha == second.oid


def test_a_commit_of_an_object_that_never_came_is_refused_whole(hub: HubServer) -> None:
    lines = (
        '{"key": "header", "value": {"summary": "Proba"}}\n'
        '{"key": "file", "value": {"path": "a.txt", "content": "YQ=="}}\n'
        '{"key": "lfsFile", "value": {"path": "a.parquet", "oid": "%s"}}\n' % ("0" * 64)
    )
    address = f"{hub.endpoint}/api/datasets/{REPO}/commit/main"
    answer = httpx2.post(address, content=lines.encode(), headers={"Authorization": f"Bearer {hub.token}"})
    assert answer.status_code == 400
    assert hub.commits(REPO) == []


def test_files_and_folders_are_deleted(hub: HubServer) -> None:
    commit(hub, {"a.txt": b"1", "x/b.txt": b"2", "x/y/c.txt": b"3", "xz.txt": b"4"})
    commit(hub, {}, deleted=("a.txt", "x/"))
    assert names(hub) == {"xz.txt"}
    with pytest.raises(EntryNotFoundError):
        commit(hub, {}, deleted=("x/",))


def test_a_listing_has_pages_folders_and_paths(hub: HubServer) -> None:
    commit(hub, {f"data/{number:02d}.txt": b"%d" % number for number in range(11)})
    listed = [entry.path for entry in api(hub).list_repo_tree(REPO, recursive=True, repo_type="dataset")]
    assert listed == [".gitattributes", "data", *(f"data/{number:02d}.txt" for number in range(11))]
    assert sum("/tree/" in one for one in hub.requests) == 4
    top = api(hub).list_repo_tree(REPO, repo_type="dataset")
    assert {entry.path: type(entry).__name__ for entry in top} == {".gitattributes": "RepoFile", "data": "RepoFolder"}
    some = api(hub).get_paths_info(REPO, ["data/03.txt", "data", "none"], repo_type="dataset")
    assert {entry.path for entry in some} == {"data/03.txt", "data"}


def test_what_is_in_lfs_has_its_sha256_and_the_id_of_its_pointer(hub: HubServer) -> None:
    content = noise(5 * PART)
    commit(hub, {"a.parquet": content})
    (entry,) = api(hub).get_paths_info(REPO, ["a.parquet"], repo_type="dataset")
    assert isinstance(entry, RepoFile)
    assert entry.lfs is not None
    assert (entry.size, entry.lfs.sha256) == (len(content), sha256(content))
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 5000\n" % sha256(content).encode()
    assert entry.blob_id == hashlib.sha1(b"blob %d\0%b" % (len(pointer), pointer), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("path", ["a.parquet", "a.txt"])
def test_files_are_given_at_a_branch_a_tag_and_a_commit(hub: HubServer, path: str) -> None:
    old, new = noise(3 * PART), noise(2 * PART)
    first = commit(hub, {path: old})
    api(hub).create_tag(REPO, tag="v1", revision=first.oid, repo_type="dataset")
    commit(hub, {path: new})
    assert get(hub, "main", path) == (200, new)
    assert get(hub, "v1", path) == get(hub, first.oid, path) == (200, old)
    assert get(hub, "v1", path, "bytes=10-19") == (206, old[10:20])
    assert get(hub, "main", path, "bytes=1990-") == (206, new[1990:])
    assert get(hub, "main", path, "bytes=2000-")[0] == 416
    with pytest.raises(RevisionNotFoundError):
        api(hub).hf_hub_download(REPO, path, repo_type="dataset", revision="v2")
    there = api(hub).get_hf_file_metadata(url=f"{hub.endpoint}/datasets/{REPO}/resolve/v1/{path}")
    assert (there.size, there.commit_hash) == (len(old), first.oid)


def test_branches_have_commits_of_their_own(hub: HubServer) -> None:
    commit(hub, {"a.txt": b"1"})
    api(hub).create_branch(REPO, branch="bestea", repo_type="dataset")
    with pytest.raises(HfHubHTTPError, match="409"):
        api(hub).create_branch(REPO, branch="bestea", repo_type="dataset")
    api(hub).upload_file(
        path_or_fileobj=b"2", path_in_repo="b.txt", repo_id=REPO, repo_type="dataset", revision="bestea"
    )
    assert (names(hub), names(hub, "bestea")) == ({"a.txt"}, {"a.txt", "b.txt"})
    assert hub.files(REPO, "bestea") == {"a.txt": b"1", "b.txt": b"2"}
    refs = {ref.name: ref.target_commit for ref in api(hub).list_repo_refs(REPO, repo_type="dataset").branches}
    assert refs == {"main": hub.commits(REPO)[-1].oid, "bestea": hub.commits(REPO, "bestea")[-1].oid}
    assert len(hub.commits(REPO, "bestea")) == 2


@pytest.mark.parametrize("gone", ["renamed", "removed"])
def test_a_repository_without_main_says_so(hub: HubServer, gone: str) -> None:
    made = commit(hub, {"a.txt": b"1"})
    repository = hub.repositories[REPO]
    if gone == "renamed":
        repository.rename_branch("main", "nagusia")
        assert names(hub, "nagusia") == {"a.txt"}
    else:
        repository.remove_branch("main")
    for call in (lambda: api(hub).dataset_info(REPO), lambda: names(hub), lambda: commit(hub, {"b.txt": b"2"})):
        with pytest.raises(RevisionNotFoundError):
            call()
    assert get(hub, made.oid, "a.txt") == (200, b"1")


def test_a_gated_repository_is_seen_by_all_and_read_by_who_has_access(hub: HubServer) -> None:
    commit(hub, {"a.txt": b"1"})
    repository = hub.repositories[REPO]
    repository.gated = "manual"
    assert api(hub).dataset_info(REPO).gated == "manual"
    with pytest.raises(GatedRepoError) as caught:
        api(hub).hf_hub_download(REPO, "a.txt", repo_type="dataset")
    assert caught.value.response.status_code == 403
    with pytest.raises(GatedRepoError):
        commit(hub, {"b.txt": b"2"})
    repository.granted.add(hub.token)
    commit(hub, {"b.txt": b"2"})
    assert names(hub) == {"a.txt", "b.txt"}


def test_a_disabled_repository_gives_nothing(hub: HubServer) -> None:
    hub.repositories[REPO].disabled = True
    with pytest.raises(DisabledRepoError):
        api(hub).dataset_info(REPO)
    with pytest.raises(DisabledRepoError):
        commit(hub, {"a.txt": b"1"})


def test_another_user_reads_what_is_public_and_writes_at_home(hub: HubServer) -> None:
    other = api(hub, hub.other_token)
    assert other.dataset_info(REPO).id == REPO
    with pytest.raises(HfHubHTTPError, match="403"):
        other.upload_file(path_or_fileobj=b"2", path_in_repo="b.txt", repo_id=REPO, repo_type="dataset")
    assert names(hub) == set()
    other.create_repo("beste-bat/berea", repo_type="dataset")
    other.upload_file(path_or_fileobj=b"2", path_in_repo="b.txt", repo_id="beste-bat/berea", repo_type="dataset")
    assert hub.files("beste-bat/berea") == {"b.txt": b"2"}
    hub.repositories[REPO].private = True
    with pytest.raises(RepositoryNotFoundError):
        other.dataset_info(REPO)


def test_a_process_of_its_own_serves_and_tells_and_leaves_nothing(tmp_path: Path) -> None:
    content = noise(3 * PART)
    with HubProcess(tmp_path, part_bytes=PART) as process:
        client = HfApi(endpoint=process.endpoint, token=HubServer.token)
        client.create_repo(REPO, repo_type="dataset")
        client.upload_file(path_or_fileobj=content, path_in_repo="a.parquet", repo_id=REPO, repo_type="dataset")
        counts = process.state()
        assert counts["commits"] == {REPO: 1}
        assert (counts["uploads"], counts["uploaded_bytes"], counts["received_bytes"]) == (1, 3000, 3000)
        told = process.state(REPO)
        assert told["files"] == {"a.parquet": sha256(content)}
        (made,) = told["commits"]
        assert (made["added"], made["files"]) == (["a.parquet"], {"a.parquet": sha256(content)})
        assert process.content(REPO, "a.parquet", made["oid"]) == content
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
