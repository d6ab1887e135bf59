"""The disk of the tests' Hub: objects of LFS as files named by sha256, hashed while they come in."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.hub_answers import RefusalError
from tests.support.hub_store import LfsObject

_BLOCK = 1 << 20


@dataclass
class Multipart:
    """An upload in parts, which lie one behind the other in a temporary file. `etags` are those of parts that came."""

    repo: str
    oid: str
    size: int
    part_bytes: int
    path: Path
    etags: dict[int, str] = field(default_factory=dict)

    @property
    def parts(self) -> int:
        return -(-self.size // self.part_bytes)


class Disk:
    """A folder of objects. Its methods take as long as bytes flow, so they are called without any lock."""

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        self._numbers = itertools.count()
        self._objects.mkdir()
        self._incoming.mkdir()

    def temporary(self) -> Path:
        return self._incoming / f"{next(self._numbers):06d}"

    def receive(self, oid: str, blocks: Iterable[bytes]) -> LfsObject:
        """A whole object. Raises RefusalError when the content has another sha256; nothing is kept then."""
        path = self.temporary()
        digest = hashlib.sha256()
        try:
            with path.open("wb") as file:
                for block in blocks:
                    digest.update(block)
                    file.write(block)
            return self._keep(oid, digest.hexdigest(), path)
        finally:
            path.unlink(missing_ok=True)

    def receive_part(self, upload: Multipart, number: int, blocks: Iterable[bytes]) -> str:
        """Part `number` (from 1) at its place; returns its ETag. Raises RefusalError when it is not as long as said."""
        start = (number - 1) * upload.part_bytes
        length = min(upload.part_bytes, upload.size - start)
        digest = hashlib.md5(usedforsecurity=False)
        with os.fdopen(os.open(upload.path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.seek(start)
            came = 0
            for block in blocks:
                came += len(block)
                if came > length:
                    break
                digest.update(block)
                file.write(block)
        if came != length:
            raise RefusalError(400, f"part {number} has {came} bytes and not {length}")
        return f'"{digest.hexdigest()}"'

    def complete(self, upload: Multipart) -> LfsObject:
        """The object that the parts make. Raises RefusalError when it has another sha256."""
        digest = hashlib.sha256()
        with upload.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return self._keep(upload.oid, digest.hexdigest(), upload.path)

    def _keep(self, oid: str, found: str, path: Path) -> LfsObject:
        if found != oid:
            raise RefusalError(400, "the content has another sha256")
        return LfsObject(oid, path.stat().st_size, path.rename(self._objects / oid))
