"""One request to the tests' Hub: its body as it comes in, and the state that it is about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from io import BufferedIOBase
from typing import Any
from urllib.parse import SplitResult, parse_qs

from tests.support.hub_access import check_gate, check_read, check_write
from tests.support.hub_answers import RefusalError
from tests.support.hub_disk import Disk, Multipart
from tests.support.hub_faults import Faults
from tests.support.hub_store import MAIN, Commit, Repository

_BLOCK = 1 << 20


class HungUpError(Exception):
    """The connection is gone, by the client's doing or by a fault."""


class Body:
    """The body of a request, whole or in blocks; `read` counts its bytes. With `half`, that is called half-way."""

    def __init__(self, file: BufferedIOBase, headers: Message, half: Callable[[], None] | None = None) -> None:
        self._file = file
        self._half = half
        self._length = int(headers.get("Content-Length") or 0)
        chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._blocks = self._chunks() if chunked else self._exactly(self._length)
        self.empty = not chunked and not self._length
        self._whole: bytes | None = None
        self.read = 0

    def blocks(self) -> Iterator[bytes]:
        """Raises HungUpError when the client goes away."""
        if self._whole is not None:
            yield self._whole
            return
        for block in self._blocks:
            self.read += len(block)
            yield block
            if self._half is not None and 2 * self.read >= self._length:
                self._half()

    def whole(self) -> bytes:
        """All of it, also a second time."""
        if self._whole is None:
            self._whole = b"".join(self.blocks())
        return self._whole

    def drain(self) -> None:
        """Read what is left, so that the next request of the connection can come."""
        self._whole = None
        for _ in self.blocks():
            pass

    def _exactly(self, length: int) -> Iterator[bytes]:
        # Two blocks at least, so that there is a half.
        most = max(1, min(_BLOCK, -(-length // 2)))
        while length:
            block = self._file.read(min(most, length))
            if not block:
                raise HungUpError
            length -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._file.readline().split(b";")[0] or b"0", 16):
            yield from self._exactly(size)
            self._file.readline()
        self._file.readline()


@dataclass
class State:
    """All that the Hub knows.

    `uploads` gets the sha256 of every LFS object that is put, `uploaded` sums their bytes, `received` all bytes of
    objects and parts that came, also of uploads that broke off. `lock` is held while these are looked at or changed,
    and never while bytes flow.
    """

    part_bytes: int
    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    uploaded: int = 0
    received: int = 0
    multiparts: dict[str, Multipart] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    lock: threading.RLock = field(default_factory=threading.RLock)
    disk: Disk = field(init=False)


@dataclass
class Request:
    command: str
    url: SplitResult
    headers: Message
    body: Body
    state: State

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.url.query)

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def json(self) -> Any:
        return json.loads(self.body.whole())

    def readable(self, repo: str, *, files: bool = False) -> Repository:
        """The repository, of which the token may know and, with `files`, read the files. Raises RefusalError."""
        repository = check_read(self.token, repo, self.state.repositories.get(repo))
        if files:
            check_gate(self.token, repo, repository)
        return repository

    def writable(self, repo: str) -> Repository:
        """The repository, into which the token may write. Raises RefusalError."""
        repository = self.readable(repo, files=True)
        check_write(self.token, repo.split("/", maxsplit=1)[0])
        return repository


def commit_of(repository: Repository, revision: str = MAIN) -> Commit:
    """The commit that a revision names. Raises RefusalError (404)."""
    found = repository.find(revision)
    if found is None:
        raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return found
