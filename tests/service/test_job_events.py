"""Following a job: nothing missed, nothing twice, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.funnel import Funnel
from schemas.job import JobEvent
from service import job_events
from tests.support.service_jobs import Jobs, jobs_in, progress

FUNNEL = Funnel(target=20)


@pytest.fixture
async def jobs(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Jobs]:
    monkeypatch.setattr(job_events, "_POLL_S", 0.01)
    async with jobs_in(database) as found, found.events.polling():
        yield found


async def followed(jobs: Jobs, job_id: str, after: int = 0) -> list[JobEvent]:
    return [event async for come in jobs.events.follow(job_id, after) for event in come]


async def test_every_reader_gets_all_from_its_number_to_the_end(jobs: Jobs) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    following = [asyncio.create_task(followed(jobs, job.id, after)) for after in (0, 0, 1, 2)]
    for accepted in range(20):
        await jobs.claims.note(claim, progress(accepted), FUNNEL)
        if accepted == 10:
            following.append(asyncio.create_task(followed(jobs, job.id, 5)))
    await jobs.claims.succeed(claim, {})
    numbers = [[event.number for event in found] for found in await asyncio.gather(*following)]
    assert numbers == [list(range(first, 24)) for first in (1, 1, 2, 3, 6)]
    assert not jobs.events._readers


async def test_a_job_that_has_ended_is_told_and_that_is_all(jobs: Jobs) -> None:
    job = await jobs.build()
    await jobs.store.cancel(job.id)
    assert [event.state.value for event in await followed(jobs, job.id)] == ["queued", "cancelled"]
    assert await followed(jobs, job.id, 2) == []
    assert await followed(jobs, "none") == []


async def test_who_follows_a_job_that_is_deleted_comes_to_an_end(jobs: Jobs) -> None:
    async def nothing() -> None:
        pass

    job = await jobs.build()
    following = jobs.events.follow(job.id, 0)
    assert [event.state.value for event in await anext(following)] == ["queued"]
    await jobs.store.pause(job.id)
    assert await jobs.store.delete(job.id, nothing)
    assert {event.state.value async for come in following for event in come} <= {"paused"}


async def test_who_goes_away_is_forgotten(jobs: Jobs) -> None:
    job = await jobs.build()
    following = jobs.events.follow(job.id, 0)
    assert [event.number for event in await anext(following)] == [1]
    assert len(jobs.events._readers[job.id]) == 1
    await following.aclose()
    assert not jobs.events._readers


async def test_who_reads_too_slowly_is_let_go_and_comes_back_with_its_number(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "_BACKLOG", 3)
    await jobs.build()
    job, claim = await jobs.claimed()
    async with jobs.events._subscribed(job.id) as coming:
        for accepted in range(6):
            await jobs.claims.note(claim, progress(accepted), FUNNEL)
            await jobs.events._poll()
        seen = [event.number async for event in _until_let_go(coming)]
    assert seen == sorted(seen) and len(seen) <= 3
    await jobs.claims.succeed(claim, {})
    back = [event.number for event in await followed(jobs, job.id, seen[-1])]
    assert back == list(range(seen[-1] + 1, 10))


async def _until_let_go(coming: asyncio.Queue[JobEvent | None]) -> AsyncIterator[JobEvent]:
    while (event := await coming.get()) is not None:
        yield event


async def test_while_nothing_happens_an_empty_batch_tells_that_the_stream_lives(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "_QUIET_S", 0.05)
    job = await jobs.build()
    following = jobs.events.follow(job.id, 1)
    assert await anext(following) == [] == await anext(following)
    await jobs.store.cancel(job.id)
    assert [event.state.value async for come in following for event in come] == ["cancelled"]


async def test_followers_end_with_the_server(database: str) -> None:
    async with jobs_in(database) as jobs:
        job = await jobs.build()
        async with jobs.events.polling():
            following = jobs.events.follow(job.id, 0)
            assert [event.number for event in await anext(following)] == [1]
        assert [event async for event in following] == []
