"""What all progress displays share: nothing, lines for logs and pipes, or bars on a terminal."""

from __future__ import annotations

import logging
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
