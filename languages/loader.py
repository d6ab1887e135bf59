"""Finds and reads language packs: those that ship with the package, and a user's own."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from languages.pack import LanguagePack
from languages.profile import shipped_profiles
from schemas.errors import LanguageError
from schemas.problems import first_problem
from schemas.yaml_text import parse_yaml

PACK_FILE = "pack.yaml"
PROFILE_FILE = "profile.json"
WORDS_FILE = "words.tsv"


def available_languages(extra_dir: Path | None = None) -> tuple[str, ...]:
    """The codes of all language packs, sorted. Raises LanguageError when `extra_dir` is no folder."""
    return tuple(sorted(pack_folders(extra_dir)))


def load_pack(code: str, extra_dir: Path | None = None) -> LanguagePack:
    """The pack of a language; one in `extra_dir` wins over the one that ships.

    `profile` is the absolute path of the pack's langdetect profile, or None where langdetect ships its own.
    Raises LanguageError when there is no such pack, it is invalid, or no profile for the language exists.
    """
    folders = pack_folders(extra_dir)
    folder = folders.get(code)
    if folder is None:
        raise LanguageError(
            f"there is no language pack for {code!r}; known: {', '.join(sorted(folders))}; codes are ISO 639's, in "
            "small letters; `iturri language new` makes a pack, in a folder that ITURRI_LANGUAGES names"
        )
    pack = read_pack(folder / PACK_FILE)
    if pack.code != code:
        raise LanguageError(f"{folder / PACK_FILE}: code is {pack.code!r}, but the folder says {code!r}: make them one")
    words = folder / (pack.words or WORDS_FILE)
    if pack.words is not None and not words.is_file():
        raise LanguageError(f"{folder / PACK_FILE}: words: {words} is missing")
    found = words if words.is_file() else None
    return pack.model_copy(update={"profile": _profile(pack, folder), "words": found})


def pack_folders(extra_dir: Path | None) -> dict[str, Path]:
    """The folders of all language packs, by code. Raises LanguageError when `extra_dir` is no folder."""
    roots = [Path(__file__).resolve().parent]
    if extra_dir is not None:
        if not extra_dir.is_dir():
            raise LanguageError(f"{extra_dir}: no such folder of language packs; mend or unset ITURRI_LANGUAGES")
        roots.append(extra_dir.resolve())
    return {file.parent.name: file.parent for root in roots for file in sorted(root.glob(f"*/{PACK_FILE}"))}


def read_pack(path: Path) -> LanguagePack:
    """What a `pack.yaml` says, whether or not the files that it needs are there. Raises LanguageError."""
    try:
        return LanguagePack.model_validate(parse_yaml(path.read_text(encoding="utf-8"), path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise LanguageError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise LanguageError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        where, what = first_problem(error)
        raise LanguageError(f"{path}: {where or 'pack'}: {what}") from error


def _profile(pack: LanguagePack, folder: Path) -> Path | None:
    path = folder / (pack.profile or PROFILE_FILE)
    if path.is_file():
        return path
    if pack.profile is None and pack.code in shipped_profiles():
        return None
    raise LanguageError(
        f"the language pack for {pack.code!r} has no profile to tell the language by: {path} is missing; "
        f"make it with `iturri language new`"
    )
