"""The queue: Procrastinate on the service's database, and the workers that take entries out of it."""

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
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from generators.one_line import one_line
from schemas.errors import ServiceError
from schemas.job import Job, Kind
from service.claims import Claim, Claims
from service.database import Pool
from service.ending import cancelled

_log = logging.getLogger(__name__)

_TASK = "iturri.run_next"
_QUEUES: Final[dict[Kind, str]] = {"build": "builds", "publication": "publications"}
_PUBLICATIONS_AT_ONCE = 2
_HEARTBEAT_S = 2.0
_STALLED_S = 10.0
_SWEEP_S = 2.0
_RESTART_PAUSE_S = 1.0
_FINISH_S = 20.0


class WorkQueue:
    """An entry says that there is one more job of a kind to run, not which: that is chosen when a worker is free.

    So whose turn it is, a priority that has changed, and a job that waits for its key's next day need no change of the
    queue. An entry too many finds nothing to do; one too few is made up by the sweep. Publications have a worker of
    their own, for builds may keep theirs busy for days.
    """

    def __init__(self) -> None:
        self._app = App(connector=PsycopgConnector())
        self._claims: Claims | None = None
        self._run: Callable[[Job, Claim], Awaitable[None]] | None = None
        self._running: set[int] = set()
        self._workers: dict[str, Worker] = {}
        self._closing = asyncio.Event()
        self._task = self._app.task(name=_TASK, pass_context=True)(self._work)
        self._problems = dict.fromkeys(_QUEUES.values(), "it is starting")

    @property
    def problem(self) -> str | None:
        """Why no jobs are taken out of the queue now; None when they are."""
        return next(iter(self._problems.values()), None)

    async def enqueue(self, connection: AsyncConnection[Any], kind: Kind) -> None:
        """One more entry, in the transaction of the connection."""
        await self._task.configure(queue=_QUEUES[kind], connection=connection).defer_async(kind=kind)

    @asynccontextmanager
    async def working(
        self,
        pool: Pool,
        claims: Claims,
        run: Callable[[Job, Claim], Awaitable[None]],
        close: Callable[[], None],
        at_once: int,
    ) -> AsyncIterator[None]:
        """Work on jobs while inside, `at_once` builds at a time; leaving calls `close` and waits for what runs."""
        self._claims, self._run = claims, run
        async with self._app.open_async(pool):
            sweeping = asyncio.create_task(self._keep_sweeping(claims), name="sweeper")
            working = [
                asyncio.create_task(self._keep_working(_QUEUES["build"], at_once), name="builder"),
                asyncio.create_task(
                    self._keep_working(_QUEUES["publication"], _PUBLICATIONS_AT_ONCE), name="publisher"
                ),
            ]
            try:
                yield
            finally:
                close()
                self._closing.set()
                for worker in self._workers.values():
                    worker.stop()
                await asyncio.gather(*working, return_exceptions=True)
                await cancelled(sweeping)

    async def _work(self, context: JobContext, kind: Kind) -> None:
        if self._run is None or self._claims is None or context.job.id is None:
            raise ServiceError("the queue handed out an entry before the server was ready for it")
        self._running.add(context.job.id)
        try:
            job = await self._claims.next(kind, context.job.id)
            if job is not None:
                await self._run(job, Claim(job.id, context.job.id))
        finally:
            self._running.discard(context.job.id)

    async def _keep_working(self, queue: str, at_once: int) -> None:
        """A worker ends when it loses the database; then another begins, and recovery finds what the first one had."""
        while not self._closing.is_set():
            self._problems.pop(queue, None)
            # Stopped, never cancelled: a cancellation that comes while it begins may be lost (see service.ending).
            worker = self._workers[queue] = Worker(
                self._app,
                queues=[queue],
                name=queue,
                concurrency=at_once,
                install_signal_handlers=False,
                update_heartbeat_interval=_HEARTBEAT_S,
                stalled_worker_timeout=_STALLED_S,
                shutdown_graceful_timeout=_FINISH_S,
                delete_jobs="always",
            )
            try:
                await worker.run()
                why = "it has ended"
            except (ConnectorException, psycopg.Error) as error:
                why = one_line(error)  # it may name hosts, and anybody may ask whether the server is ready
            self._problems[queue] = "it is down and begins again; the server's log says why"
            if not self._closing.is_set():
                _log.error("worker=%s is down: %s", queue, why)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _RESTART_PAUSE_S)

    async def _keep_sweeping(self, claims: Claims) -> None:
        while True:
            try:
                await self._sweep(claims)
            except (ConnectorException, psycopg.Error, ServiceError) as error:
                _log.warning("jobs of dead servers cannot be looked for: %s", one_line(error))
            await asyncio.sleep(_SWEEP_S)

    async def _sweep(self, claims: Claims) -> None:
        """Give back the jobs of servers that died; never this one's own, however late its heartbeat is.

        The job is free of its entry first and that ends after, so dying in between leaves an entry without a job, which
        the next sweep ends. A server that wakes up after all finds that its entry owns nothing.
        """
        manager = self._app.job_manager
        stalled = await manager.get_stalled_jobs(task_name=_TASK, seconds_since_heartbeat=_STALLED_S)
        lost = {*(job.id for job in stalled if job.id is not None), *await claims.orphans()}
        for queue_id in lost - self._running:
            job = await claims.stopped(queue_id)
            if job is not None:
                _log.warning("job=%s lost its server; state=%s", job.id, job.state)
            with suppress(ConnectorException):  # another server has ended it already, or it never was there
                await manager.finish_job_by_id_async(queue_id, Status.FAILED, delete_job=True)
        for kind, queue in _QUEUES.items():
            await claims.top_up(kind, queue)
