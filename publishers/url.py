"""Publishing to any address that fsspec knows, such as `s3://bucket/dataset` or `gs://bucket/dataset`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from publishers.local import publish_to_folder
from publishers.mirror import mirror
from publishers.publication import PublicationFile
from publishers.redaction import without_secrets
from publishers.result import PublicationResult
from schemas.errors import InputError, IturriError, PublishError

# What was put there and compared: path -> [sha256, fsspec's checksum of it then]. It spares reading everything again.
RECORD_NAME = ".iturri.json"
# Protocols of stores that put a file whole or not at all; elsewhere it gets its name when it is whole.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"})
_RECORD_EVERY = 50
_PIECE = 8 << 20


def is_url(target: str) -> bool:
    """Whether this is an address, and no path on this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", target) is not None


def publish_to_url(build: Path, target: str) -> PublicationResult:
    """Puts the build's publication at this address, which then holds exactly its files.

    Shards go first, the card and the manifest last, so that an interrupted call is finished by the next one. What is
    there counts as there only when its content was compared: by the checksum that the store gives for it (an S3 ETag)
    where an earlier call has recorded that, else by reading it. Names that begin with a dot are left alone. Nothing
    keeps two calls apart: publish to one address from one place at a time. Credentials are those of the environment, as
    fsspec's package for the protocol reads them; tries after a failed request are that package's own, too.

    Raises InputError for a protocol that is unknown or whose package is missing, PublishError, RecipeError.
    """
    if target.startswith("file://"):
        return publish_to_folder(build, Path(target.removeprefix("file://")))
    place = _Address(target)
    result = mirror(build, place)
    place.remember()
    return result


class _Address:
    """A folder of a store, as a place for a publication."""

    def __init__(self, target: str) -> None:
        self.name = without_secrets(target).rstrip("/")
        # Of a password with odd characters too little may look like one: an error that quotes it loses all of it.
        self._userinfo = target.partition("://")[2].rpartition("@")[0]
        if target.startswith("hf://"):
            raise InputError(f"{self.name}: the Hub is published to with --repo NAMESPACE/NAME")
        if "::" in target:
            raise InputError(f"{self.name} is a chain of addresses; name the last one alone")
        with self._speaking():
            self._fs, root = fsspec.url_to_fs(target)
        self._root = re.sub(r"(?<=.)/{2,}", "/", root).rstrip("/")
        self._puts_whole = target.partition("://")[0] in _WHOLE
        self._record: dict[str, list[str]] = {}
        self._unrecorded = 0

    def paths(self) -> set[str]:
        with self._speaking():
            self._fs.invalidate_cache()
            found = [self._relative(path) for path in self._fs.find(self._root) if not str(path).endswith("/")]
            if RECORD_NAME in found:
                self._record = _record(self._fs.cat_file(self._whole(RECORD_NAME)))
        return {path for path in found if path and not (path.startswith(".") or path.endswith(".part"))}

    def read(self, path: str) -> bytes:
        with self._speaking():
            content: bytes = self._fs.cat_file(self._whole(path))
            return content

    def holds(self, file: PublicationFile) -> bool:
        with self._speaking():
            if self._fs.size(self._whole(file.path)) != file.size:
                return False
            recorded = self._record.get(file.path)
            if recorded is not None and recorded == [file.sha256, self._checksum(file.path)]:
                return True
            same = self._sha256(file.path, file.size) == file.sha256
        if same:
            self._note(file)
        return same

    def put(self, file: PublicationFile) -> None:
        with self._speaking():
            where = self._whole(file.path)
            folder = where.rpartition("/")[0]
            self._fs.makedirs(folder, exist_ok=True)
            at = where if self._puts_whole else f"{folder}/.{where.rpartition('/')[2]}.part"
            if isinstance(file.source, bytes):
                self._fs.pipe_file(at, file.source)
            else:
                self._fs.put_file(str(file.source), at)
            self._fs.invalidate_cache()
            there = self._fs.size(at)
            if there == file.size and at != where:
                self._fs.mv(at, where)
                self._fs.invalidate_cache()
        if there != file.size:
            raise PublishError(
                f"{self.name}/{file.path} has {there:,} bytes and not {file.size:,}: the store did not keep all of it;"
                " publish again"
            )
        self._note(file)

    def remove(self, path: str) -> None:
        with self._speaking():
            self._fs.rm_file(self._whole(path))

    def remember(self) -> None:
        """Leave the record there."""
        if self._unrecorded:
            with self._speaking():
                self._fs.pipe_file(self._whole(RECORD_NAME), json.dumps(self._record, sort_keys=True).encode())
            self._unrecorded = 0

    def _note(self, file: PublicationFile) -> None:
        with self._speaking():
            self._record[file.path] = [file.sha256, self._checksum(file.path)]
        self._unrecorded += 1
        if self._unrecorded >= _RECORD_EVERY:
            self.remember()

    def _checksum(self, path: str) -> str:
        return str(self._fs.checksum(self._whole(path)))

    def _sha256(self, path: str, size: int) -> str:
        digest = hashlib.sha256()
        for start in range(0, size, _PIECE):
            digest.update(self._fs.cat_file(self._whole(path), start=start, end=min(size, start + _PIECE)))
        return digest.hexdigest()

    def _whole(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _relative(self, path: str) -> str:
        return str(path).removeprefix(self._root).lstrip("/")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Errors of fsspec and of the packages under it, which have no root of their own, in our words."""
        try:
            yield
        except IturriError:
            raise
        except ImportError as error:
            raise InputError(f"{self.name} needs a package that is not installed: {self._line(error)}") from error
        except ValueError as error:
            if "Protocol not known" in str(error):
                raise InputError(f"{self.name}: {self._line(error)}; see the protocols of fsspec") from error
            raise PublishError(f"{self.name}: {self._line(error)}") from error
        except PermissionError as error:
            raise PublishError(
                f"{self.name}: {self._line(error)}; the credentials of this environment may not read and write there"
            ) from error
        except FileNotFoundError as error:
            raise PublishError(
                f"{self.name} is not there: {self._line(error)}; make the bucket or folder first"
            ) from error
        except Exception as error:
            raise PublishError(f"{self.name}: {self._line(error)}; publish again to go on from here") from error

    def _line(self, error: Exception) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        if self._userinfo:
            text = text.replace(f"{self._userinfo}@", "")
        return without_secrets(text)


def _record(content: bytes) -> dict[str, list[str]]:
    """Of an earlier call; one that cannot be read is none, and all is compared by reading."""
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
