"""Ctrl-C and SIGTERM during a build or a filter run: the first ends it cleanly, the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

import psutil

from cli.failures import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Sets `stop` at the first signal. Enter it inside the event loop, in the main thread.

    These are plain handlers and not the loop's own, so that the second signal also gets through while the loop is
    kept busy, by an engine that starts for instance.
    """

    def __init__(self, heard: Callable[[], None]) -> None:
        self.stop = asyncio.Event()
        self.signal: int | None = None
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}

    @property
    def exit_code(self) -> int | None:
        """128 and the signal's number, as shells have it; None when there was none."""
        return None if self.signal is None else 128 + self.signal

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self._force(128 + number)
        self.signal = number
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self.stop.set()
        self._heard()

    def _force(self, code: int) -> None:
        """Leave now. Ledgers and parts stand this as they stand a kill; our own processes must not stay behind."""
        for process in psutil.Process().children(recursive=True):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # the progress bar hides the cursor
        say("ended at once; what is on disk is safe")
        os._exit(code)
