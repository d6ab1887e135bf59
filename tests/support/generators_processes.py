"""Waiting for processes, and a parent process that can be killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wait_until(done: Callable[[], bool], seconds: float) -> float:
    """The seconds until it was so; an AssertionError when it was not in time."""
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < seconds, f"not so within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - start


async def wait_until_async(done: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.02)


@contextmanager
def parent(script: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs the script with our packages on its path; killed when it is left."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=script.parent)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
