"""How late an event loop wakes, and which callbacks kept it. As a program: the same of a loop with nothing to do.

What a loop with nothing to do shows is the machine's doing: the others that work on its cores.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

TICK_S = 0.01
SLOW_MS = 50.0


class Lag:
    """An async context manager: ticks every 10 ms while it is open, and notes how late each tick came, in ms."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []

    async def __aenter__(self) -> Self:
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ticking.cancel()

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + TICK_S
            await asyncio.sleep(TICK_S)
            self.milliseconds.append(1000 * (time.perf_counter() - due))

    def summary(self) -> dict[str, float]:
        ordered = sorted(self.milliseconds) or [0.0]

        def percentile(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

        return {"p50": percentile(0.5), "p99": percentile(0.99), "max": percentile(1.0), "ticks": len(ordered)}


class SlowCallbacks:
    """A context manager: counts the callbacks of event loops that took more than 50 ms of this thread's processor."""

    def __init__(self) -> None:
        self.slowest: dict[str, tuple[int, float]] = {}

    def __enter__(self) -> Self:
        self._run = asyncio.Handle._run
        run, note = self._run, self._note

        def timed(handle: Any) -> None:
            # Before it runs: a callback that has run is forgotten by its handle.
            callback = handle._callback
            started = time.thread_time()
            run(handle)
            took = 1000 * (time.thread_time() - started)
            if took > SLOW_MS:
                note(callback, took)

        asyncio.Handle._run = timed  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]

    def summary(self) -> dict[str, dict[str, float]]:
        return {name: {"times": times, "max_ms": round(most, 1)} for name, (times, most) in self.slowest.items()}

    def _note(self, callback: Any, took: float) -> None:
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.Task):
            coroutine: Any = owner.get_coro()
            name = f"task {getattr(coroutine, '__qualname__', type(coroutine).__name__)}"
        else:
            name = getattr(callback, "__qualname__", repr(callback))
        times, most = self.slowest.get(name, (0, 0.0))
        self.slowest[name] = times + 1, max(most, took)


async def idle_lag() -> dict[str, float]:
    """Of a loop with nothing to do, until the standard input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, daemon=True).start()
    async with Lag() as lag:
        await ended.wait()
    return lag.summary()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(idle_lag())))
