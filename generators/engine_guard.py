"""Ends engine processes that outlive the process that started them. Runs as a process of its own, on Linux.

vLLM's engine core does not notice that its parent was killed with SIGKILL and keeps the device
(github.com/vllm-project/vllm/issues/55510). A thread inside the engine could be starved by the engine, a pipe can be
held open by an unrelated fork, and PR_SET_PDEATHSIG follows a thread, not a process. So the guard stands outside: it
watches its own parent id, and finds the engine's processes, grandchildren included, by a token in their environment.

Run as `python engine_guard.py TOKEN PARENT_PID`, standard library only. SIGTERM makes it sweep at once and leave.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

TOKEN_VARIABLE = "ITURRI_ENGINE_TOKEN"  # noqa: S105
POLL_S = 0.5
QUIET_SWEEPS = 3


def engine_processes(token: str) -> list[int]:
    """The ids of all processes of ours that were started with the token."""
    mark = f"{TOKEN_VARIABLE}={token}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or another user's
        if mark in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def sweep(token: str) -> None:
    """Kill the engine's processes until none is seen several times in a row: one may be starting another just now."""
    quiet = 0
    while quiet < QUIET_SWEEPS:
        processes = engine_processes(token)
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        quiet = 0 if processes else quiet + 1
        time.sleep(0.05)


def main(token: str, parent: int) -> None:
    """Wait until the parent is gone or sends SIGTERM, then sweep."""
    asked = False

    def leave(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, leave)
    while not asked and os.getppid() == parent:
        time.sleep(POLL_S)
    sweep(token)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
