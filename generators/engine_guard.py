"""Ends engine processes that outlive the process that started them. Runs as a process of its own, on Linux.

vLLM's engine core does not notice that its parent was killed with SIGKILL and keeps the device
(github.com/vllm-project/vllm/issues/55510). A thread inside the engine could be starved by the engine, a pipe can be
held open by an unrelated fork, and PR_SET_PDEATHSIG follows a thread, not a process. So the guard stands outside: it
watches its own parent id, and finds the engine's processes, grandchildren included, by a token in their environment.

Run as `python engine_guard.py TOKEN PARENT_PID`, standard library only. It takes no notice of SIGTERM, which a service
manager sends to everyone at once: the parent may need the guard until its own end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

TOKEN_VARIABLE = "ITURRI_ENGINE_TOKEN"  # noqa: S105
POLL_S = 0.5
SWEEP_S = 600.0
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


def sweep(token: str, seconds: float) -> bool:
    """Kill the engine's processes until none is seen several times in a row: one may be starting another just now.

    False when some are still there after so many seconds.
    """
    quiet = 0
    end = time.monotonic() + seconds
    while quiet < QUIET_SWEEPS and time.monotonic() < end:
        processes = engine_processes(token)
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        quiet = 0 if processes else quiet + 1
        time.sleep(0.05)
    return quiet == QUIET_SWEEPS


def main(token: str, parent: int) -> None:
    """Wait until the parent is gone, then sweep."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.getppid() == parent:
        time.sleep(POLL_S)
    sweep(token, SWEEP_S)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
