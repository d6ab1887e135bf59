"""Publishing to addresses: a real client against an S3 server, and fsspec's own memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from s3fs import S3FileSystem

from publishers.publication import read_publication
from publishers.url import RECORD_NAME, is_url, publish_to_url
from schemas.errors import InputError, IturriError, PublishError
from tests.support.bucket_server import BucketServer, bucket_server
from tests.support.publishers_builds import make_build, recipe_fields

BUCKET = "euskara"
ADDRESS = f"s3://{BUCKET}/proba"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketServer]:
    with bucket_server(tmp_path_factory.mktemp("moto") / "log") as started:
        yield started


@pytest.fixture
def bucket(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3FileSystem]:
    """The store, with an empty bucket in it."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    store = S3FileSystem()
    store.mkdir(BUCKET)
    yield store
    store.invalidate_cache()
    store.rm(BUCKET, recursive=True)


def contents(store: Any, root: str = f"{BUCKET}/proba") -> dict[str, bytes]:
    """What lies there, without the record."""
    store.invalidate_cache()
    found = {path.removeprefix(root).lstrip("/"): store.cat_file(path) for path in store.find(root)}
    return {path: content for path, content in found.items() if path != RECORD_NAME}


def expected(build: Path) -> dict[str, bytes]:
    return {
        file.path: file.source if isinstance(file.source, bytes) else file.source.read_bytes()
        for file in read_publication(build).files()
    }


def test_a_bucket_holds_exactly_the_files_of_the_manifest(build: Path, bucket: S3FileSystem) -> None:
    result = publish_to_url(build, ADDRESS)
    assert contents(bucket) == expected(build)
    assert (result.target, result.uploaded, result.skipped) == (ADDRESS, len(expected(build)), 0)


def test_a_second_call_moves_no_shard_in_either_direction(
    build: Path, bucket: S3FileSystem, server: BucketServer
) -> None:
    publish_to_url(build, ADDRESS)
    before = len(server.requests())
    result = publish_to_url(build, ADDRESS)
    assert (result.uploaded, result.bytes) == (0, 0)
    asked = server.requests()[before:]
    assert asked
    assert not [request for request in asked if request.startswith(("GET", "PUT", "POST")) and "/data/" in request]


def test_a_grown_build_adds_only_what_is_new(tmp_path: Path, bucket: S3FileSystem, server: BucketServer) -> None:
    make_build(tmp_path / "build", shards=2)
    publish_to_url(tmp_path / "build", ADDRESS)
    before = len(server.requests())
    make_build(tmp_path / "build", shards=3)
    publish_to_url(tmp_path / "build", ADDRESS)
    assert contents(bucket) == expected(tmp_path / "build")
    shards = [request for request in server.requests()[before:] if request.startswith("PUT") and "/data/" in request]
    assert shards == [f"PUT /{BUCKET}/proba/data/magpie-eu/train-00002.parquet"]


@pytest.mark.parametrize("damage", ["other content", "cut short", "deleted"])
def test_what_is_no_longer_what_was_put_there_is_put_again(build: Path, bucket: S3FileSystem, damage: str) -> None:
    publish_to_url(build, ADDRESS)
    path = f"{BUCKET}/proba/data/magpie-eu/train-00001.parquet"
    content = bucket.cat_file(path)
    if damage == "deleted":
        bucket.rm_file(path)
    else:
        bucket.pipe_file(path, content[:-1] if damage == "cut short" else content[:-1] + b"?")
    assert publish_to_url(build, ADDRESS).uploaded == 1
    assert contents(bucket) == expected(build)


@pytest.mark.parametrize("record", [None, b"{", b"[]"])
def test_without_a_record_what_is_there_is_read_and_not_put_again(
    build: Path, bucket: S3FileSystem, record: bytes | None
) -> None:
    publish_to_url(build, ADDRESS)
    bucket.rm_file(f"{BUCKET}/proba/{RECORD_NAME}")
    if record is not None:
        bucket.pipe_file(f"{BUCKET}/proba/{RECORD_NAME}", record)
    assert publish_to_url(build, ADDRESS).uploaded == 0
    assert contents(bucket) == expected(build)


