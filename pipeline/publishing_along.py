"""Publishing a build while it runs: when, and what comes of it. What is pushed is what is sealed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from pipeline.publishing import Order, publish
from publishers.result import PublicationResult
from schemas.errors import HubBusyError, IturriError, ProcessDiedError, ServiceError, StorageError
from schemas.recipe import Publish

# The Hub allows 128 commits an hour, and a push takes one or two, or up to sixteen when much is new.
SECONDS_BETWEEN = 120.0
# What another try may not meet; everything else stays until somebody does something about it.
_PASSING = (HubBusyError, ProcessDiedError, ServiceError, StorageError)

_log = logging.getLogger(__name__)


class Moments:
    """When a push is due, by the recipe: time is in seconds of any clock that only goes forward."""

    def __init__(self, wish: Publish, now: float) -> None:
        self._shards = wish.every_shards
        self._seconds = None if wish.every_minutes is None else wish.every_minutes * 60.0
        self._begun: float | None = None
        self._since = now
        self._pushed = 0

    def due(self, sealed: int, now: float) -> bool:
        """Whether so many sealed shards are to be pushed now."""
        new = sealed - self._pushed
        if new < 1 or (self._begun is not None and now - self._begun < SECONDS_BETWEEN):
            return False
        if self._shards is not None and new >= self._shards:
            return True
        return self._seconds is not None and now - self._since >= self._seconds

    def begun(self, sealed: int, now: float) -> None:
        """A push of so many shards has begun; the next moment is counted from here, whatever becomes of it."""
        self._pushed, self._since, self._begun = sealed, now, now


class PublishingAlong:
    """The pushes of one run of a build, one at a time. An async context manager; leaving ends what is under way.

    A push that fails does not stop the build: the next moment is another try. What will not pass by itself is said
    once, and no push follows before the end of the run.
    """

    def __init__(
        self,
        wish: Publish,
        order: Callable[[], Awaitable[Order]],
        token: str | None,
        stop: asyncio.Event,
        on_published: Callable[[int, PublicationResult], None] | None = None,
    ) -> None:
        """`order` is asked for anew by each push. `on_published` is told how many shards are published, and how."""
        self._order = order
        self._token = token
        self._stop = stop
        self._on_published = on_published
        self._moments = Moments(wish, time.monotonic())
        self._under_way: asyncio.Task[None] | None = None
        self._given_up = False

    def sealed(self, shards: int) -> None:
        """So many shards are sealed by now: begin a push when one is due. Returns at once."""
        if self._stop.is_set() or self._given_up or self._under_way is not None:
            return
        now = time.monotonic()
        if self._moments.due(shards, now):
            self._moments.begun(shards, now)
            self._under_way = asyncio.create_task(self._push_and_tell(shards))

    async def finish(self, shards: int) -> PublicationResult | None:
        """The build is complete: wait for the push under way, then push all; None when `stop` was set meanwhile.

        That is tried also where an earlier push was given up: somebody may have mended it by now. Raises what
        publishing raises.
        """
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        return await self._push(shards)

    async def _push_and_tell(self, shards: int) -> None:
        try:
            await self._push(shards)
        except _PASSING as error:
            _log.warning("not published for now: %s; the build goes on, and tries again later", error)
        except IturriError as error:
            _log.warning("not published: %s; the build goes on, and does not try again before its end", error)
            self._given_up = True
        finally:
            self._under_way = None

    async def _push(self, shards: int) -> PublicationResult | None:
        order = await self._order()
        result = await publish(order.model_copy(update={"seal": False}), self._stop, self._token)
        if result is not None:
            _log.info("published %d shards to %s at revision %s", shards, result.target, result.revision)
            if self._on_published is not None:
                self._on_published(shards, result)
        return result

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (task := self._under_way) is not None:
            task.cancel()
            await asyncio.wait([task])
