"""Several servers of one model: each request goes to one that is well and has the fewest in flight."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from generators.endpoint import Endpoint, RefusedError
from generators.member import Member
from generators.patrol import AnotherModelError, Examine, Patrol
from generators.retries import BusyError, LostError, Retry, backoff_s
from schemas.errors import SettingsError

Answer = TypeVar("Answer")


class GivenUpError(Exception):
    """What might have passed by itself did not; the endpoints and what they said last."""


def authorization(api_key_env: str | None, field: str) -> dict[str, str]:
    """The header with the servers' key. Raises SettingsError that names the field when the variable is not set."""
    if api_key_env is None:
        return {}
    key = os.environ.get(api_key_env)
    if not key:
        raise SettingsError(f"{field}: {api_key_env} is not set; put the servers' key into it")
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A request that waits for a place at an endpoint, though not at those."""

    excluded: Set[Member]
    place: asyncio.Future[Member | None]


class Endpoints(Generic[Answer]):
    """Sends requests to endpoints, to each at most as many at once as its limit says; the others wait here in turn.

    What raises Retry is tried again so many times, on another endpoint where there is one, and with back-off where
    there is none. What an endpoint refuses goes to another one too. An endpoint that fails again and again, is lost, or
    gives no answer for much longer than before is left out until it has been examined (generators/patrol.py).
    `tokens` says what an answer counts for while limits are sought.
    """

    def __init__(
        self,
        members: Sequence[Member],
        examine: Examine,
        *,
        timeout_s: float,
        retries: int,
        tokens: Callable[[Answer], int] = lambda _: 1,
    ) -> None:
        self.members = members
        self._timeout_s = timeout_s
        self._retries = retries
        self._tokens = tokens
        self._waiters: deque[_Waiter] = deque()
        self._came_back = asyncio.Event()
        self._patrol = Patrol(members, examine, self._changed)

    @property
    def at_once(self) -> int:
        """Requests that fit at the endpoints which are well; at all of them while none is."""
        well = [member for member in self.members if member.well]
        return sum(member.limit.requests for member in well or self.members)

    async def __aenter__(self) -> Self:
        self._patrol.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._patrol.stop()

    async def answered(self, once: Callable[[Endpoint], Awaitable[Answer]]) -> Answer:
        """The answer to a request that `once` sends to one endpoint.

        Raises GivenUpError when the retries are used up, RefusedError when every endpoint refuses the request, and
        AnotherModelError when all have another model than at the start.
        """
        said: dict[Member, str] = {}
        failed: set[Member] = set()
        refused: set[Member] = set()
        attempt = 0
        while True:
            delay: float | None = None
            member = await self._place(failed | refused, first=bool(said))
            if member is not None:
                try:
                    answer = await self._asked(member, once)
                except RefusedError as error:
                    refused.add(member)
                    said[member] = str(error)
                    if all(other in refused or other.another_model for other in self.members):
                        raise RefusedError("; ".join(said[other] for other in refused)) from error
                    continue
                except Retry as retry:
                    failed.add(member)
                    said[member] = f"{member.url}: {retry}"
                    delay = self._rested(member, retry, attempt)
                else:
                    for other in refused:  # what one endpoint takes is no bad request
                        other.failed(said[other])
                    return answer
            if all(other.another_model for other in self.members):
                raise AnotherModelError("; ".join(f"{other.url}: {other.circuit.reason}" for other in self.members))
            if attempt == self._retries:
                raise GivenUpError(self._given_up(said, attempt + 1))
            if not self._well(failed | refused):
                await self._back_off(backoff_s(attempt) if delay is None else delay, refused)
                failed.clear()
            attempt += 1

    async def _asked(self, member: Member, once: Callable[[Endpoint], Awaitable[Answer]]) -> Answer:
        """One attempt at an endpoint, whose place is given back."""
        sent_at = time.monotonic()
        call = asyncio.timeout(self._timeout_s)
        try:
            async with call:
                member.sent(call)
                answer = await once(member.endpoint)
                member.answered(self._tokens(answer), sent_at)
                return answer
        except TimeoutError as error:
            if not call.expired():
                raise
            reason = member.circuit.reason or f"no answer within {self._timeout_s:g} s"
            member.failed(reason)
            raise Retry(reason) from error
        except BusyError:
            member.limit.refused(sent_at, time.monotonic())
            raise
        except LostError as error:
            member.lost(str(error))
            raise
        except Retry as error:
            member.failed(str(error))
            raise
        finally:
            member.over(call)
            member.in_flight -= 1
            self._look_again()

    def _rested(self, member: Member, retry: Retry, attempt: int) -> float:
        """Seconds to wait before the request is sent to the same endpoint again; one that is busy rests meanwhile."""
        if not isinstance(retry, BusyError):
            return backoff_s(attempt)
        delay = backoff_s(attempt, retry.after_s)
        member.rest(delay)
        asyncio.get_running_loop().call_later(delay, self._look_again)
        return delay

    async def _place(self, excluded: Set[Member], *, first: bool) -> Member | None:
        """A place at an endpoint that is none of these, in turn; None when no such endpoint is well."""
        waiter = _Waiter(excluded, asyncio.get_running_loop().create_future())
        (self._waiters.appendleft if first else self._waiters.append)(waiter)
        self._look_again()
        try:
            return await waiter.place
        except asyncio.CancelledError:
            if waiter.place.done() and not waiter.place.cancelled() and (member := waiter.place.result()):
                member.in_flight -= 1
                self._look_again()
            raise

    def _changed(self) -> None:
        came_back, self._came_back = self._came_back, asyncio.Event()
        came_back.set()
        self._look_again()

    def _look_again(self) -> None:
        """Give the places that are free to those who wait, and tell those who wait in vain."""
        all_well = all(member.well for member in self.members)
        waiting: list[_Waiter] = []
        while self._waiters:
            free = [member for member in self.members if member.free]
            if not free and all_well:
                break
            waiter = self._waiters.popleft()
            if waiter.place.done():
                continue
            if not self._well(waiter.excluded):
                waiter.place.set_result(None)
            elif choices := [member for member in free if member not in waiter.excluded]:
                chosen = min(choices, key=lambda member: member.load)
                chosen.in_flight += 1
                waiter.place.set_result(chosen)
            else:
                waiting.append(waiter)
        self._waiters.extendleft(reversed(waiting))

    def _well(self, excluded: Set[Member]) -> bool:
        """Whether an endpoint is well that is none of these."""
        return any(member.well and member not in excluded for member in self.members)

    async def _back_off(self, delay: float, refused: Set[Member]) -> None:
        """Wait so long; where no endpoint is well, only until one is again."""
        if self._well(refused):
            await asyncio.sleep(delay)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                while not self._well(refused):
                    await self._came_back.wait()

    def _given_up(self, said: dict[Member, str], attempts: int) -> str:
        reasons = [
            said.get(member) or f"{member.url}: {member.circuit.reason}"
            for member in self.members
            if member in said or not member.well
        ]
        return f"{'; '.join(reasons)}; given up after {attempts} attempts"
