"""Sealed shards to a folder: whole files whose sha256 is right, each fetched from where it was cut off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from http import HTTPStatus
from io import BufferedRandom
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from generators.retries import LostError, Retry
from publishers.atomic import sync_folder
from schemas.errors import ClientError, StorageError
from schemas.manifest import Shard
from service.client.transport import Transport

_TRIES = 8


def fetch_all(transport: Transport, job_id: str, shards: Iterable[Shard], folder: Path) -> list[Path]:
    """The shards below the folder, under their own paths; those that are there already are not fetched again.

    What is cut off stays beside its place as a hidden file, and the next call goes on from it. Raises ClientError, and
    StorageError when the folder cannot be written.
    """
    places = [(shard, _place(folder, shard)) for shard in shards]
    try:
        return [_fetch(transport, job_id, shard, place) for shard, place in places]
    except OSError as error:
        where = error.filename or folder
        raise StorageError(
            f"{where}: {error.strerror or error}; free some space or choose another folder, what is there is kept"
        ) from error


def _place(folder: Path, shard: Shard) -> Path:
    """Where the shard goes: never outside the folder, whatever the server calls it. Raises ClientError."""
    path = PurePosixPath(shard.path)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in shard.path:
        raise ClientError(f"the server names a shard {shard.path!r}, which lies outside the build; nothing was written")
    return folder.joinpath(*path.parts)


def _fetch(transport: Transport, job_id: str, shard: Shard, place: Path) -> Path:
    if place.is_file() and place.stat().st_size == shard.bytes and _sha256(place) == shard.sha256:
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    # The sum is in the name, so that what was cut off of another file is never gone on with.
    part = place.with_name(f".{place.name}.{shard.sha256[:16]}.part")
    address = f"/v1/jobs/{job_id}/shards/{quote(shard.path)}"
    tried, before = 0, 0
    while True:
        try:
            _go_on(transport, address, shard, part)
            break
        except Retry as failure:
            there = part.stat().st_size if part.exists() else 0
            tried = 0 if there > before else tried
            transport.pause(failure, tried, _TRIES)
            tried, before = tried + 1, there
    part.replace(place)
    sync_folder(place.parent)
    return place


def _go_on(transport: Transport, address: str, shard: Shard, part: Path) -> None:
    """Fetch what the part lacks. Raises Retry when it was cut off, ClientError when the file is not the shard."""
    with part.open("ab+") as file:
        there = file.tell()
        if there > shard.bytes:
            file.truncate(there := 0)
        if there < shard.bytes:
            headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
            if there:
                headers |= {"Range": f"bytes={there}-", "If-Range": f'"{shard.sha256}"'}
            with transport.stream(address, headers) as response:
                if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                    file.truncate(0)
                for block in response.iter_bytes():
                    file.write(block)
                    if file.tell() > shard.bytes:
                        break
        file.flush()
        os.fsync(file.fileno())
        size = file.seek(0, os.SEEK_END)
        if size < shard.bytes:
            raise LostError(f"{transport.url} has sent {size:,} of the {shard.bytes:,} bytes of {shard.path}")
        if size == shard.bytes and _sum_of(file) == shard.sha256:
            return
    part.unlink()
    raise ClientError(f"{shard.path} as {transport.url} sends it has another sha256 than the server says; nothing kept")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sum_of(file: BufferedRandom) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
