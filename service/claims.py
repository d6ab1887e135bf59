"""Jobs in the database, as those see them who run them.

A running job is owned by one entry of the queue (`queue_id`); whoever comes with another entry, such as a server that
was thought dead and has been replaced, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Json

from schemas.funnel import Funnel
from schemas.job import Job, JobProgress, JobState, Kind
from service.database import Pool, transaction
from service.job_rows import COLUMNS, HELD, change, job_of, one
from service.job_store import Enqueue
from service.quotas import SPENT, add_usage

_TURN_LOCK: Final = 0x6974757274  # two servers that choose at once would both see the same key as the one to serve
_MOST_SETBACKS = 5
_POINTS = 1000
_LOOK_EVERY = 100
_LOOKS = 10  # other events come between those of a build, so no single number is sure to be met
# What an order to stop becomes once the run has stopped.
_STOPPED: Final = "CASE state WHEN 'cancelling' THEN 'cancelled' WHEN 'pausing' THEN 'paused' ELSE 'queued' END"
# A build whose key has used up its day waits for the next one.
_WAITING: Final = f"state = 'queued' AND NOT (kind = 'build' AND {SPENT})"
_SPENT_SAYS: Final = "the key has used up its day; the job goes on after 00:00 UTC"
_OWNED: Final = f"id = %(job_id)s AND queue_id = %(queue_id)s AND state IN {HELD}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a job: lost as soon as the job is given to another entry of the queue."""

    job_id: str
    queue_id: int

    def values(self) -> dict[str, Any]:
        return {"job_id": self.job_id, "queue_id": self.queue_id}


