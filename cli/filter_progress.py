"""How a running filter is shown: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import Protocol

from cli import consoles, figures
from cli.display import Nothing, OneBar, PacedLines, Shown
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
    return Bar(console, name, "looking at the input") if console.is_terminal else Lines(console, name)


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


class Lines(PacedLines):
    """A plain line at the start and every ten seconds, for logs and pipes."""

    def update(self, progress: FilterProgress) -> None:
        if self.begins():
            before = f", {progress.rows:,} of them judged before" if progress.rows else ""
            self.say(f"{progress.total:,} rows{before}")
        elif self.due():
            self.say(", ".join(figures_of(progress)))


class Bar(OneBar):
    """A bar; until the number of rows is known it only moves."""

    def update(self, progress: FilterProgress) -> None:
        self.show(progress.rows, progress.total, figures_of(progress))
