"""Jobs in the database: the truth about every job's state.

Every change of state is one guarded UPDATE. A running job is owned by one entry of the queue (`queue_id`); whoever
comes with another entry, such as a server that was thought dead and has been replaced, changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Json

from generators.one_line import one_line
from schemas.errors import ServiceError
from schemas.job import Job, JobState, PublicationRequest
from schemas.recipe import Recipe
from service.database import Pool

Kind = Literal["build", "publication"]
# Puts a job of some kind and priority into the queue inside the caller's transaction; the entry's number.
Enqueue = Callable[[AsyncConnection[Any], str, Kind, int], Awaitable[int]]

_COLUMNS = "id, kind, state, created, updated, attempts, recipe, build_id, publication, result, error"
_ENDED = "CASE state WHEN 'cancelling' THEN 'cancelled' ELSE %(state)s END"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a job: lost as soon as the job is given to another entry of the queue."""

    job_id: str
    queue_id: int


class JobStore:
    """All methods raise ServiceError when the database cannot be reached."""

    def __init__(self, pool: Pool, enqueue: Enqueue, runner: str) -> None:
        self._pool = pool
        self._enqueue = enqueue
        self._runner = runner

    async def ping(self) -> None:
        """Ask the database for an answer."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def create_build(self, recipe: Recipe) -> Job:
        """A queued build of the recipe."""
        return await self._create("build", recipe=Json(recipe.model_dump(mode="json")))

    async def create_publication(self, build_id: str, request: PublicationRequest) -> Job:
        """A queued publication of a build."""
        return await self._create("publication", build_id=build_id, publication=Json(request.model_dump(mode="json")))

    async def _create(self, kind: Kind, **values: object) -> Job:
        row = {"recipe": None, "build_id": None, "publication": None, **values}
        row |= {"id": secrets.token_hex(8), "kind": kind}
        async with self._connection() as connection:
            await connection.execute(
                "INSERT INTO jobs (id, kind, state, recipe, build_id, publication)"
                " VALUES (%(id)s, %(kind)s, 'queued', %(recipe)s, %(build_id)s, %(publication)s)",
                row,
            )
            return await self._queue(connection, str(row["id"]), kind, 0)

    async def _queue(self, connection: AsyncConnection[DictRow], job_id: str, kind: Kind, priority: int) -> Job:
        queue_id = await self._enqueue(connection, job_id, kind, priority)
        cursor = await connection.execute(
            f"UPDATE jobs SET queue_id = %s, runner = NULL WHERE id = %s RETURNING {_COLUMNS}",  # noqa: S608
            [queue_id, job_id],
        )
        return Job.model_validate(await cursor.fetchone())

    async def get(self, job_id: str) -> Job | None:
        return await self._one(f"SELECT {_COLUMNS} FROM jobs WHERE id = %(id)s", id=job_id)  # noqa: S608

    async def page(self, before: int | None, limit: int, state: JobState | None) -> list[tuple[int, Job]]:
        """Up to `limit` (number, job), newest first, with numbers below `before`."""
        async with self._connection() as connection:
            cursor = await connection.execute(
                f"SELECT number, {_COLUMNS} FROM jobs"  # noqa: S608
                " WHERE (%(before)s::bigint IS NULL OR number < %(before)s)"
                " AND (%(state)s::text IS NULL OR state = %(state)s) ORDER BY number DESC LIMIT %(limit)s",
                {"before": before, "limit": limit, "state": state},
            )
            return [(row.pop("number"), Job.model_validate(row)) for row in await cursor.fetchall()]

    async def cancel(self, job_id: str) -> Job | None:
        """A queued job is cancelled, a running one is asked to stop; None when the job has ended otherwise."""
        return await self._change(
            "state = CASE state WHEN 'running' THEN 'cancelling' WHEN 'queued' THEN 'cancelled' ELSE state END",
            "id = %(id)s AND state IN ('queued', 'running', 'cancelling', 'cancelled')",
            id=job_id,
        )

    async def claim(self, claim: Claim) -> Job | None:
        """Take the job up; None when it was cancelled, or belongs to another entry of the queue."""
        return await self._change(
            "state = 'running', attempts = attempts + 1, runner = %(runner)s",
            "id = %(id)s AND queue_id = %(queue_id)s AND state = 'queued'",
            id=claim.job_id,
            queue_id=claim.queue_id,
            runner=self._runner,
        )

    async def still_runs(self, claim: Claim) -> bool:
        """Whether the job is to go on: neither cancelled nor given to somebody else."""
        job = await self._one(
            f"SELECT {_COLUMNS} FROM jobs WHERE id = %(id)s AND queue_id = %(queue_id)s AND state = 'running'",  # noqa: S608
            id=claim.job_id,
            queue_id=claim.queue_id,
        )
        return job is not None

    async def succeed(self, claim: Claim, result: dict[str, Any]) -> Job | None:
        """The job is done; cancelled when that was asked for meanwhile. None when the claim is lost."""
        return await self._end(claim, JobState.SUCCEEDED, result=Json(result), error=None)

    async def fail(self, claim: Claim, error: str) -> Job | None:
        """The job has failed for this reason. None when the claim is lost."""
        # PostgreSQL takes no zero characters; a job whose end cannot be written would be run again for ever.
        return await self._end(
            claim, JobState.FAILED, result=None, error=error.replace("\0", "\N{REPLACEMENT CHARACTER}")
        )

    async def _end(self, claim: Claim, state: JobState, **values: object) -> Job | None:
        return await self._change(
            f"state = {_ENDED}, result = %(result)s, error = %(error)s, runner = NULL",
            "id = %(id)s AND queue_id = %(queue_id)s AND state IN ('running', 'cancelling')",
            id=claim.job_id,
            queue_id=claim.queue_id,
            state=state,
            **values,
        )

    async def give_back(self, queue_id: int) -> Job | None:
        """The job's run has stopped or died: cancelled when that was asked for, else queued again, before new ones.

        None when the entry of the queue is out of date or the job has ended.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(
                f"UPDATE jobs SET state = {_ENDED}, runner = NULL, updated = now()"  # noqa: S608
                " WHERE queue_id = %(queue_id)s AND state IN ('queued', 'running', 'cancelling')"
                f" RETURNING {_COLUMNS}",
                {"queue_id": queue_id, "state": "queued"},
            )
            row = await cursor.fetchone()
            if row is None:
                return None
            job = Job.model_validate(row)
            return await self._queue(connection, job.id, job.kind, 1) if job.state is JobState.QUEUED else job

    async def orphans(self) -> list[int]:
        """Entries of unfinished jobs that nobody will run: the queue lost them, or their server has no connection."""
        async with self._connection() as connection:
            cursor = await connection.execute(
                "SELECT queue_id FROM jobs"
                " WHERE state IN ('queued', 'running', 'cancelling') AND ("
                "  NOT EXISTS (SELECT FROM procrastinate_jobs entry"
                "   WHERE entry.id = queue_id AND entry.status IN ('todo', 'doing'))"
                "  OR (runner IS NOT NULL AND NOT EXISTS (SELECT FROM pg_stat_activity"
                "   WHERE application_name = runner AND datname = current_database())))"
            )
            return [row["queue_id"] for row in await cursor.fetchall()]

    async def _change(self, assignments: str, condition: str, **values: object) -> Job | None:
        return await self._one(
            f"UPDATE jobs SET {assignments}, updated = now() WHERE {condition} RETURNING {_COLUMNS}",  # noqa: S608
            **values,
        )

    async def _one(self, query: str, **values: object) -> Job | None:
        async with self._connection() as connection:
            row = await (await connection.execute(query, values)).fetchone()
        return None if row is None else Job.model_validate(row)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection whose block is one transaction."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, ConnectorException) as error:
            raise ServiceError(f"the database cannot be used: {one_line(error)}") from error
