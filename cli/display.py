"""What all progress displays share: nothing, lines for logs and pipes, or bars on a terminal."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

LINE_EVERY_S = 10.0


class Shown(Protocol):
    """Something that is shown while it runs. A context manager."""

    def note(self, line: str) -> None:
        """Something worth a line."""

    def log_handler(self) -> logging.Handler:
        """A handler whose lines do not disturb what is shown."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Nothing:
    """Shows nothing but errors."""

    def note(self, line: str) -> None:
        return

    def log_handler(self) -> logging.Handler:
        handler = logging.StreamHandler()
        handler.setLevel(logging.ERROR)
        return handler

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class PlainLines(Nothing):
    """Lines as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def log_handler(self) -> logging.Handler:
        return logging.StreamHandler()


class PacedLines(PlainLines):
    """Lines about one thing, of which most wait until the last one is ten seconds old."""

    def __init__(self, console: Console, name: str) -> None:
        super().__init__(console)
        self._name = name
        self._said: float | None = None

    def begins(self) -> bool:
        """Whether nothing has been said yet."""
        return self._said is None

    def due(self) -> bool:
        return self._said is None or time.monotonic() - self._said >= LINE_EVERY_S

    def say(self, text: str) -> None:
        self._said = time.monotonic()
        self.note(f"{self._name}: {text}")


class TerminalBars(Nothing):
    """Bars that stay at the bottom; tasks have a field `figures`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
            refresh_per_second=4,
        )

    def note(self, line: str) -> None:
        self._bars.print(line, markup=False, soft_wrap=True)

    def log_handler(self) -> logging.Handler:
        return RichHandler(console=self._console, show_time=False, show_level=False, show_path=False)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class OneBar(TerminalBars):
    """One bar, that only moves until it is known how much there is."""

    def __init__(self, console: Console, name: str, waiting: str) -> None:
        super().__init__(console)
        self._task = self._bars.add_task(name, total=None, figures=waiting)

    def show(self, done: int, total: int, figures: list[str]) -> None:
        self._bars.update(self._task, completed=done, total=total, figures=" · ".join(figures))
