"""Jobs in a real database without a server: the store, the claims, and an entry of the queue for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from schemas.job import Job, JobProgress, PublicationRequest
from schemas.keys import Caller
from schemas.recipe import Recipe
from service.claims import Claim, Claims
from service.database import Pool, open_pool, prepare
from service.job_events import JobEvents
from service.job_store import JobStore, Submission
from service.work_queue import WorkQueue
from tests.support.service_servers import submission

RECIPE = Recipe.model_validate(submission())
LOCAL = Caller()


async def anything(_: AsyncConnection[Any]) -> None:
    """Admits every job."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """What a server has of the database."""

    pool: Pool
    store: JobStore
    claims: Claims
    events: JobEvents

    async def build(self, caller: Caller = LOCAL, priority: int = 0, **options: Any) -> Job:
        """A queued build."""
        made = await self.store.create(Submission(caller, recipe=RECIPE, priority=priority, **options), anything)
        assert made is not None
        return made[0]

    async def publication(self, build: Job, repo: str | None = None, caller: Caller = LOCAL) -> Job:
        made = await self.store.create(
            Submission(caller, build=build, publication=PublicationRequest(repo=repo)), anything
        )
        assert made is not None
        return made[0]

    async def entry(self) -> int:
        """Take the oldest entry out of the queue, as a worker does."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "UPDATE procrastinate_jobs SET status = 'doing' WHERE id ="
                " (SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo') RETURNING id"
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(row["id"])

    async def claimed(self) -> tuple[Job, Claim]:
        """The job whose turn it is, taken up."""
        entry = await self.entry()
        job = await self.claims.next("build", entry)
        assert job is not None
        return job, Claim(job.id, entry)

    async def entries(self) -> int:
        """How many wait in the queue."""
        async with self.pool.connection() as connection:
            row = await (
                await connection.execute("SELECT count(*) AS many FROM procrastinate_jobs WHERE status = 'todo'")
            ).fetchone()
        assert row is not None
        return int(row["many"])

    async def state(self, job: Job) -> str:
        found = await self.store.get(job.id)
        assert found is not None
        return found.state.value

    async def key(self, name: str) -> Caller:
        """A caller with a key of the name."""
        async with self.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO keys (id, name, digest, scopes) VALUES (%s, %s, '', '{submit}')", [name, name]
            )
        return Caller(key_id=name, name=name, scopes=("submit",))


@asynccontextmanager
async def jobs_in(database: str, server: str = "iturri-test") -> AsyncIterator[Jobs]:
    """The jobs of a prepared database, as the named server sees them."""
    await prepare(database)
    queue = WorkQueue()
    async with open_pool(database, server) as pool:
        yield Jobs(pool, JobStore(pool, queue.enqueue), Claims(pool, queue.enqueue, server), JobEvents(pool))


def progress(accepted: int, tokens: int = 0) -> JobProgress:
    return JobProgress(
        accepted=accepted,
        target=20,
        drafts=accepted,
        tokens=tokens,
        acceptance=1.0 if accepted else None,
        tokens_per_accepted=None,
        in_flight=0,
        tokens_per_second=0,
        seconds_left=None,
    )
