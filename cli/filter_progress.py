"""How a running filter is shown: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console

from cli import consoles, figures
from cli.display import LINE_EVERY_S, Nothing, PlainLines, Shown, TerminalBars
from pipeline.filtering.run import FilterProgress


class FilterDisplay(Shown, Protocol):
    """Shows one filter run."""

    def update(self, progress: FilterProgress) -> None:
        """The run is here now."""


def open_filter_display(quiet: bool, name: str) -> FilterDisplay:
    """A bar, lines or nothing, as stderr is a terminal or not, and as the user wants."""
    if quiet:
        return Silence()
    console = consoles.err()
    return Bar(console, name) if console.is_terminal else Lines(console, name)


def figures_of(progress: FilterProgress) -> list[str]:
    """Rows, what is kept of them, speed and time left."""
    return [
        f"{progress.rows:,}/{progress.total:,} rows",
        f"{figures.percent(progress.kept / progress.rows if progress.rows else 0.0)} kept",
        f"{progress.rows_per_second:,.0f} rows/s",
        f"{figures.duration(progress.seconds_left)} left",
    ]


class Silence(Nothing):
    """Shows nothing."""

    def update(self, progress: FilterProgress) -> None:
        return


class Lines(PlainLines):
    """A plain line at the start and every ten seconds, for logs and pipes."""

    def __init__(self, console: Console, name: str) -> None:
        super().__init__(console)
        self._name = name
        self._said: float | None = None

    def update(self, progress: FilterProgress) -> None:
        now = time.monotonic()
        if self._said is None:
            self._said = now
            before = f", {progress.rows:,} of them judged before" if progress.rows else ""
            self.note(f"{self._name}: {progress.total:,} rows{before}")
        elif now - self._said >= LINE_EVERY_S:
            self._said = now
            self.note(f"{self._name}: {', '.join(figures_of(progress))}")


class Bar(TerminalBars):
    """A bar; until the number of rows is known it only moves."""

    def __init__(self, console: Console, name: str) -> None:
        super().__init__(console)
        self._task = self._bars.add_task(name, total=None, figures="looking at the input")

    def update(self, progress: FilterProgress) -> None:
        shown = " · ".join(figures_of(progress))
        self._bars.update(self._task, completed=progress.rows, total=progress.total, figures=shown)
