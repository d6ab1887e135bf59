"""The states of a job, in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from schemas.errors import ServiceError, SettingsError
from schemas.job import Job, JobState, PublicationRequest
from schemas.recipe import Recipe
from service.database import open_pool, prepare
from service.job_store import Claim, JobStore
from service.work_queue import WorkQueue
from tests.support.service_servers import submission

RECIPE = Recipe.model_validate(submission())


@pytest.fixture
async def store(database: str) -> AsyncIterator[JobStore]:
    await prepare(database)
    async with open_pool(database, "iturri-test") as pool:
        yield JobStore(pool, WorkQueue().enqueue, "iturri-test")


def entries(database: str, job_id: str) -> list[int]:
    """The job's entries in the queue, oldest first."""
    with psycopg.connect(database) as connection:
        query = "SELECT id FROM procrastinate_jobs WHERE lock = %s AND args = jsonb_build_object('job_id', %s::text)"
        return [row[0] for row in connection.execute(f"{query} ORDER BY id", [job_id, job_id]).fetchall()]


async def claimed(store: JobStore, database: str) -> tuple[Job, Claim]:
    job = await store.create_build(RECIPE)
    claim = Claim(job.id, entries(database, job.id)[-1])
    assert await store.claim(claim) is not None
    return job, claim


async def state(store: JobStore, job: Job) -> JobState:
    found = await store.get(job.id)
    assert found is not None
    return found.state


async def test_a_new_job_is_queued_with_its_id_alone(store: JobStore, database: str) -> None:
    job = await store.create_build(RECIPE)
    assert (job.state, job.attempts, job.build_id) == (JobState.QUEUED, 0, None)
    assert Recipe.model_validate(job.recipe) == RECIPE
    assert len(entries(database, job.id)) == 1
    publication = await store.create_publication(job.id, PublicationRequest(repo="eu/proba"))
    assert (publication.build_id, publication.publication) == (job.id, PublicationRequest(repo="eu/proba"))
    assert await store.get("none") is None


async def test_only_one_of_many_claims_succeeds(store: JobStore, database: str) -> None:
    job = await store.create_build(RECIPE)
    claim = Claim(job.id, entries(database, job.id)[0])
    assert await store.claim(Claim(job.id, claim.queue_id + 1)) is None
    won = [found for found in await asyncio.gather(*(store.claim(claim) for _ in range(8))) if found is not None]
    assert [(found.state, found.attempts) for found in won] == [(JobState.RUNNING, 1)]


async def test_an_end_is_written_once(store: JobStore, database: str) -> None:
    job, claim = await claimed(store, database)
    done = await store.succeed(claim, {"conversations": 20})
    assert done is not None and (done.state, done.result) == (JobState.SUCCEEDED, {"conversations": 20})
    assert await store.fail(claim, "late") is None
    assert await store.give_back(claim.queue_id) is None
    assert await store.cancel(job.id) is None
    assert await state(store, job) is JobState.SUCCEEDED


async def test_who_has_lost_the_job_changes_nothing(store: JobStore, database: str) -> None:
    job, old = await claimed(store, database)
    again = await store.give_back(old.queue_id)
    assert again is not None and again.state is JobState.QUEUED
    assert not await store.still_runs(old)
    assert await store.claim(old) is None
    new = Claim(job.id, entries(database, job.id)[-1])
    assert new.queue_id > old.queue_id
    taken = await store.claim(new)
    assert taken is not None and taken.attempts == 2
    assert await store.succeed(old, {}) is None
    assert await store.fail(old, "late") is None
    assert await store.give_back(old.queue_id) is None
    assert await store.still_runs(new)


@pytest.mark.parametrize("how", ["succeed", "fail", "give_back"])
async def test_a_job_that_is_being_cancelled_ends_as_cancelled(store: JobStore, database: str, how: str) -> None:
    job, claim = await claimed(store, database)
    asked = await store.cancel(job.id)
    assert asked is not None and asked.state is JobState.CANCELLING
    assert not await store.still_runs(claim)
    endings: dict[str, Any] = {
        "succeed": lambda: store.succeed(claim, {}),
        "fail": lambda: store.fail(claim, "an error"),
        "give_back": lambda: store.give_back(claim.queue_id),
    }
    ended = await endings[how]()
    assert ended.state is JobState.CANCELLED
    assert len(entries(database, job.id)) == 1


async def test_a_queued_job_is_cancelled_at_once(store: JobStore, database: str) -> None:
    job = await store.create_build(RECIPE)
    cancelled = await store.cancel(job.id)
    assert cancelled is not None and cancelled.state is JobState.CANCELLED
    assert await store.claim(Claim(job.id, entries(database, job.id)[0])) is None


async def test_orphans_are_jobs_that_nobody_will_run(store: JobStore, database: str) -> None:
    waiting = await store.create_build(RECIPE)
    _, running = await claimed(store, database)
    _, dead = await claimed(store, database)
    lost = await store.create_build(RECIPE)
    lost_entry = entries(database, lost.id)[0]
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock <> %s", [waiting.id])
        connection.execute("UPDATE jobs SET runner = 'iturri-dead' WHERE id = %s", [dead.job_id])
        connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [lost_entry])
    assert sorted(await store.orphans()) == sorted([dead.queue_id, lost_entry])
    assert running.queue_id not in await store.orphans()


async def test_preparing_again_and_at_once_changes_nothing(database: str) -> None:
    await asyncio.gather(*(prepare(database) for _ in range(4)))
    async with open_pool(database, "iturri-test") as pool:
        job = await JobStore(pool, WorkQueue().enqueue, "iturri-test").create_build(RECIPE)
        await prepare(database)
        assert await JobStore(pool, WorkQueue().enqueue, "iturri-test").get(job.id) == job


async def test_a_database_that_is_not_there(tmp_path: object) -> None:
    with pytest.raises(ServiceError, match="the database cannot be used"):
        await prepare(f"postgresql:///none?host={tmp_path}")
    with pytest.raises(SettingsError, match="ITURRI_DATABASE_URL") as caught:
        await prepare("mysql://user:hush@host/name nonsense")
    assert "hush" not in str(caught.value)


async def test_an_error_with_a_zero_character_is_written_down(store: JobStore, database: str) -> None:
    _, claim = await claimed(store, database)
    failed = await store.fail(claim, "a\0b")
    assert failed is not None and (failed.state, failed.error) == (JobState.FAILED, "a\N{REPLACEMENT CHARACTER}b")
