"""`iturri language new` and `iturri language list`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cli import figures
from cli.failures import failure, say
from cli.machine import machine_settings
from languages.completeness import gaps
from languages.corpus import read_corpus
from languages.creation import Creation, check_new, check_update, create_pack, renew_pack
from languages.learning import HIGHEST_LIMIT, account
from languages.loader import load_pack, pack_folders
from schemas.errors import InputError, IturriError
from schemas.names import LanguageCode

# Characters below which gibberish is told badly.
LITTLE = 100_000
# Characters above which counting takes a while.
LARGE = 5_000_000


@dataclass(frozen=True, slots=True)
class NewPack:
    """What `iturri language new` was asked for."""

    code: str
    name: str | None
    native_name: str | None
    corpus: tuple[Path, ...]
    out: Path | None
    update: bool


def new(asked: NewPack) -> int:
    """Make a language pack from a corpus, or renew one's statistics, and say what came of it.

    Raises InputError that names the option, StorageError.
    """
    code = _code(asked.code)
    packs = asked.out or machine_settings().languages
    if packs is None:
        raise InputError("--out: name the folder for packs of your own, here or in ITURRI_LANGUAGES")
    if asked.update:
        check_update(packs, code)
        made = renew_pack(packs, code, _lines(asked.corpus))
    else:
        name = _name("--name", asked.name)
        native_name = None if asked.native_name is None else _name("--native-name", asked.native_name)
        check_new(packs, code)
        made = create_pack(packs, code, name, native_name, _lines(asked.corpus))
    _report(made, packs / code)
    _warn(made)
    sys.stdout.write(_next_step(made, packs, update=asked.update))
    return 0


def show_all() -> int:
    """One line per pack: its code and name, whether it is complete, and where it lies. Raises LanguageError."""
    own = machine_settings().languages
    rows = [("code", "name", "state", "folder")]
    for code, folder in sorted(pack_folders(own).items()):
        try:
            pack = load_pack(code, own)
            missing = len(gaps(pack))
            rows.append((code, pack.name, f"{missing} to complete" if missing else "complete", str(folder)))
        except IturriError as error:
            rows.append((code, "", "broken", failure(error).message))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, last in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        sys.stdout.write("  ".join([*padded, last]) + "\n")
    return 0


def corpus_lines(paths: tuple[Path, ...], option: str) -> list[str]:
    """The lines of text files that are not empty. Raises InputError."""
    if not paths:
        raise InputError(f"{option}: give at least one file of plain text, such as {option} corpus.txt")
    return [line for line in read_corpus(paths, option) if line]


def _code(code: str) -> str:
    try:
        return TypeAdapter[str](LanguageCode).validate_python(code)
    except ValidationError as error:
        raise InputError(
            f"CODE: {code!r} is no language code: two or three small letters, such as ast, a variant after a hyphen"
        ) from error


def _name(option: str, name: str | None) -> str:
    if name is None:
        raise InputError(f'{option}: how is the language called in English? Such as {option} "Asturian"')
    if not name.strip() or not name.isprintable() or set(name) & {'"', "\\"}:
        raise InputError(f"{option}: must be a name on one line, without quotation marks and backslashes")
    return name.strip()


def _lines(paths: tuple[Path, ...]) -> list[str]:
    lines = corpus_lines(paths, "--corpus")
    if (characters := sum(map(len, lines))) > LARGE:
        say(f"counting {characters:,} characters; every 15 million take about a minute")
    return lines


def _report(made: Creation, folder: Path) -> None:
    learnt = made.learnt
    left_out = account(learnt.corpus) or "nothing"
    sys.stdout.write(
        f"{folder}: learnt from {len(learnt.lines):,} lines, {learnt.characters:,} characters, "
        f"{len(learnt.words.counts):,} different words; left out: {left_out}\n"
    )
    for file in made.files:
        sys.stdout.write(f"  {file.name:<13} {figures.size(file.stat().st_size):>9}\n")


def _warn(made: Creation) -> None:
    learnt = made.learnt
    if learnt.corpus.foreign.total() > len(learnt.lines):
        say(f"--corpus: most of its lines are not in {made.pack.code!r}: is this the right text, or the right code?")
    if made.unseen_limit > HIGHEST_LIMIT:
        say("--corpus: too little text to tell gibberish from the language, so that it will not be dropped; give more")
    elif learnt.characters < LITTLE:
        say(f"--corpus: gibberish is told badly with so little text; give {LITTLE:,} characters or more")


def _next_step(made: Creation, packs: Path, *, update: bool) -> str:
    code, pack = made.pack.code, made.pack
    if update:
        same = pack.unseen_limit == made.unseen_limit
        return "" if same else f"unseen_limit: {made.unseen_limit} is measured, pack.yaml has {pack.unseen_limit}\n"
    known = machine_settings().languages
    found = known is not None and known.resolve() == packs.resolve()
    where = "" if found else f"set ITURRI_LANGUAGES={packs}; "
    return f"{where}complete {made.files[0]}: `iturri language check {code}` says what is missing\n"
