"""Jobs in the database, as those see them who ask for them: made, looked at, changed, deleted."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Json

from schemas.errors import ServiceError
from schemas.funnel import Funnel
from schemas.job import Job, JobState, Kind, PublicationRequest
from schemas.keys import Caller
from schemas.recipe import Recipe
from service.database import Pool, transaction
from service.job_rows import COLUMNS, UNFINISHED, change, job_of, one
from service.problems import ProblemError

# Tells the queue, inside the caller's transaction, that there is one more job of this kind to run.
Enqueue = Callable[[AsyncConnection[Any], Kind], Awaitable[None]]
# Refuses, by an error, inside the transaction that would make the job.
Admit = Callable[[AsyncConnection[DictRow]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Submission:
    """A job as it is asked for."""

    caller: Caller
    recipe: Recipe | None = None
    build: Job | None = None
    publication: PublicationRequest | None = None
    priority: int = 0
    idempotency_key: str | None = None

    @property
    def kind(self) -> Kind:
        return "build" if self.build is None else "publication"

    def values(self) -> dict[str, Any]:
        """What is written down of it, by column."""
        # that of a build which an earlier version took may be no recipe any more, and is taken as it is
        ours = None if self.recipe is None else self.recipe.model_dump(mode="json")
        recipe = ours if self.build is None else self.build.recipe
        if recipe is None:
            raise ServiceError("a submission has a recipe, or the build that is to be published")
        told: dict[str, Any] = {
            "what": self.publication.model_dump(mode="json") if self.publication else recipe,
            "of": self.build and self.build.id,
        }
        if self.priority:
            told["priority"] = self.priority
        return {
            "id": secrets.token_hex(8),
            "kind": self.kind,
            "name": recipe["name"],
            "language": recipe["language"],
            "key_id": self.caller.key_id,
            "key": self.caller.name,
            "priority": self.priority,
            "recipe": None if ours is None else Json(ours),
            "build_id": None if self.build is None else self.build.id,
            "publication": None if self.publication is None else Json(self.publication.model_dump(mode="json")),
            "idempotency_key": self.idempotency_key,
            "request_digest": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs are asked for; None is any."""

    state: JobState | None = None
    kind: Kind | None = None
    name: str | None = None
    language: str | None = None
    key: str | None = None
    build_id: str | None = None


class JobVersion(NamedTuple):
    """A job in a list: its number, and that of its newest event, with which it changes."""

    number: int
    event: int


