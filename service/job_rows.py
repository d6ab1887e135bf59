"""Rows of the table of jobs: what is read of one, and the one way to change one.

Every change of state is one guarded UPDATE, and tells an event in the same statement. The row's lock gives the events
of a job their numbers in the order in which they are committed, so who reads on from a number misses none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from schemas.job import Job

COLUMNS: Final = (
    "id, kind, state, created, updated, started, finished, attempts, priority, key, recipe, build_id, publication,"
    " result, error, progress"
)
# A job is counted as finished from its last end on; one that is run again is unfinished again.
UNFINISHED: Final = "('queued', 'running', 'pausing', 'paused', 'cancelling')"
HELD: Final = "('running', 'pausing', 'cancelling')"


def job_of(row: DictRow) -> Job:
    """The job of a row that has all COLUMNS, and maybe others."""
    return Job.model_validate({name: row[name] for name in Job.model_fields if name in row})


async def change(
    connection: AsyncConnection[DictRow],
    assignments: str,
    condition: str,
    values: Mapping[str, object],
    event: Literal["state", "progress"] = "state",
) -> Job | None:
    """Change the one job that meets the condition, and tell it; None when there is none."""
    cursor = await connection.execute(
        f"WITH changed AS (UPDATE jobs SET {assignments}, updated = clock_timestamp(), events = events + 1"
        f"  WHERE {condition} RETURNING *),"
        " told AS (INSERT INTO job_events (job_id, number, at, kind, state, progress, error)"
        f"  SELECT id, events, updated, '{event}', state, progress, error FROM changed)"
        f" SELECT {COLUMNS} FROM changed",
        values,
    )
    row = await cursor.fetchone()
    return None if row is None else job_of(row)


async def one(connection: AsyncConnection[DictRow], query: str, **values: Any) -> DictRow | None:
    """The first row of the query's answer."""
    return await (await connection.execute(query, values)).fetchone()
