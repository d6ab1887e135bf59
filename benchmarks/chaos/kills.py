"""Processes that are forked, watched and killed. Who forks them has imported everything, so a start takes no time."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil

PATIENCE_S = 120
# How often a folder that is watched is looked at.
LOOK_EVERY_S = 0.001
# Shares of kills: at any time of a run's life, in its first moments, and after a change in its folder.
ANY_TIME, EARLY = 0.5, 0.15
EARLY_S, AFTER_CHANGE_S = 0.05, 0.004


Found = dict[str, Any]


class CheckError(Exception):
    """What a check has found."""


def must(true: object, wrong: str) -> None:
    """Raises CheckError."""
    if not true:
        raise CheckError(wrong)


@dataclass(frozen=True, slots=True)
class Life:
    """How a process ended: its exit code (minus the signal's number when it was killed), and how long it lived."""

    code: int
    seconds: float
    changes: int

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Aim:
    """Kill so many seconds after the start or, unless `changes` is 0, after the folder has changed so often.

    With `group` all processes of the run, else the first one alone: the others have to notice.
    """

    seconds: float
    changes: int
    group: bool

    @classmethod
    def draw(cls, rng: random.Random, whole: Life) -> Aim:
        """Somewhere in the life of a run like `whole`, which nothing interrupted, or a little behind its end."""
        kind, group = rng.random(), rng.random() < 0.5
        if kind < ANY_TIME:
            return cls(rng.uniform(0, whole.seconds * 1.1), 0, group)
        if kind < ANY_TIME + EARLY:
            return cls(rng.uniform(0, EARLY_S), 0, group)
        return cls(rng.uniform(0, AFTER_CHANGE_S), rng.randint(1, whole.changes), group)


class Runs:
    """Starts a command over and over, one at a time, each in a session of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._sessions: set[int] = set()

    def run(self, command: Callable[[], object], folder: Path, aim: Aim | None = None) -> Life:
        """One run over the folder to its end, which `aim` may bring about. Raises CheckError when it hangs."""
        began = time.monotonic()
        process = _forked(command, self._log)
        self._sessions.add(process)
        watching = aim is None or aim.changes > 0
        kill_at = began + (PATIENCE_S if aim is None or watching else aim.seconds)
        seen, changes = _look(folder), 0
        while True:
            ended, status = os.waitpid(process, os.WNOHANG)
            now = time.monotonic()
            if not ended and now >= kill_at:
                os.kill(process, signal.SIGKILL)
                if aim is not None and aim.group:
                    with suppress(ProcessLookupError):  # it has been killed before it had a group
                        os.killpg(process, signal.SIGKILL)
                ended, status = os.waitpid(process, 0)
            if ended:
                if now - began >= PATIENCE_S:
                    raise CheckError(f"no end after {PATIENCE_S} seconds: {self.last_words()}")
                return Life(os.waitstatus_to_exitcode(status), now - began, changes)
            if watching and (found := _look(folder)) != seen:
                seen, changes = found, changes + 1
                if aim is not None and changes == aim.changes:
                    kill_at = time.monotonic() + aim.seconds
            time.sleep(max(0, min(LOOK_EVERY_S if watching else 0.01, kill_at - time.monotonic())))

    def last_words(self) -> str:
        """The last line that a run wrote."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n") if self._log.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")

    def check_none_left(self) -> None:
        """Raises CheckError when a process that a run started does not end although its run has."""
        deadline = time.monotonic() + PATIENCE_S
        while left := [process for process in psutil.pids() if _session(process) in self._sessions]:
            if time.monotonic() > deadline:
                raise CheckError(f"processes outlive their run: {left}")
            time.sleep(0.02)
        self._sessions.clear()


class Apart:
    """What `work` returns, by way of JSON, from a fork: threads that libraries start never get into this process."""

    def __init__(self, work: Callable[[], Any]) -> None:
        """The fork is at work from now on."""
        read, write = os.pipe()
        self._process = os.fork()
        if not self._process:
            _answer(work, write)
        os.close(write)
        self._pipe = read

    def result(self) -> Any:
        """Waits for it. Raises CheckError for what `work` raises."""
        with os.fdopen(self._pipe, encoding="utf-8") as pipe:
            said = pipe.read()
        os.waitpid(self._process, 0)
        answer = json.loads(said) if said else {"wrong": "the process that checked has died"}
        if "wrong" in answer:
            raise CheckError(answer["wrong"])
        return answer["found"]


def _answer(work: Callable[[], Any], write: int) -> NoReturn:
    answer: dict[str, Any] = {}
    try:
        answer["found"] = work()
    except CheckError as wrong:
        answer["wrong"] = str(wrong)
    except BaseException:  # noqa: BLE001 - whatever it is, the process that waits has to know
        answer["wrong"] = traceback.format_exc()
    try:
        with os.fdopen(write, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
    finally:
        os._exit(0)


def _forked(command: Callable[[], object], log: Path) -> int:
    """The id of a process that runs the command and ends with its exit code. What it prints goes to the log."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        command()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - it must not get into what the parent was about to do
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _look(folder: Path) -> set[tuple[str, int, int]]:
    """Every file below a folder, with its size and time of change."""
    found: set[tuple[str, int, int]] = set()
    folders = [str(folder)]
    while folders:
        try:
            for entry in os.scandir(folders.pop()):
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    about = entry.stat()
                    found.add((entry.path, about.st_size, about.st_mtime_ns))
        except FileNotFoundError:
            continue  # it was renamed or removed just now, or is not made yet
    return found


def _session(process: int) -> int:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return 0
