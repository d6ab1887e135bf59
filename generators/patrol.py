"""Looks after the endpoints in the background: which are down, back again, silent, or of another model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from generators.endpoint import ContextFullError, Endpoint, RefusedError
from generators.member import Member
from generators.one_line import one_line
from generators.retries import BusyError, Retry

Examine = Callable[[Endpoint], Awaitable[None]]
"""Returns for an endpoint that can be used; raises as requests do for one that cannot, and AnotherModelError."""

_TICK_S = 0.25
_EXAMINATION_S = 20.0
_AGAIN_S = 300.0
# Without an answer for so long, and for so many times the longest wait of late, an endpoint is examined aside.
_SILENT_S = 10.0
_SILENT_TIMES = 3.0
# The same for one that has not answered anything yet.
_SILENT_FIRST_S = 60.0


class AnotherModelError(Exception):
    """The model behind the name is not the one of the start; how it differs."""


class Patrol:
    """Examines an endpoint that is left out once it has cooled down, one that has fallen silent, and each one again
    every few minutes. `changed` is told when an endpoint may have become usable, or unusable."""

    def __init__(self, members: Sequence[Member], examine: Examine, changed: Callable[[], None]) -> None:
        self._members = members
        self._examine = examine
        self._changed = changed
        self._again_at = dict.fromkeys(members, time.monotonic() + _AGAIN_S)
        self._examinations: dict[Member, asyncio.Task[None]] = {}
        self._walk: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._walk = asyncio.create_task(self._walking())

    async def stop(self) -> None:
        tasks = [task for task in (self._walk, *self._examinations.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _walking(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for member in self._members:
                if member not in self._examinations and self._suspicious(member):
                    task = asyncio.create_task(self._examined(member))
                    self._examinations[member] = task
                    task.add_done_callback(lambda _, member=member: self._examinations.pop(member))  # type: ignore[misc]

    def _suspicious(self, member: Member) -> bool:
        if not member.well:
            return member.circuit.due
        if time.monotonic() >= self._again_at[member]:
            return True
        slowest_s = member.slowest_s
        return member.silent_s > (_SILENT_FIRST_S if slowest_s is None else max(_SILENT_S, _SILENT_TIMES * slowest_s))

    async def _examined(self, member: Member) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(_EXAMINATION_S):
                await self._examine(member.endpoint)
        except AnotherModelError as error:
            member.give_up(str(error), another_model=True)
        except (Retry, RefusedError, ContextFullError, TimeoutError) as error:
            # A busy endpoint may have no time for this, and is well.
            if not (member.well and (isinstance(error, BusyError) or member.heard_at > began)):
                slow = f"no answer within {_EXAMINATION_S:g} s"
                member.give_up(slow if isinstance(error, TimeoutError) else one_line(error))
        else:
            member.come_back()
        self._again_at[member] = time.monotonic() + _AGAIN_S
        self._changed()
