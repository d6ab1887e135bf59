"""Datasets that a recipe names: where they lie, what they hold, and what is wrong with them in the recipe's words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from pipeline.filtering.files import DatasetInput, FoundFiles, find_splits
from publishers.publication import sha256_of
from schemas.errors import DatasetError, InputError
from schemas.modes import DatasetPlace

# What reads datasets names the options of `iturri filter`, which are fields of a recipe.
_OPTION = re.compile(r"--(\w+): ")


def splits_of(place: DatasetPlace, *, texts: bool = False) -> tuple[FoundFiles, ...]:
    """The files of a dataset's splits, or of the one that is named. Raises InputError, DatasetError."""
    return find_splits(DatasetInput(place.dataset, place.config, place.split, place.revision, texts=texts))


def short_name(place: DatasetPlace, found: FoundFiles) -> str:
    """What evidence and rows call a dataset: its repository, of what lies here only the last part."""
    return found.about.repository or Path(place.dataset).name or place.dataset


def digest(found: tuple[FoundFiles, ...]) -> str:
    """sha256 over what the files hold, wherever they lie; on the Hub over the commit and their names in it."""
    total = hashlib.sha256()
    for one in found:
        total.update(f"{one.about.repository}@{one.about.revision}\n".encode() if one.about.repository else b"")
        for file in one.files:
            total.update(file.name.encode() if file.remote else bytes.fromhex(_sha256(Path(file.place))))
    return total.hexdigest()


@contextmanager
def naming(field: str) -> Iterator[None]:
    """What is wrong with a dataset is said with the recipe's field."""
    try:
        yield
    except (InputError, DatasetError) as error:
        text = str(error)
        option = _OPTION.match(text)
        where = f"{field}.{option[1]}: {text[option.end() :]}" if option else f"{field}: {text}"
        raise type(error)(where) from error


def _sha256(path: Path) -> str:
    try:
        state = path.stat()
        return _sha256_as_it_is(path, state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


@lru_cache(maxsize=4096)
def _sha256_as_it_is(path: Path, size: int, modified: int, inode: int) -> str:
    """A build looks at its datasets more than once, and they may be large."""
    return sha256_of(path)
