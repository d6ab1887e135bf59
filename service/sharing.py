"""What many ask for at once is looked up once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

T = TypeVar("T")


class Shared:
    """Those who ask for the same while it is being looked up share the next look, which begins when this one has ended.

    So however many ask, there is one look at a time, and nobody is told what was so before they asked.
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, asyncio.Task[Any]] = {}
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def of(self, what: Hashable, look: Callable[[], Awaitable[T]]) -> T:
        """What `look` gives, or the `look` of another who asks for `what`; what it raises is raised to all of them."""
        coming = self._next.get(what)
        if coming is None:
            coming = self._next[what] = asyncio.create_task(self._look(what, look), name=f"look for {what}")
            coming.add_done_callback(heard)
        return cast(T, await asyncio.shield(coming))

    async def _look(self, what: Hashable, look: Callable[[], Awaitable[Any]]) -> Any:
        turn = self._turns.setdefault(what, asyncio.Lock())
        try:
            await turn.acquire()
        finally:
            self._next.pop(what, None)
        try:
            return await look()
        finally:
            turn.release()


def heard(task: asyncio.Task[Any]) -> None:
    """For tasks whose askers may all have gone away: then nobody else takes note of what they raise."""
    if not task.cancelled():
        task.exception()
