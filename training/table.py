"""The table of a grid: one row for each variant and arm, from what their runs have left on the disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from schemas.errors import TrainingError
from schemas.training_grid import MergeArm, TrainingGrid
from schemas.training_grid_report import GridRow, GridTable, RowState
from schemas.training_report import HeldOutLoss
from training.findings import warnings_of_grid
from training.grid import Cell, cells, data_of
from training.run_directory import RECIPE, measured, trained
from training.shown_name import shown_name
from training.whole_file import write_whole

TABLE, MARKDOWN = "table.json", "table.md"
_STYLES: dict[RowState, str] = {"unfinished": "yellow", "failed": "red", "left out": "dim"}


class Trouble(NamedTuple):
    """Why a variant has no result."""

    state: RowState
    note: str


def table_of(grid: TrainingGrid, directory: Path, trouble: Mapping[str, Trouble] = {}) -> GridTable:
    """The table as it stands: what `trouble` says of this sitting, what the last one's table says of failures.

    A cell that the grid cannot make, or does not name, has a row only where it has been run all the same.
    """
    known = {**_failures(directory / TABLE), **trouble}
    found = [(cell, _cell_row(grid, cell, directory / cell.name, known.get(cell.name))) for cell in cells(grid)]
    all_wanted = grid.cells == "all"
    rows = [row for cell, row in found if row.state != "left out" or (all_wanted and not grid.missing(cell.name))]
    rows += [_arm_row(arm, directory / arm.name, known.get(arm.name)) for arm in grid.arms]
    warnings = (*warnings_of_grid(grid), *_not_comparable(rows))
    return GridTable(grid=grid.name, rows=tuple(rows), warnings=warnings)


def _not_comparable(rows: Iterable[GridRow]) -> Iterator[str]:
    """A line for each held-out set that is not the same in all rows."""
    sizes: dict[str, dict[tuple[int, int], list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for loss in row.losses:
            sizes[loss.name][loss.sequences, loss.tokens].append(row.name)
    for name, found in sizes.items():
        if len(found) > 1:
            told = "; ".join(
                f"{sequences:,} sequences of {tokens:,} tokens in {', '.join(names)}"
                for (sequences, tokens), names in found.items()
            )
            yield (
                f"{name} is not the same held-out set in all rows: {told}; their losses on it cannot be compared. "
                "Sources have changed between the runs, or the tokenizers differ"
            )


def write_table(table: GridTable, directory: Path) -> None:
    """`table.json` and `table.md` in the grid's folder. Raises StorageError."""
    write_whole(directory / TABLE, (table.model_dump_json(indent=2) + "\n").encode())
    write_whole(directory / MARKDOWN, markdown(table).encode())


def markdown(table: GridTable) -> str:
    """The table as Markdown, with its warnings."""
    headings, rows = _cells_of(table)
    lines = [headings, ["---"] * len(headings), *rows]
    text = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    warnings = "".join(f"- {warning}\n" for warning in table.warnings)
    return f"# {table.grid}\n\n{text}\n" + (f"\n{warnings}" if warnings else "")


def rich_table(table: GridTable) -> Table:
    """The table for a terminal."""
    headings, rows = _cells_of(table)
    shown = Table(box=None, pad_edge=False, header_style="bold", title=table.grid, title_justify="left")
    for heading in headings:
        right = heading in ("tokens", "steps", "time")
        kept = right or heading in ("variant", "state")
        shown.add_column(heading, justify="right" if right else "left", no_wrap=kept, overflow="fold")
    for row, line in zip(table.rows, rows, strict=True):
        shown.add_row(*(Text(cell) for cell in line), style=_STYLES.get(row.state))
    return shown


def _cells_of(table: GridTable) -> tuple[list[str], list[list[str]]]:
    """Headings and lines, with a column for each held-out set."""
    sets = list(dict.fromkeys(loss.name for row in table.rows for loss in row.losses))
    headings = ["variant", "model", "made of", "tokens", "steps", "time", *sets, "state", "note"]
    rows = [
        [
            row.name,
            row.model.rpartition("/")[2],
            " + ".join(row.data) or "-",
            _count(row.tokens),
            _count(row.steps),
            _time(row.seconds),
            *(_loss(row, name) for name in sets),
            row.state,
            row.note,
        ]
        for row in table.rows
    ]
    return headings, rows


def _cell_row(grid: TrainingGrid, cell: Cell, run: Path, trouble: Trouble | None) -> GridRow:
    found, state, note = _losses(run, cell.untouched, trouble)
    if state == "not run" and not trouble and not cell.wanted:
        state = "left out"
    report = trained(run) if state == "finished" and not cell.untouched else None
    return GridRow(
        name=cell.name,
        kind="untouched" if cell.untouched else "trained",
        model=shown_name(cell.model.name) if cell.model else "-",
        data=data_of(grid, cell.name),
        state=state,
        tokens=report.tokens if report else None,
        steps=report.steps if report else None,
        seconds=report.seconds if report else None,
        losses=found,
        note=note or cell.note,
    )


def _arm_row(arm: MergeArm, run: Path, trouble: Trouble | None) -> GridRow:
    found, state, note = _losses(run, True, trouble)
    weights = [shown_name(arm.base.model)] if arm.base else []
    weights += [f"{one.weight:g} x " * (one.weight != 1) + shown_name(one.model) for one in arm.models]
    return GridRow(
        name=arm.name,
        kind="merged",
        model=arm.method.replace("_", " "),
        data=tuple(weights),
        state=state,
        losses=found,
        note=note,
    )


def _losses(run: Path, only_measured: bool, trouble: Trouble | None) -> tuple[tuple[HeldOutLoss, ...], RowState, str]:
    try:
        report = measured(run) if only_measured else trained(run)
    except TrainingError as error:
        return (), "failed", str(error)
    if report:
        return report.losses, "finished", ""
    if trouble:
        return (), trouble.state, trouble.note
    return (), "unfinished" if (run / RECIPE).is_file() else "not run", ""


def _failures(path: Path) -> dict[str, Trouble]:
    """What the last table says has failed; a table that is not there, or of another version, says nothing."""
    try:
        table = GridTable.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return {}
    return {row.name: Trouble("failed", row.note) for row in table.rows if row.state == "failed"}


def _loss(row: GridRow, name: str) -> str:
    loss = next((one for one in row.losses if one.name == name), None)
    if loss is None:
        return "-"
    return f"{loss.before:.3f} -> {loss.after:.3f}" if row.kind == "trained" else f"{loss.after:.3f}"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
