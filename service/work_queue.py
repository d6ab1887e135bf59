"""The queue: Procrastinate on the service's database, and the worker that takes jobs out of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from psycopg import AsyncConnection

from generators.one_line import one_line
from schemas.errors import ServiceError
from service.database import Pool
from service.job_store import Claim, JobStore

_log = logging.getLogger(__name__)

_TASK = "iturri.run_job"
_QUEUE = "jobs"
_HEARTBEAT_S = 2.0
_STALLED_S = 10.0
_SWEEP_S = 2.0
_RESTART_PAUSE_S = 1.0
_FINISH_S = 20.0


class WorkQueue:
    """Entries carry a job's id and nothing else; the lock keeps one job from running twice."""

    def __init__(self) -> None:
        self._app = App(connector=PsycopgConnector())
        self._run: Callable[[Claim], Awaitable[None]] | None = None
        self._running: set[int] = set()
        self._task = self._app.task(name=_TASK, queue=_QUEUE, pass_context=True)(self._work)
        self.problem: str | None = "it is starting"

    async def enqueue(self, connection: AsyncConnection[Any], job_id: str, priority: int) -> int:
        """Put a job into the queue, in the transaction of the connection; the entry's number."""
        deferrer = self._task.configure(lock=job_id, priority=priority, connection=connection)
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
        """Work on jobs while inside, `at_once` of them at a time; leaving calls `close` and waits for what runs."""
        self._run = run
        async with self._app.open_async(pool):
            worker = asyncio.create_task(self._keep_working(at_once), name="worker")
            sweeper = asyncio.create_task(self._keep_sweeping(store), name="sweeper")
            try:
                yield
            finally:
                sweeper.cancel()
                close()
                worker.cancel()
                await asyncio.gather(worker, sweeper, return_exceptions=True)

    async def _work(self, context: JobContext, job_id: str) -> None:
        if self._run is None or context.job.id is None:
            raise ServiceError("the queue handed out a job before the server was ready for it")
        self._running.add(context.job.id)
        try:
            await self._run(Claim(job_id, context.job.id))
        finally:
            self._running.discard(context.job.id)

    async def _keep_working(self, at_once: int) -> None:
        """A worker ends when it loses the database; then another begins, and recovery finds what the first one had."""
        while True:
            self.problem = None
            try:
                await self._app.run_worker_async(
                    queues=[_QUEUE],
                    concurrency=at_once,
                    install_signal_handlers=False,
                    update_heartbeat_interval=_HEARTBEAT_S,
                    stalled_worker_timeout=_STALLED_S,
                    shutdown_graceful_timeout=_FINISH_S,
                    delete_jobs="always",
                )
                self.problem = "it has ended and begins again"
            except (ConnectorException, psycopg.Error) as error:
                self.problem = one_line(error)
            _log.error("the worker is down: %s", self.problem)
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