KILLED = """
import os, signal, sys
from pathlib import Path
from s3fs import S3FileSystem
from publishers.url import publish_to_url

left = [int(sys.argv[3])]

def dying(name):
    real = getattr(S3FileSystem, name)
    async def call(self, *arguments, **settings):
        if left[0] == 0 and sys.argv[4] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await real(self, *arguments, **settings)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
    setattr(S3FileSystem, name, call)

dying("_put_file")
dying("_pipe_file")
publish_to_url(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_killed_at_a_file_then_repeated(
    build: Path, bucket: S3FileSystem, server: BucketServer, number: int, when: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(build), ADDRESS, str(number), when],
        env={**os.environ, **server.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    visible = contents(bucket)
    assert {path: content for path, content in expected(build).items() if path in visible} == visible
    publish_to_url(build, ADDRESS)
    assert contents(bucket) == expected(build)


def test_a_place_with_something_else_is_refused_untouched(build: Path, bucket: S3FileSystem) -> None:
    bucket.pipe_file(f"{BUCKET}/proba/notes.txt", b"mine")
    with pytest.raises(
        PublishError, match=r"notes\.txt, which is not of this publication; move it, or choose an empty place"
    ):
        publish_to_url(build, ADDRESS)
    assert contents(bucket) == {"notes.txt": b"mine"}


def test_the_publication_of_another_build_is_refused(build: Path, tmp_path: Path, bucket: S3FileSystem) -> None:
    publish_to_url(build, ADDRESS)
    before = contents(bucket)
    make_build(tmp_path / "other", rows=2, recipe=recipe_fields(licence="mit"))
    with pytest.raises(PublishError, match="holds the publication of another build"):
        publish_to_url(tmp_path / "other", ADDRESS)
    assert contents(bucket) == before


def test_a_damaged_shard_reaches_no_bucket(build: Path, bucket: S3FileSystem) -> None:
    shard = build / "data" / "magpie-eu" / "train-00001.parquet"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + b"?")
    with pytest.raises(PublishError, match="is damaged"):
        publish_to_url(build, ADDRESS)
    assert contents(bucket) == {}


def test_a_bucket_that_is_not_there_is_one_line(build: Path, bucket: S3FileSystem) -> None:
    with pytest.raises(PublishError, match=r"^s3://no-such-bucket/proba is not there: .*; make the bucket") as refused:
        publish_to_url(build, "s3://no-such-bucket/proba")
    assert "\n" not in str(refused.value)


def test_any_other_protocol_goes_the_same_way(build: Path) -> None:
    store = fsspec.filesystem("memory")
    assert publish_to_url(build, "memory://proba").uploaded == len(expected(build))
    assert contents(store, "/proba") == expected(build)
    assert publish_to_url(build, "memory://proba/").uploaded == 0
    store.rm("/proba", recursive=True)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("hf://datasets/a/b", "published to with --repo"),
        ("simplecache::s3://a/b", "is a chain of addresses"),
        ("nowhere://a/b", "Protocol not known"),
        ("gs://bucket/proba", "needs a package that is not installed: .*gcsfs"),
    ],
)
def test_an_address_that_cannot_be_reached_from_here_names_the_cure(build: Path, address: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        publish_to_url(build, address)


@pytest.mark.parametrize("password", ["sekretua", "sek#retua", "sek/retua", "sek@retua"])
@pytest.mark.parametrize("protocol", ["nowhere", "s3"])
def test_a_password_in_the_address_is_not_repeated(
    build: Path, bucket: S3FileSystem, protocol: str, password: str
) -> None:
    with pytest.raises(IturriError) as refused:
        publish_to_url(build, f"{protocol}://name:{password}@host/b?sig=sekretua")
    assert "retua" not in str(refused.value)


def test_a_marker_of_a_folder_is_no_stranger(build: Path, bucket: S3FileSystem) -> None:
    bucket.pipe_file(f"{BUCKET}/proba/data/", b"")
    publish_to_url(build, ADDRESS)
    assert publish_to_url(build, ADDRESS).uploaded == 0


def test_an_address_of_this_machine_is_a_folder(build: Path, tmp_path: Path) -> None:
    result = publish_to_url(build, f"file://{tmp_path}/target")
    assert (tmp_path / "target" / "manifest.json").is_file()
    assert result.target == str(tmp_path / "target")


def test_where_files_are_not_put_whole_they_get_their_names_when_they_are(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fsspec.filesystem("memory")

    def put(source: str, where: str) -> None:
        store.pipe_file(where, Path(source).read_bytes()[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put_file", put)
    with pytest.raises(PublishError, match="No space left on device"):
        publish_to_url(build, "memory://half")
    assert [path for path in store.find("/half") if not path.endswith(".part")] == []
    monkeypatch.undo()
    publish_to_url(build, "memory://half")
    assert contents(store, "/half") == expected(build)
    store.rm("/half", recursive=True)


@pytest.mark.parametrize(
    ("target", "url"),
    [("s3://a/b", True), ("abfs+x://a", True), ("published/small", False), ("/a://b", False), ("C:/a", False)],
)
def test_what_counts_as_an_address(target: str, url: bool) -> None:
    assert is_url(target) is url
