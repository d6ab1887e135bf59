"""What happens to jobs, read back from the database, and watched by many at the cost of one query."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from schemas.errors import ServiceError
from schemas.job import JobEvent, JobProgress, JobState
from service.database import Pool, transaction
from service.ending import cancelled
from service.sharing import Shared

_log = logging.getLogger(__name__)

_COLUMNS = "number, at, kind, state, progress::text, error"
_POLL_S = 0.5
_PAGE = 500
_QUIET_S = 15.0
# A reader that is so many events behind is let go; it comes back with the number of its last one.
_BACKLOG = 1000


class JobEvents:
    """Events of jobs, in the order of their numbers. Reading raises ServiceError when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._watched: dict[str, int] = {}
        self._readers: defaultdict[str, set[asyncio.Queue[JobEvent | None]]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self._reads = Shared()
        self._ended = False

    async def read(self, job_id: str, after: int, limit: int = _PAGE, kind: str | None = None) -> list[JobEvent]:
        """Up to `limit` kept events above the number."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"SELECT {_COLUMNS} FROM job_events WHERE job_id = %(job)s AND number > %(after)s"
                " AND (%(kind)s::text IS NULL OR kind = %(kind)s) ORDER BY number LIMIT %(limit)s",
                {"job": job_id, "after": after, "kind": kind, "limit": limit},
            )
            return [_event(**row) for row in await cursor.fetchall()]

    async def _read_shared(self, job_id: str, after: int) -> list[JobEvent]:
        return await self._reads.of((job_id, after), lambda: self.read(job_id, after))

    async def follow(self, job_id: str, after: int) -> AsyncGenerator[list[JobEvent]]:
        """The kept events above the number, then those that come; ends after that of a final state.

        As many at once as there are; none when nothing has happened for a while, so that whoever waits knows it lives.
        """
        async with self._subscribed(job_id) as coming:
            while page := await self._read_shared(job_id, after):
                after = page[-1].number
                yield page
                if len(page) < _PAGE:  # what is newer than these comes to the subscription
                    if page[-1].state.final:
                        return
                    break
            else:
                if await self._is_over(job_id, after):
                    return
            while (come := await _come(coming)) is not None:
                if new := [event for event in come if event.number > after]:
                    after = new[-1].number
                    yield new
                elif not come:
                    yield []
                if come and come[-1].state.final:
                    return

    @asynccontextmanager
    async def _subscribed(self, job_id: str) -> AsyncIterator[asyncio.Queue[JobEvent | None]]:
        """What the poll finds from now on."""
        queue: asyncio.Queue[JobEvent | None] = asyncio.Queue(_BACKLOG + 1)
        if job_id not in self._watched:
            newest = await self._newest(job_id)
            self._watched.setdefault(job_id, newest)
        self._readers[job_id].add(queue)
        self._wanted.set()
        if self._ended:
            _end(queue)
        try:
            yield queue
        finally:
            self._readers[job_id].discard(queue)
            if not self._readers[job_id]:
                del self._readers[job_id]
                self._watched.pop(job_id, None)

    async def _newest(self, job_id: str) -> int:
        async with transaction(self._pool) as connection:
            cursor = await connection.execute("SELECT events FROM jobs WHERE id = %s", [job_id])
            row = await cursor.fetchone()
        return int(row["events"]) if row else 0

    async def _is_over(self, job_id: str, after: int) -> bool:
        """Whether nothing comes after the number, as the job has ended, or is gone."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute("SELECT state, events FROM jobs WHERE id = %s", [job_id])
            row = await cursor.fetchone()
        return row is None or (JobState(row["state"]).final and row["events"] <= after)

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Look for new events while inside; those who still follow then come to an end."""
        task = asyncio.create_task(self._keep_polling(), name="job events")
        try:
            yield
        finally:
            await cancelled(task)
            self.end()

    def end(self) -> None:
        """Have all streams end, those to come too; who reads them goes on elsewhere, or when the server is back."""
        self._ended = True
        for queues in self._readers.values():
            for queue in queues:
                _end(queue)

    async def _keep_polling(self) -> None:
        while True:
            await self._wanted.wait()
            if not self._watched:
                self._wanted.clear()
                continue
            try:
                await self._poll()
            except ServiceError as error:
                _log.warning("events of jobs cannot be read: %s", error)
            await asyncio.sleep(_POLL_S)

    async def _poll(self) -> None:
        watched = dict(self._watched)
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"SELECT watched.id AS job_id, {_COLUMNS}"
                " FROM unnest(%s::text[], %s::int[]) AS watched (id, after)"
                " JOIN job_events ON job_id = watched.id AND number > watched.after ORDER BY job_id, number",
                [list(watched), list(watched.values())],
            )
            rows = await cursor.fetchall()
            cursor = await connection.execute(
                "SELECT id FROM unnest(%s::text[]) AS watched (id)"
                " WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = watched.id)",
                [list(watched)],
            )
            deleted = [row["id"] for row in await cursor.fetchall()]
        for job_id in deleted:
            for queue in self._readers.get(job_id, ()):
                _end(queue)
        for row in rows:
            job_id = row.pop("job_id")
            event = _event(**row)
            if job_id in self._watched:
                self._watched[job_id] = event.number
            for queue in self._readers.get(job_id, ()):
                if queue.qsize() < _BACKLOG:
                    queue.put_nowait(event)
                else:
                    _end(queue)


@lru_cache(maxsize=4096)
def _event(progress: str | None, **fields: Any) -> JobEvent:
    """Each is made once, however many read it; it never changes."""
    return JobEvent(progress=None if progress is None else JobProgress.model_validate_json(progress), **fields)


async def _come(queue: asyncio.Queue[JobEvent | None]) -> list[JobEvent] | None:
    """All that is there, waited for a while; None at the end."""
    try:
        async with asyncio.timeout(_QUIET_S):
            event = await queue.get()
    except TimeoutError:
        return []
    if event is None:
        return None
    come = [event]
    while not queue.empty():
        if (event := queue.get_nowait()) is None:
            _end(queue)  # for the next call
            break
        come.append(event)
    return come


def _end(queue: asyncio.Queue[JobEvent | None]) -> None:
    if not queue.full():
        queue.put_nowait(None)
