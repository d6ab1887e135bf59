"""Downloads: whole files with the right sum, or none; what was cut off is gone on with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ClientError, StorageError
from service.client.client import Client
from tests.support.scripted_http import HANG_UP, Answer, Asked, Scripted, ScriptedServer, of
from tests.support.served import shard

CONTENT = os.urandom(3_000_000)
PATH = "data/magpie-eu/train-00000.parquet"
FILE = f"GET /v1/jobs/j1/shards/{PATH}"


def listed(*shards: dict[str, Any]) -> Answer:
    return of({"items": list(shards)})


def ranged(asked: Asked) -> Answer:
    """What an honest server does with a range."""
    given = asked.headers.get("range")
    if given is None:
        return Answer(200, CONTENT)
    start = int(given.removeprefix("bytes=").rstrip("-"))
    assert asked.headers["if-range"].strip('"') == shard(PATH, CONTENT)["sha256"]
    return Answer(206, CONTENT[start:], {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"})


def cut(at: int) -> Scripted:
    def answer(asked: Asked) -> Answer:
        whole = ranged(asked)
        return Answer(whole.status, whole.body, whole.headers, cut=at)

    return answer


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_under_their_own_paths_and_each_once(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    small = "data/magpie-eu/train-00001.parquet"
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT), shard(small, b"x")))
    server.on(FILE, ranged)
    server.on(f"GET /v1/jobs/j1/shards/{small}", Answer(200, b"x"))
    assert client.download("j1", tmp_path / "new") == [tmp_path / "new" / PATH, tmp_path / "new" / small]
    assert (tmp_path / "new" / PATH).read_bytes() == CONTENT
    assert files(tmp_path / "new") == [PATH, small]
    before = len(server.asked)
    client.download("j1", tmp_path / "new")
    assert server.paths()[before:] == ["GET /v1/jobs/j1/shards"]
    (tmp_path / "new" / PATH).write_bytes(b"damaged")
    client.download("j1", str(tmp_path / "new"))
    assert (tmp_path / "new" / PATH).read_bytes() == CONTENT


def test_what_is_cut_off_is_gone_on_with(
    server: ScriptedServer, client: Client, tmp_path: Path, pauses: list[float]
) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT)))
    server.on(FILE, cut(1_000_000), HANG_UP, cut(700_000), ranged)
    client.download("j1", tmp_path)
    assert (tmp_path / PATH).read_bytes() == CONTENT
    assert files(tmp_path) == [PATH]
    starts = [one.headers.get("range") for one in server.asked[1:]]
    assert starts == [None, "bytes=1000000-", "bytes=1000000-", "bytes=1700000-"]
    assert len(pauses) == 3


def test_a_later_call_goes_on_too(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT)))
    server.on(FILE, cut(1_000_000), *[HANG_UP] * 8, ranged)
    with pytest.raises(ClientError, match="was lost"):
        client.download("j1", tmp_path)
    assert not (tmp_path / PATH).exists()
    client.download("j1", tmp_path)
    assert server.asked[-1].headers["range"] == "bytes=1000000-"
    assert (tmp_path / PATH).read_bytes() == CONTENT
    assert files(tmp_path) == [PATH]


def test_a_server_that_knows_no_ranges_begins_anew(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT)))
    server.on(FILE, cut(1_000_000), Answer(200, CONTENT))
    client.download("j1", tmp_path)
    assert (tmp_path / PATH).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), CONTENT + b"more"])
def test_another_file_than_was_promised(server: ScriptedServer, client: Client, tmp_path: Path, content: bytes) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT)))
    server.on(FILE, Answer(200, content))
    with pytest.raises(ClientError, match="another sha256 than the server says"):
        client.download("j1", tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize("path", ["../out.parquet", "/etc/x", "a/../../b", "..", "a/\0b"])
def test_nothing_is_written_outside_the_folder(
    server: ScriptedServer, client: Client, tmp_path: Path, path: str
) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT), shard(path, CONTENT)))
    server.on(FILE, ranged)
    with pytest.raises(ClientError, match="outside the build"):
        client.download("j1", tmp_path / "in")
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    server.on("GET /v1/jobs/j1/shards", listed(shard(PATH, CONTENT)))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another folder"):
        client.download("j1", tmp_path / "file")
