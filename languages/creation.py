"""Makes a language pack from a corpus, and renews what a corpus gives of one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from languages.learning import Learnt, learn, measure_unseen_limit
from languages.loader import PACK_FILE, PROFILE_FILE, WORDS_FILE, load_pack, read_pack
from languages.pack import LanguagePack
from languages.pack_text import pack_text
from languages.proposals import propose
from schemas.errors import InputError, StorageError


@dataclass(frozen=True)
class Creation:
    """A pack as it lies on the disk, what its corpus gave, and the unseen_limit measured on it."""

    pack: LanguagePack
    files: tuple[Path, ...]
    learnt: Learnt
    unseen_limit: float


def check_new(packs: Path, code: str) -> None:
    """Raises InputError where a pack of that code lies in the folder of packs already."""
    if (packs / code).exists():
        raise InputError(
            f"CODE: {packs / code} is there already: give --update to renew its profile and words, or remove it"
        )


def check_update(packs: Path, code: str) -> LanguagePack:
    """The pack to renew. Raises InputError where there is none, LanguageError where it is invalid."""
    path = packs / code / PACK_FILE
    if not path.is_file():
        raise InputError(f"--update: there is no {path}: leave --update out to make it")
    return read_pack(path)


def create_pack(packs: Path, code: str, name: str, native_name: str | None, lines: Sequence[str]) -> Creation:
    """Make the pack `code` in the folder of packs: all of it, or nothing.

    Raises InputError when it is there already or the corpus is too small, StorageError when it cannot be written.
    """
    check_new(packs, code)
    learnt = learn(code, lines)
    limit = measure_unseen_limit(learnt.lines)
    files = {
        PACK_FILE: pack_text(code, name, native_name, propose(learnt.lines), limit),
        PROFILE_FILE: learnt.profile,
        WORDS_FILE: learnt.words.dump(),
    }
    folder = packs / code
    # The loader looks one level deep, so it does not see a pack that is still being made.
    staging = packs / f".{code}-{uuid4().hex}"
    with _storage(folder), _cleared(staging):
        (staging / code).mkdir(parents=True)
        _write(staging / code, files)
        load_pack(code, staging)
        (staging / code).rename(folder)
    return Creation(load_pack(code, packs), tuple(folder / file for file in files), learnt, limit)


def renew_pack(packs: Path, code: str, lines: Sequence[str]) -> Creation:
    """Count a pack's profile and words anew, and leave its `pack.yaml` alone.

    Raises InputError when there is no such pack or the corpus is too small, LanguageError when the pack is invalid,
    StorageError when it cannot be written.
    """
    pack = check_update(packs, code)
    learnt = learn(code, lines)
    folder = packs / code
    files = {str(pack.profile or PROFILE_FILE): learnt.profile, str(pack.words or WORDS_FILE): learnt.words.dump()}
    staging = folder / f".{uuid4().hex}"
    with _storage(folder), _cleared(staging):
        staging.mkdir()
        _write(staging, {str(number): text for number, text in enumerate(files.values())})
        for number, file in enumerate(files):
            (staging / str(number)).replace(folder / file)
    limit = measure_unseen_limit(learnt.lines)
    return Creation(load_pack(code, packs), tuple(folder / file for file in files), learnt, limit)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def _storage(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"--out: {folder} cannot be written: {error.strerror or error}") from error


@contextmanager
def _cleared(staging: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(staging, ignore_errors=True)
