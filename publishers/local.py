"""Publishing to a folder, in the layout of the Hub."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from publishers.atomic import is_leftover, whole_file
from publishers.manifest import MANIFEST_NAME, parse_manifest
from publishers.publication import Publication, PublicationFile, grown_from, read_publication, sha256_of
from publishers.result import PublicationResult
from schemas.errors import PublishError, StorageError


def publish_to_folder(build: Path, target: Path) -> PublicationResult:
    """Puts the build's publication into `target`, which then holds exactly its files.

    Files that are there already stay untouched; each new one appears whole or not at all, card and manifest last, so
    that an interrupted call is finished by the next one. Only review marks are ever replaced or taken away. `target` is
    a new or empty folder, or one that holds an earlier publication of the same build; hidden files at its root (`.git`)
    are left alone. Raises PublishError, StorageError.
    """
    publication = read_publication(build)
    _refuse_place(build, target)
    with _alone_in(target):
        _refuse_strangers(target, publication)
        written = [file for file in publication.files if not _is_there(target, file)]
        for file in written:
            _put(target, file)
        for path in publication.withdrawn:
            _remove(target / path)
    return PublicationResult(
        target=str(target),
        files=len(publication.files),
        uploaded=len(written),
        skipped=len(publication.files) - len(written),
        bytes=sum(file.size for file in written),
    )


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    """The folder, made when missing, for one publication at a time; the next one waits, and finds what is there."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}; choose another folder") from error
    try:
        with suppress(OSError):  # a filesystem without locks: two at once may then fail, and never spoil anything
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _refuse_place(build: Path, target: Path) -> None:
    """Raises PublishError when the target is a place for no publication of this build."""
    here, there = build.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise PublishError(f"{target} and the build {build} overlap; publish to a folder of its own")
    if target.exists() and not target.is_dir():
        raise PublishError(f"{target} is no folder; choose another one to publish to")


def _refuse_strangers(target: Path, publication: Publication) -> None:
    """Raises PublishError when the target holds something else."""
    try:
        present = {
            path.relative_to(target).as_posix()
            for path in target.rglob("*")
            if not path.is_dir() and not is_leftover(path) and not path.relative_to(target).parts[0].startswith(".")
        }
        old = (target / MANIFEST_NAME).read_bytes() if MANIFEST_NAME in present else None
    except OSError as error:
        raise PublishError(f"{target} cannot be read: {error.strerror or error}") from error
    if old is not None and not grown_from(parse_manifest(old, str(target / MANIFEST_NAME)), publication.manifest):
        raise PublishError(f"{target} holds the publication of another build; choose another folder to publish to")
    strangers = sorted(present - {file.path for file in publication.files} - {*publication.withdrawn})
    if strangers:
        raise PublishError(
            f"{target} holds {strangers[0]}, which is not of this publication; choose an empty folder to publish to"
        )


def _is_there(target: Path, file: PublicationFile) -> bool:
    path = target / file.path
    try:
        return path.stat().st_size == file.size and sha256_of(path) == file.sha256
    except OSError:
        return False  # missing, or unreadable: it is written anew, and that says what is wrong


def _put(target: Path, file: PublicationFile) -> None:
    with whole_file(target / file.path) as copy:
        if isinstance(file.source, bytes):
            copy.write(file.source)
        else:
            with file.source.open("rb") as source:
                shutil.copyfileobj(source, copy, 1 << 20)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path} cannot be removed: {error.strerror or error}") from error
