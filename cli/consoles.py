"""Where tables and progress are written."""

from __future__ import annotations

import sys

from rich.console import Console

# A file or a pipe has no width of its own; this one holds our tables without folding.
_WIDTH_OF_A_FILE = 140


def out() -> Console:
    """The console of results: stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)


def err() -> Console:
    """The console of progress: stderr."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDTH_OF_A_FILE)
