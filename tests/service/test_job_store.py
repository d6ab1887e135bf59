"""Jobs as those see them who ask for them, in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from schemas.errors import ServiceError, SettingsError
from schemas.job import Job, JobState, PublicationRequest
from schemas.recipe import Recipe
from service.database import prepare
from service.job_store import Filter, Submission
from service.problems import ProblemError
from tests.support.service_jobs import LOCAL, RECIPE, Jobs, anything, jobs_in


@pytest.fixture
async def jobs(database: str) -> AsyncIterator[Jobs]:
    async with jobs_in(database) as found:
        yield found


async def test_a_new_job_is_queued_and_has_an_entry(jobs: Jobs) -> None:
    job = await jobs.build()
    assert (job.state, job.attempts, job.build_id, job.key) == (JobState.QUEUED, 0, None, "local")
    assert Recipe.model_validate(job.recipe) == RECIPE
    publication = await jobs.publication(job, "eu/proba")
    assert (publication.build_id, publication.publication) == (job.id, PublicationRequest(repo="eu/proba"))
    assert await jobs.entries() == 2
    assert await jobs.store.get("none") is None
    assert await jobs.store.owner(job.id) == (None, "local")
    assert await jobs.store.owner("none") is None


async def test_one_idempotency_key_makes_one_job_however_often_and_however_fast(jobs: Jobs) -> None:
    asked = Submission(LOCAL, recipe=RECIPE, idempotency_key="one")
    made = await asyncio.gather(*(jobs.store.create(asked, anything) for _ in range(100)))
    assert all(made)
    assert len({found[0].id for found in made if found}) == 1
    assert sum(found[1] for found in made if found) == 1
    assert await jobs.entries() == 1


async def test_an_idempotency_key_is_one_request_of_one_key(jobs: Jobs) -> None:
    first = await jobs.build(idempotency_key="one")
    other = RECIPE.model_copy(update={"seed": 7})
    assert await jobs.store.create(Submission(LOCAL, recipe=other, idempotency_key="one"), anything) is None
    ane = await jobs.key("ane")
    assert (await jobs.build(ane, idempotency_key="one")).id != first.id
    asked = Submission(LOCAL, build=first, publication=PublicationRequest(), idempotency_key="one")
    assert await jobs.store.create(asked, anything) is None


async def test_a_build_of_an_earlier_version_can_be_asked_to_be_published(jobs: Jobs) -> None:
    build = await jobs.build()
    assert build.recipe is not None
    old = {**build.recipe, "publish": {"licence": "any text"}}
    asked = Submission(LOCAL, build=build.model_copy(update={"recipe": old}), publication=PublicationRequest())
    made = await jobs.store.create(asked, anything)
    assert made is not None
    assert made[0].build_id == build.id


async def test_what_is_not_admitted_leaves_nothing_behind(jobs: Jobs) -> None:
    async def refuse(_: Any) -> None:
        raise ServiceError("not now")

    with pytest.raises(ServiceError, match="not now"):
        await jobs.store.create(Submission(LOCAL, recipe=RECIPE, idempotency_key="one"), refuse)
    assert await jobs.store.page(None, 10, Filter()) == []
    assert await jobs.entries() == 0
    job = await jobs.build(idempotency_key="one")
    await jobs.store.pause(job.id)
    with pytest.raises(ServiceError, match="not now"):
        await jobs.store.resume(job.id, refuse)
    assert await jobs.state(job) == "paused"


async def test_pages_go_back_in_time_and_keep_to_what_is_asked(jobs: Jobs) -> None:
    ane = await jobs.key("ane")
    builds = [await jobs.build() for _ in range(3)]
    hers = await jobs.build(ane)
    publication = await jobs.publication(builds[0])
    await jobs.store.cancel(builds[1].id)

    async def ids(**asked: Any) -> list[str]:
        page = await jobs.store.page(None, 10, Filter(**asked))
        return [job.id for job in await jobs.store.several([row.number for row in page])]

    assert await ids() == [publication.id, hers.id, *(job.id for job in builds[::-1])]
    assert await ids(state=JobState.CANCELLED) == [builds[1].id]
    assert await ids(kind="publication") == [publication.id]
    assert await ids(key="ane") == [hers.id]
    assert await ids(build_id=builds[0].id) == [publication.id]
    assert await ids(language="gl") == await ids(name="other") == []
    first = await jobs.store.page(None, 2, Filter())
    second = [row.number for row in await jobs.store.page(first[-1].number, 2, Filter())]
    assert [job.id for job in await jobs.store.several(second)] == [builds[2].id, builds[1].id]


async def test_a_queued_job_is_paused_resumed_and_cancelled_at_once(jobs: Jobs) -> None:
    job = await jobs.build()
    assert await changed(jobs.store.pause(job.id)) == "paused"
    assert await changed(jobs.store.pause(job.id)) == "paused"
    assert await jobs.claims.next("build", await jobs.entry()) is None
    assert await changed(jobs.store.resume(job.id, anything)) == "queued"
    assert await jobs.entries() == 1
    assert await jobs.store.resume(job.id, anything) is None
    assert await changed(jobs.store.cancel(job.id)) == "cancelled"
    assert await jobs.store.pause(job.id) is None
    assert await changed(jobs.store.retry(job.id, anything)) == "queued"
    assert await jobs.store.retry(job.id, anything) is None
    events = await jobs.events.read(job.id, 0)
    assert [event.state.value for event in events][-4:] == ["paused", "queued", "cancelled", "queued"]
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def changed(asked: Any) -> str:
    job: Job | None = await asked
    assert job is not None
    return job.state.value


async def test_only_what_stands_still_is_deleted(jobs: Jobs, database: str) -> None:
    removed: list[str] = []

    async def remove() -> None:
        removed.append("gone")

    job = await jobs.build()
    assert not await jobs.store.delete(job.id, remove)
    await jobs.claimed()
    assert not await jobs.store.delete(job.id, remove)
    await jobs.store.cancel(job.id)
    assert not await jobs.store.delete(job.id, remove) and removed == []
    other = await jobs.build()
    await jobs.store.pause(other.id)
    publication = await jobs.publication(other)
    assert not await jobs.store.delete(other.id, remove)
    await jobs.store.cancel(publication.id)
    assert await jobs.store.delete(other.id, remove)
    assert removed == ["gone"]
    assert await jobs.store.get(other.id) is None
    kept = await jobs.store.get(publication.id)
    assert kept is not None and kept.build_id == other.id
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM job_events WHERE job_id = %s", [other.id]).fetchone() == (0,)


async def test_a_deletion_that_cannot_be_finished_is_none(jobs: Jobs) -> None:
    async def fail() -> None:
        raise OSError("the disk is gone")

    job = await jobs.build()
    await jobs.store.cancel(job.id)
    with pytest.raises(OSError, match="the disk is gone"):
        await jobs.store.delete(job.id, fail)
    assert await jobs.state(job) == "cancelled"


async def test_preparing_again_and_at_once_changes_nothing(database: str) -> None:
    await asyncio.gather(*(prepare(database) for _ in range(4)))
    async with jobs_in(database) as jobs:
        job = await jobs.build()
        before = await jobs.store.get(job.id)
        await prepare(database)
        assert await jobs.store.get(job.id) == before


async def test_a_database_that_is_not_there(tmp_path: object) -> None:
    with pytest.raises(ServiceError, match="the database cannot be used"):
        await prepare(f"postgresql:///none?host={tmp_path}")
    with pytest.raises(SettingsError, match="ITURRI_DATABASE_URL") as caught:
        await prepare("mysql://user:hush@host/name nonsense")
    assert "hush" not in str(caught.value)


async def test_what_changes_nothing_is_no_event(jobs: Jobs) -> None:
    cancelled, paused = await jobs.build(), await jobs.build()
    await jobs.store.cancel(cancelled.id)
    await jobs.store.pause(paused.id)
    for _ in range(3):
        again = await jobs.store.cancel(cancelled.id)
        assert again is not None and again.state is JobState.CANCELLED
        same = await jobs.store.pause(paused.id)
        assert same is not None and same.state is JobState.PAUSED
        assert await jobs.store.set_priority(paused.id, 0) is not None
    assert await jobs.store.set_priority(cancelled.id, 0) is None
    assert await jobs.store.pause(cancelled.id) is None
    for job in (cancelled, paused):
        assert await jobs.store.version(job.id) == 2 == len(await jobs.events.read(job.id, 0))


async def test_a_publication_of_a_build_that_is_being_deleted_is_refused(jobs: Jobs) -> None:
    build = await jobs.build()
    await jobs.store.cancel(build.id)
    removing, go = asyncio.Event(), asyncio.Event()

    async def remove() -> None:
        removing.set()
        await go.wait()

    deleting = asyncio.create_task(jobs.store.delete(build.id, remove))
    await removing.wait()
    publishing = asyncio.create_task(jobs.publication(build))
    await asyncio.sleep(0.1)
    go.set()
    assert await deleting
    with pytest.raises(ProblemError, match=f"there is no job {build.id} any more"):
        await publishing
    assert await jobs.store.page(None, 10, Filter()) == []


async def test_times_of_events_go_forward(jobs: Jobs, database: str) -> None:
    """A change that had to wait for another one's lock is told after it, at a later time."""
    job = await jobs.build()
    async with await psycopg.AsyncConnection.connect(database) as held:
        await held.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [job.id])
        waiting = asyncio.create_task(jobs.store.pause(job.id))
        await asyncio.sleep(0.1)
        await held.execute("UPDATE jobs SET updated = clock_timestamp() WHERE id = %s", [job.id])
        (before,) = await (await held.execute("SELECT updated FROM jobs WHERE id = %s", [job.id])).fetchone() or ()
    paused = await waiting
    assert paused is not None and paused.updated > before
    assert (await jobs.events.read(job.id, 0))[-1].at == paused.updated
