"""`iturri train` in the process of the tests: it imports what trains once."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.main import get_command

from cli.failures import run
from cli.main import app


def train(*arguments: str | Path) -> int:
    """The exit code. What the command says goes where the tests' own output goes."""
    with _undisturbed():
        command = ["train", *map(str, arguments)]
        return run(lambda: get_command(app).main(command, prog_name="iturri", standalone_mode=False) or 0)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A command has its process to itself, and sets handlers of signals and of the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for number, handler in before.items():
            signal.signal(number, handler)
