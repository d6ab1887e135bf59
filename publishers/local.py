"""Publishing to a folder, in the layout of the Hub."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from publishers.atomic import is_leftover, whole_file
from publishers.mirror import mirror
from publishers.publication import PublicationFile, sha256_of
from publishers.result import PublicationResult
from schemas.errors import PublishError, StorageError


def publish_to_folder(build: Path, target: Path) -> PublicationResult:
    """Puts the build's publication into `target`, which then holds exactly its files.

    Each new file appears whole or not at all, card and manifest last, so that an interrupted call is finished by the
    next one. `target` is a new or empty folder, or one that holds an earlier publication of the same build; hidden
    files at its root (`.git`) are left alone. Raises PublishError, StorageError, RecipeError.
    """
    _refuse_place(build, target)
    with _alone_in(target):
        return mirror(build, _Folder(target))


class _Folder:
    """A folder, as a place for a publication."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def paths(self) -> set[str]:
        try:
            return {
                path.relative_to(self._path).as_posix()
                for path in self._path.rglob("*")
                if not path.is_dir()
                and not is_leftover(path)
                and not path.relative_to(self._path).parts[0].startswith(".")
            }
        except OSError as error:
            raise PublishError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def read(self, path: str) -> bytes:
        try:
            return (self._path / path).read_bytes()
        except OSError as error:
            raise PublishError(f"{self._path / path} cannot be read: {error.strerror or error}") from error

    def holds(self, file: PublicationFile) -> bool:
        path = self._path / file.path
        try:
            return path.stat().st_size == file.size and sha256_of(path) == file.sha256
        except OSError:
            return False  # missing, or unreadable: it is written anew, and that says what is wrong

    def put(self, file: PublicationFile) -> None:
        with whole_file(self._path / file.path) as copy:
            if isinstance(file.source, bytes):
                copy.write(file.source)
            else:
                with file.source.open("rb") as source:
                    shutil.copyfileobj(source, copy, 1 << 20)

    def remove(self, path: str) -> None:
        try:
            (self._path / path).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._path / path} cannot be removed: {error.strerror or error}") from error


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    """The folder, made when missing, for one publication at a time; the next one waits, and finds what is there."""
    new = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}; choose another folder") from error
    try:
        with suppress(OSError):  # a filesystem without locks: two at once may then fail, and never spoil anything
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # something is in it by now: the next call finishes it
                target.rmdir()
        raise
    finally:
        os.close(handle)


def _refuse_place(build: Path, target: Path) -> None:
    """Raises PublishError when the target is a place for no publication of this build."""
    here, there = build.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise PublishError(f"{target} and the build {build} overlap; publish to a folder of its own")
    if target.exists() and not target.is_dir():
        raise PublishError(f"{target} is no folder; choose another one to publish to")
