"""What stands for a GPU: so many sequences at once, each at a fixed speed; who comes later waits in line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Job:
    """One completion. `seconds` is how long it takes once it runs; `on_part` is told how many tokens there are."""

    role: str
    tokens: int
    seconds: float
    on_part: Callable[[int], None]
    parts: int = 1
    part: int = 0
    started: float = 0.0
    timer: asyncio.TimerHandle | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """What the engine has done: loop times, seconds of a sequence, tokens; `whole` is False where it was cut off."""

    role: str
    started: float
    ended: float
    tokens: int
    whole: bool


@dataclass(slots=True)
class PacedEngine:
    """Runs `sequences` jobs at once.

    A job that waited begins at the instant at which the one before it was due, not when the timer came, so the pace
    holds however busy the machine is.
    """

    sequences: int
    log: list[Served] = field(default_factory=list)
    _running: int = 0
    _waiting: deque[Job] = field(default_factory=deque)

    def submit(self, job: Job) -> None:
        if self._running < self.sequences:
            self._running += 1
            self._start(job, asyncio.get_running_loop().time())
        else:
            self._waiting.append(job)

    def cancel(self, job: Job) -> None:
        """Whoever asked has hung up: the sequence is free for the next one."""
        if job.gone:
            return
        job.gone = True
        if job.timer is not None:
            job.timer.cancel()
            now = asyncio.get_running_loop().time()
            done = min(job.tokens, int(job.tokens * (now - job.started) / job.seconds))
            self.log.append(Served(job.role, job.started, now, done, whole=False))
            self._next(now)

    def _start(self, job: Job, at: float) -> None:
        job.started = at
        self._plan(job)

    def _plan(self, job: Job) -> None:
        due = job.started + job.seconds * (job.part + 1) / job.parts
        job.timer = asyncio.get_running_loop().call_at(due, self._due, job, due)

    def _due(self, job: Job, due: float) -> None:
        job.part += 1
        if job.part < job.parts:
            self._plan(job)
        else:
            job.gone = True
            self.log.append(Served(job.role, job.started, due, job.tokens, whole=True))
            self._next(due)
        job.on_part(job.tokens * job.part // job.parts)

    def _next(self, at: float) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.gone:
                self._start(job, at)
                return
        self._running -= 1
