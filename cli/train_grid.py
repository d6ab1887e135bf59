"""`iturri train --grid`: the variants of a grid, one after the other, and their table."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli import consoles
from cli.failures import say
from cli.machine import machine_settings
from cli.surroundings import log_to_stderr
from cli.train import need_packages
from schemas.errors import InputError, TrainingError
from schemas.reading import read_training_grid
from schemas.training import TrainingRecipe

if TYPE_CHECKING:
    from schemas.training_grid_report import GridRow, GridTable
    from schemas.training_report import TrainingReport

_FAILED = ("failed", "unfinished")


def show(path: Path, *, as_json: bool) -> int:
    """List the variants as they stand."""
    grid = read_training_grid(path)
    need_packages()
    from training.grid import grid_directory
    from training.table import table_of

    _print(table_of(grid, grid_directory(grid)), as_json)
    return 0


def run(path: Path, out: Path | None, only: Sequence[str], launcher: str | None, *, as_json: bool, quiet: bool) -> int:
    """Train, measure and merge what is wanted, and print the table; 1 where something of it has failed."""
    grid = read_training_grid(path)
    need_packages()
    log_to_stderr(machine_settings())
    from training.grid_run import run_grid
    from training.run import measure

    started = _Launched(_command(launcher), quiet)

    def told(name: str, row: GridRow | None) -> None:
        if not quiet:
            say(
                f"{grid.name}: {name} begins"
                if row is None
                else f"{grid.name}: {name}: {row.state}{f': {row.note}' if row.note else ''}"
            )

    try:
        table = run_grid(grid, started.train, measure, directory=out, only=only, told=told)
    except (KeyboardInterrupt, SystemExit):
        if not quiet:
            say(f"{grid.name}: stopped; the same command goes on")
        raise
    _print(table, as_json)
    if only:  # what is named was to be done now
        return int(any(row.state != "finished" for row in table.rows if row.name in only))
    return int(any(row.state in _FAILED for row in table.rows))


class _Launched:
    """Trains each variant in a process of its own, which gives all its memory back and may be many."""

    def __init__(self, command: Sequence[str], quiet: bool) -> None:
        self._command = command
        self._quiet = ["--quiet"] if quiet else []

    def train(self, recipe: TrainingRecipe, run: Path) -> TrainingReport:
        """Raises TrainingError with what the process said last."""
        from training.run_directory import trained

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "recipe.json"
            path.write_text(recipe.model_dump_json(), encoding="utf-8")
            command = [*self._command, "train", str(path), "--out", str(run), *self._quiet]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                said = _passed_on(process)
        report = trained(run)
        if process.returncode in (130, 143):
            raise SystemExit(process.returncode)
        if process.returncode or report is None:
            raise TrainingError(said.removeprefix("iturri: ") or f"its process ended with {process.returncode}")
        return report


def _passed_on(process: subprocess.Popen[str]) -> str:
    """What the process says goes to stderr as it comes; gives the last line. A process outlives no signal of ours."""
    last = ""
    try:
        for line in process.stderr or ():
            sys.stderr.write(line)
            last = line.strip() or last
        process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return last


def _command(launcher: str | None) -> list[str]:
    """What starts `iturri`, in this interpreter, or by what starts several processes of it."""
    if launcher is None:
        return [sys.executable, "-m", "cli.main"]
    words = shlex.split(launcher)
    if not words or shutil.which(words[0]) is None:
        raise InputError(f"--launcher: there is no command {words[0] if words else launcher!r}")
    return [*words, "-m", "cli.main"]


def _print(table: GridTable, as_json: bool) -> None:
    from training.table import rich_table

    if as_json:
        sys.stdout.write(table.model_dump_json() + "\n")
        return
    for warning in table.warnings:
        say(f"warning: {warning}")
    consoles.out().print(rich_table(table))
