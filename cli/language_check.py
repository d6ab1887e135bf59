"""`iturri language check`: what a pack lacks, and how well its detectors tell its language."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli import consoles, figures
from cli.language import corpus_lines
from cli.machine import machine_settings
from languages.completeness import Gap, gaps, unmeasured
from languages.detection import Detector
from languages.loader import PACK_FILE, load_pack, pack_folders
from languages.measuring import Measured, Tally, detectors_without, measure, open_detectors, own_sentences
from languages.pack import LanguagePack
from schemas.errors import InputError

_AGAINST = re.compile(r"([\w-]+)=(.+)", re.DOTALL)
_OTHERS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What one detector took the lines of one language for."""

    lines_of: str
    detector: str
    measured: Measured


def check(code: str, corpus: tuple[Path, ...], against: Sequence[str], as_json: bool) -> int:
    """Print what is missing and what was measured. 1 when something is missing, else 0.

    Raises InputError that names the option, LanguageError for a pack that cannot be read.
    """
    own = machine_settings().languages
    pack = load_pack(code, own)
    others = {language: corpus_lines(files, "--against") for language, files in _neighbours(code, against).items()}
    with _detectors(pack, corpus) as (detectors, lines):
        answers = [
            Answers(language, name, measure(code, detector, asked))
            for language, asked in {code: lines, **others}.items()
            for name, detector in detectors.items()
        ]
    missing = gaps(pack)
    path = pack_folders(own)[code] / PACK_FILE
    if as_json:
        _print_json(pack, path, missing, answers, held_out=bool(corpus))
    else:
        console = consoles.out()
        _print_gaps(console, pack, path, missing)
        _print_answers(console, pack, answers, "lines held out of the corpus" if corpus else "the pack's own texts")
    return 1 if missing else 0


def _neighbours(code: str, against: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    files: dict[str, tuple[Path, ...]] = defaultdict(tuple)
    for one in against:
        match = _AGAINST.fullmatch(one)
        if match is None:
            raise InputError(f"--against: {one!r} is not of the form OTHER=FILE, such as es=spanish.txt")
        if match[1] == code:
            raise InputError(f"--against: {code!r} is the language of the pack; give its text with --corpus")
        files[match[1]] += (Path(match[2]),)
    return files


def _detectors(
    pack: LanguagePack, corpus: tuple[Path, ...]
) -> AbstractContextManager[tuple[dict[str, Detector], list[str]]]:
    """The detectors, and lines of the language to ask them about."""
    if corpus:
        return detectors_without(pack, corpus_lines(corpus, "--corpus"))
    return nullcontext((open_detectors(pack), own_sentences(pack)))


def _print_gaps(console: Console, pack: LanguagePack, path: Path, missing: Sequence[Gap]) -> None:
    state = "to complete" if missing else "complete"
    console.print(f"{pack.name} ({pack.code}), {state}: {path}", markup=False, soft_wrap=True)
    if missing:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for gap in missing:
            table.add_row(gap.field, gap.what)
        console.print(table, markup=False)
    if note := unmeasured(pack):
        console.print(f"not measured: {note}", markup=False, soft_wrap=True)


def _print_answers(console: Console, pack: LanguagePack, answers: Sequence[Answers], source: str) -> None:
    title = f"\nlines taken for {pack.code}; those of {pack.code} are {source}"
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    table.add_column("lines of", no_wrap=True)
    table.add_column("detector", no_wrap=True)
    for heading in ("up to 5 words", "6 words and more", "close calls"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("taken for others", overflow="fold")
    for one in answers:
        measured = one.measured
        most = list(measured.others.items())[:_OTHERS_SHOWN] if one.lines_of == pack.code else ()
        table.add_row(
            one.lines_of,
            one.detector,
            _share(measured.short),
            _share(measured.long),
            f"{measured.close_calls:,}",
            ", ".join(f"{language} {count:,}" for language, count in most),
        )
    console.print(table, markup=False)


def _share(tally: Tally) -> str:
    return f"{figures.percent(tally.taken / tally.lines)} of {tally.lines:,}" if tally.lines else "-"


def _print_json(
    pack: LanguagePack, path: Path, missing: Sequence[Gap], answers: Sequence[Answers], *, held_out: bool
) -> None:
    document = {
        "code": pack.code,
        "name": pack.name,
        "pack": str(path),
        "complete": not missing,
        "missing": [asdict(gap) for gap in missing],
        "unmeasured": unmeasured(pack),
        "held_out": held_out,
        "answers": [asdict(one) for one in answers],
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
