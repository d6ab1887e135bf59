"""The queue: Procrastinate on the service's database, and the worker that takes jobs out of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from psycopg import AsyncConnection

from generators.one_line import one_line
from schemas.errors import ServiceError
from service.database import Pool
from service.job_store import Claim, JobStore, Kind

_log = logging.getLogger(__name__)

_TASK = "iturri.run_job"
_QUEUES: Final[dict[Kind, str]] = {"build": "builds", "publication": "publications"}
_PUBLICATIONS_AT_ONCE = 2
_HEARTBEAT_S = 2.0
_STALLED_S = 10.0
_SWEEP_S = 2.0
_RESTART_PAUSE_S = 1.0
_FINISH_S = 20.0


class WorkQueue:
    """Entries carry a job's id and nothing else; the lock keeps one job from running twice.

    Publications have a worker of their own, for builds may keep theirs busy for days.
    """

    def __init__(self) -> None:
        self._app = App(connector=PsycopgConnector())
        self._run: Callable[[Claim], Awaitable[None]] | None = None
        self._running: set[int] = set()
        self._task = self._app.task(name=_TASK, pass_context=True)(self._work)
        self._problems = dict.fromkeys(_QUEUES.values(), "it is starting")

    @property
    def problem(self) -> str | None:
        """Why no jobs are taken out of the queue now; None when they are."""
        return next(iter(self._problems.values()), None)

    async def enqueue(self, connection: AsyncConnection[Any], job_id: str, kind: Kind, priority: int) -> int:
        """Put a job into the queue, in the transaction of the connection; the entry's number."""
        deferrer = self._task.configure(queue=_QUEUES[kind], lock=job_id, priority=priority, connection=connection)
        entry: int = await deferrer.defer_async(job_id=job_id)
        return entry

    @asynccontextmanager
    async def working(
        self,
        pool: Pool,
        store: JobStore,
        run: Callable[[Claim], Awaitable[None]],
        close: Callable[[], None],
        at_once: int,
    ) -> AsyncIterator[None]:
        """Work on jobs while inside, `at_once` builds at a time; leaving calls `close` and waits for what runs."""
        self._run = run
        async with self._app.open_async(pool):
            tasks = [
                asyncio.create_task(self._keep_sweeping(store), name="sweeper"),
                asyncio.create_task(self._keep_working(_QUEUES["build"], at_once), name="builder"),
                asyncio.create_task(
                    self._keep_working(_QUEUES["publication"], _PUBLICATIONS_AT_ONCE), name="publisher"
                ),
            ]
            try:
                yield
            finally:
                close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, context: JobContext, job_id: str) -> None:
        if self._run is None or context.job.id is None:
            raise ServiceError("the queue handed out a job before the server was ready for it")
        self._running.add(context.job.id)
        try:
            await self._run(Claim(job_id, context.job.id))
        finally:
            self._running.discard(context.job.id)

    async def _keep_working(self, queue: str, at_once: int) -> None:
        """A worker ends when it loses the database; then another begins, and recovery finds what the first one had."""
        while True:
            self._problems.pop(queue, None)
            try:
                await self._app.run_worker_async(
                    queues=[queue],
                    name=queue,
                    concurrency=at_once,
                    install_signal_handlers=False,
                    update_heartbeat_interval=_HEARTBEAT_S,
                    stalled_worker_timeout=_STALLED_S,
                    shutdown_graceful_timeout=_FINISH_S,
                    delete_jobs="always",
                )
                self._problems[queue] = "it has ended and begins again"
            except (ConnectorException, psycopg.Error) as error:
                self._problems[queue] = one_line(error)
            _log.error("worker=%s is down: %s", queue, self._problems[queue])
            await asyncio.sleep(_RESTART_PAUSE_S)

    async def _keep_sweeping(self, store: JobStore) -> None:
        while True:
            try:
                await self._sweep(store)
            except (ConnectorException, psycopg.Error, ServiceError) as error:
                _log.warning("jobs of dead servers cannot be looked for: %s", one_line(error))
            await asyncio.sleep(_SWEEP_S)

    async def _sweep(self, store: JobStore) -> None:
        """Give back the jobs of servers that died; never this one's own, however late its heartbeat is.

        The job moves to a new entry first and the old one ends after, so dying in between leaves an entry that is out
        of date, which the next sweep ends. A server that wakes up after all finds its own entry gone.
        """
        manager = self._app.job_manager
        stalled = await manager.get_stalled_jobs(task_name=_TASK, seconds_since_heartbeat=_STALLED_S)
        lost = {*(job.id for job in stalled if job.id is not None), *await store.orphans()}
        for queue_id in lost - self._running:
            job = await store.give_back(queue_id)
            if job is not None:
                _log.warning("job=%s lost its server; state=%s", job.id, job.state)
            with suppress(ConnectorException):  # another server has ended it already, or it never was there
                await manager.finish_job_by_id_async(queue_id, Status.FAILED, delete_job=True)