class Claims:
    """The jobs that this server (`runner`, the application_name of its connections) runs or may run.

    All methods raise ServiceError when the database cannot be reached.
    """

    def __init__(self, pool: Pool, enqueue: Enqueue, runner: str) -> None:
        self._pool = pool
        self._enqueue = enqueue
        self._runner = runner

    async def next(self, kind: Kind, queue_id: int) -> Job | None:
        """Take up the job whose turn it is; None when there is none, or the entry has got one already.

        Keys take turns: the one with the fewest jobs running, then the one that was served longest ago. Among the jobs
        of one key the highest priority comes first, then what was begun before, then the oldest.
        """
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN_LOCK])
            return await change(
                connection,
                "state = 'running', attempts = attempts + 1, runner = %(runner)s, queue_id = %(queue_id)s,"
                " started = coalesce(started, now()), turn = now(), error = NULL",
                "NOT EXISTS (SELECT FROM jobs taken WHERE taken.queue_id = %(queue_id)s) AND id = ("
                " SELECT id FROM jobs LEFT JOIN LATERAL ("
                f"  SELECT count(*) FILTER (WHERE other.state IN {HELD}) AS running, max(other.turn) AS served"
                "   FROM jobs other WHERE other.kind = jobs.kind AND other.key_id IS NOT DISTINCT FROM jobs.key_id"
                "  ) AS key ON true"
                f" WHERE kind = %(kind)s AND {_WAITING}"
                " ORDER BY key.running, key.served NULLS FIRST, priority DESC, attempts = 0, number"
                " LIMIT 1 FOR UPDATE OF jobs SKIP LOCKED)",
                {"kind": kind, "queue_id": queue_id, "runner": self._runner},
            )

    async def goes_on(self, claim: Claim) -> bool:
        """Whether it is to go on: neither paused, cancelled nor given to somebody else, nor its key's day used up."""
        async with transaction(self._pool) as connection:
            found = await one(
                connection,
                f"SELECT id FROM jobs WHERE {_OWNED} AND state = 'running' AND NOT (kind = 'build' AND {SPENT})",
                **claim.values(),
            )
        return found is not None

    async def note(self, claim: Claim, progress: JobProgress, funnel: Funnel) -> Job | None:
        """Write down how the build stands, and what its key has used since then. None when the claim is lost."""
        async with transaction(self._pool) as connection:
            before = await one(
                connection, f"SELECT progress, key_id, events FROM jobs WHERE {_OWNED} FOR UPDATE", **claim.values()
            )
            if before is None:
                return None
            booked = before["progress"] or {"accepted": 0, "tokens": 0}
            await add_usage(
                connection,
                before["key_id"],
                max(0, progress.accepted - booked["accepted"]),
                max(0, progress.tokens - booked["tokens"]),
            )
            if before["events"] % _LOOK_EVERY < _LOOKS:
                await _thin(connection, claim.job_id)
            return await change(
                connection,
                "progress = %(progress)s, funnel = %(funnel)s",
                _OWNED,
                {
                    "progress": Json(progress.model_dump(mode="json")),
                    "funnel": Json(funnel.model_dump(mode="json", exclude_computed_fields=True)),
                    **claim.values(),
                },
                "progress",
            )

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
        async with transaction(self._pool) as connection:
            return await change(
                connection,
                "state = CASE state WHEN 'cancelling' THEN 'cancelled' ELSE %(state)s END,"
                " result = %(result)s, error = %(error)s, runner = NULL, finished = now()",
                _OWNED,
                {"state": state, **values, **claim.values()},
            )

    async def set_back(self, claim: Claim, error: str, *, grew: bool) -> Job | None:
        """The run has died of something that another run may not meet: queued again, or failed if that goes on and on.

        `grew` is whether it got anywhere. None when the claim is lost.
        """
        async with transaction(self._pool) as connection:
            job = await change(
                connection,
                "state = CASE WHEN state <> 'running' THEN " + _STOPPED + " WHEN %(grew)s OR setbacks < %(most)s"
                " THEN 'queued' ELSE 'failed' END, setbacks = CASE WHEN %(grew)s THEN 0 ELSE setbacks + 1 END,"
                " error = %(error)s, runner = NULL, queue_id = NULL,"
                " finished = CASE WHEN state = 'cancelling'"
                " OR (state = 'running' AND NOT %(grew)s AND setbacks >= %(most)s) THEN now() END",
                _OWNED,
                {"grew": grew, "most": _MOST_SETBACKS, "error": error, **claim.values()},
            )
            if job is not None and job.state is JobState.QUEUED:
                await self._enqueue(connection, job.kind)
            return job

    async def stopped(self, queue_id: int) -> Job | None:
        """The run of the job that the entry owns has stopped or died: paused or cancelled if asked for, else queued.

        None when the entry is out of date or the job has ended.
        """
        async with transaction(self._pool) as connection:
            job = await change(
                connection,
                f"state = {_STOPPED}, runner = NULL, queue_id = NULL,"
                f" error = CASE WHEN state = 'running' AND {SPENT} THEN %(spent)s END,"
                " finished = CASE state WHEN 'cancelling' THEN now() END",
                f"queue_id = %(queue_id)s AND state IN {HELD}",
                {"queue_id": queue_id, "spent": _SPENT_SAYS},
            )
            if job is not None and job.state is JobState.QUEUED:
                await self._enqueue(connection, job.kind)
            return job

    async def orphans(self) -> list[int]:
        """Entries whose jobs nobody runs any more: the queue has lost them, or their server has no connection."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"SELECT queue_id FROM jobs WHERE state IN {HELD} AND ("
                "  NOT EXISTS (SELECT FROM procrastinate_jobs entry"
                "   WHERE entry.id = queue_id AND entry.status IN ('todo', 'doing'))"
                "  OR NOT EXISTS (SELECT FROM pg_stat_activity"
                "   WHERE application_name = runner AND datname = current_database()))"
            )
            return [row["queue_id"] for row in await cursor.fetchall()]

    async def top_up(self, kind: Kind, queue: str) -> int:
        """Have at least as many entries wait in the queue as jobs wait for one; how many were missing."""
        async with transaction(self._pool) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN_LOCK])
            found = await one(
                connection,
                f"SELECT (SELECT count(*) FROM jobs WHERE kind = %(kind)s AND {_WAITING})"
                " - (SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %(queue)s AND status = 'todo')"
                " AS missing",
                kind=kind,
                queue=queue,
            )
            missing = max(0, found["missing"]) if found else 0
            for _ in range(missing):
                await self._enqueue(connection, kind)
            return missing

    async def get(self, job_id: str) -> Job | None:
        async with transaction(self._pool) as connection:
            row = await one(connection, f"SELECT {COLUMNS} FROM jobs WHERE id = %(id)s", id=job_id)
        return None if row is None else job_of(row)


async def _thin(connection: AsyncConnection[DictRow], job_id: str) -> None:
    """Beyond a thousand points of progress keep half as many, evenly in time, each the last one of its span."""
    await connection.execute(
        "WITH points AS (SELECT number, at, min(at) OVER () AS first, max(at) OVER () AS last, count(*) OVER () AS many"
        "  FROM job_events WHERE job_id = %(job)s AND kind = 'progress'),"
        " spans AS (SELECT number, many, floor(%(kept)s * extract(epoch FROM at - first)"
        "  / greatest(extract(epoch FROM last - first), 1)) AS span FROM points),"
        " beside AS (SELECT number, many, span, lead(span) OVER (ORDER BY number) AS after FROM spans)"
        " DELETE FROM job_events WHERE job_id = %(job)s AND number IN"
        "  (SELECT number FROM beside WHERE many > %(most)s AND span = after)",
        {"job": job_id, "kept": _POINTS // 2, "most": _POINTS},
    )
