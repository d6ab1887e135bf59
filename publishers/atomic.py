"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from schemas.errors import StorageError


@contextmanager
def whole_file(path: Path) -> Iterator[BufferedRandom]:
    """A binary file, open to be written and read, that takes the name `path` only once it is complete and on disk.

    It is written under a hidden temporary name in the same folder, fsynced, renamed, and the folder is fsynced;
    missing folders are made. When anything fails, what stood at `path` before still stands there. A writer that is
    killed leaves the hidden file behind; the next writer of the same path clears it away. Raises StorageError when the
    disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("x+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        # By its number, as Arrow tells the same errors in more words.
        what = os.strerror(error.errno) if error.errno else error
        raise StorageError(f"{path} cannot be written: {what}; free some space or choose another folder") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a small file whole. Raises StorageError."""
    with whole_file(path) as file:
        file.write(content)


def remove_file(path: Path) -> None:
    """Takes a file away for good, where there is one. Raises StorageError."""
    try:
        if path.exists():
            path.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be removed: {error.strerror or error}") from error


def sync_folder(folder: Path) -> None:
    """Makes renames in the folder outlive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_leftover(path: Path) -> bool:
    """Whether this is the temporary file of a writer that was killed, or still writes."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _clear_leftovers(path: Path) -> None:
    prefix = f".{path.name}."
    for sibling in path.parent.iterdir():
        if sibling.name.startswith(prefix) and is_leftover(sibling):
            sibling.unlink(missing_ok=True)