class JobStore:
    """All methods raise ServiceError when the database cannot be reached."""

    def __init__(self, pool: Pool, enqueue: Enqueue) -> None:
        self._pool = pool
        self._enqueue = enqueue

    async def ping(self) -> None:
        """Ask the database for an answer."""
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT 1")

    async def create(self, submission: Submission, admit: Admit) -> tuple[Job, bool] | None:
        """(The queued job, whether this submission made it): the same idempotency key again gives the same job.

        None when the key was used for something else. What `admit` raises leaves nothing behind.
        """
        values = submission.values()
        async with transaction(self._pool) as connection:
            if submission.build is not None:
                there = "SELECT id FROM jobs WHERE id = %(build_id)s FOR SHARE"
                if await one(connection, there, build_id=submission.build.id) is None:
                    raise ProblemError(404, f"there is no job {submission.build.id} any more")
            # Of two at once, the second waits here for the first one's transaction.
            row = await one(
                connection,
                f"INSERT INTO jobs (state, events, {', '.join(values)})"
                f" VALUES ('queued', 1, {', '.join(f'%({name})s' for name in values)})"
                f" ON CONFLICT (coalesce(key_id, ''), idempotency_key) DO NOTHING RETURNING {COLUMNS}",
                **values,
            )
            if row is None:
                return await self._made_before(connection, values)
            await admit(connection)
            await connection.execute(
                "INSERT INTO job_events (job_id, number, kind, state) VALUES (%s, 1, 'state', 'queued')", [values["id"]]
            )
            await self._enqueue(connection, values["kind"])
            return job_of(row), True

    async def _made_before(
        self, connection: AsyncConnection[DictRow], values: dict[str, Any]
    ) -> tuple[Job, bool] | None:
        row = await one(
            connection,
            f"SELECT request_digest, {COLUMNS} FROM jobs"
            " WHERE key_id IS NOT DISTINCT FROM %(key_id)s AND idempotency_key = %(idempotency_key)s",
            **values,
        )
        if row is None or row["request_digest"] != values["request_digest"]:
            return None
        return job_of(row), False

    async def get(self, job_id: str) -> Job | None:
        """The job, with the funnel of its build."""
        async with transaction(self._pool) as connection:
            row = await one(connection, f"SELECT funnel, {COLUMNS} FROM jobs WHERE id = %(id)s", id=job_id)
        if row is None:
            return None
        if row["kind"] == "build" and row["funnel"] is None:
            row["funnel"] = Funnel(target=row["recipe"]["target"]["conversations"])
        return job_of(row)

    async def version(self, job_id: str) -> int | None:
        """The number of the job's newest event: as long as it is the same, so is the job. None when there is none."""
        async with transaction(self._pool) as connection:
            row = await one(connection, "SELECT events FROM jobs WHERE id = %(id)s", id=job_id)
        return None if row is None else int(row["events"])

    async def owner(self, job_id: str) -> tuple[str | None, str] | None:
        """(Id, name) of the key that the job was submitted with; None when there is no such job."""
        async with transaction(self._pool) as connection:
            row = await one(connection, "SELECT key_id, key FROM jobs WHERE id = %(id)s", id=job_id)
        return None if row is None else (row["key_id"], row["key"])

    async def page(self, before: int | None, limit: int, asked: Filter) -> list[JobVersion]:
        """Up to `limit` jobs, newest first, with numbers below `before`."""
        columns = ("state", "kind", "name", "language", "key", "build_id")
        matches = " AND ".join(f"(%({name})s::text IS NULL OR {name} = %({name})s)" for name in columns)
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT number, events FROM jobs"
                f" WHERE (%(before)s::bigint IS NULL OR number < %(before)s) AND {matches}"
                " ORDER BY number DESC LIMIT %(limit)s",
                {"before": before, "limit": limit, **{name: getattr(asked, name) for name in columns}},
            )
            return [JobVersion(row["number"], row["events"]) for row in await cursor.fetchall()]

    async def several(self, numbers: list[int]) -> list[Job]:
        """The jobs of these numbers that are there, newest first, without their funnels."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"SELECT {COLUMNS} FROM jobs WHERE number = ANY(%s) ORDER BY number DESC", [numbers]
            )
            return [job_of(row) for row in await cursor.fetchall()]

    async def set_priority(self, job_id: str, priority: int) -> Job | None:
        """None when the job has ended."""
        changed = await self._change(
            "priority = %(priority)s",
            f"id = %(id)s AND state IN {UNFINISHED} AND priority <> %(priority)s",
            id=job_id,
            priority=priority,
        )
        return changed or await self._as_it_is(job_id, lambda job: not job.state.final)

    async def cancel(self, job_id: str) -> Job | None:
        """Cancelled at once, or asked to stop when it runs; None when the job has ended otherwise."""
        changed = await self._change(
            "state = CASE WHEN state IN ('running', 'pausing') THEN 'cancelling' ELSE 'cancelled' END,"
            " finished = CASE WHEN state IN ('queued', 'paused') THEN now() ELSE finished END",
            "id = %(id)s AND state IN ('queued', 'running', 'pausing', 'paused')",
            id=job_id,
        )
        return changed or await self._as_it_is(
            job_id, lambda job: job.state in (JobState.CANCELLING, JobState.CANCELLED)
        )

    async def pause(self, job_id: str) -> Job | None:
        """Paused at once, or asked to stop when it runs; None when the job has ended or is being cancelled."""
        changed = await self._change(
            "state = CASE state WHEN 'running' THEN 'pausing' ELSE 'paused' END",
            "id = %(id)s AND state IN ('queued', 'running')",
            id=job_id,
        )
        return changed or await self._as_it_is(job_id, lambda job: job.state in (JobState.PAUSING, JobState.PAUSED))

    async def resume(self, job_id: str, admit: Admit) -> Job | None:
        """Queued again; None when the job is not paused."""
        return await self._requeue("state = 'paused'", job_id, admit)

    async def retry(self, job_id: str, admit: Admit) -> Job | None:
        """Queued again, to go on with what is there; None when the job has neither failed nor been cancelled."""
        return await self._requeue("state IN ('failed', 'cancelled')", job_id, admit)

    async def _requeue(self, condition: str, job_id: str, admit: Admit) -> Job | None:
        async with transaction(self._pool) as connection:
            job = await change(
                connection,
                "state = 'queued', error = NULL, result = NULL, finished = NULL, queue_id = NULL, setbacks = 0",
                f"id = %(id)s AND {condition}",
                {"id": job_id},
            )
            if job is not None:
                await admit(connection)
                await self._enqueue(connection, job.kind)
            return job

    async def delete(self, job_id: str, remove: Callable[[], Awaitable[None]]) -> bool:
        """Delete a job that has ended or is paused; False when it is another one, or one that is being published.

        `remove` takes away what lies outside the database, and is done before the transaction is.
        """
        async with transaction(self._pool) as connection:
            row = await one(
                connection,
                "SELECT id FROM jobs WHERE id = %(id)s"
                " AND state IN ('paused', 'cancelled', 'succeeded', 'failed') FOR UPDATE",
                id=job_id,
            )
            if row is None:
                return False
            # Only now, with the row locked: a publication that is being made holds it too.
            publishing = f"SELECT id FROM jobs WHERE build_id = %(id)s AND state IN {UNFINISHED} LIMIT 1"
            if await one(connection, publishing, id=job_id) is not None:
                return False
            await remove()
            await connection.execute("DELETE FROM jobs WHERE id = %s", [job_id])
            return True

    async def _as_it_is(self, job_id: str, fits: Callable[[Job], bool]) -> Job | None:
        """The job that is as it was asked for already: nothing has happened to it, so there is no event to tell."""
        job = await self.get(job_id)
        return job if job is not None and fits(job) else None

    async def _change(self, assignments: str, condition: str, **values: object) -> Job | None:
        async with transaction(self._pool) as connection:
            return await change(connection, assignments, condition, values)
