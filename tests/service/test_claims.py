"""Jobs as those see them who run them, in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from schemas.funnel import Funnel
from schemas.job import JobState
from service.claims import Claim
from tests.support.service_jobs import Jobs, anything, jobs_in, progress

FUNNEL = Funnel(target=20)


@pytest.fixture
async def jobs(database: str) -> AsyncIterator[Jobs]:
    async with jobs_in(database) as found:
        yield found


async def test_a_job_is_taken_up_once(jobs: Jobs) -> None:
    job = await jobs.build()
    entry = await jobs.entry()
    taken = await asyncio.gather(*(jobs.claims.next("build", entry + place) for place in range(8)))
    assert [(found.id, found.state, found.attempts) for found in taken if found] == [(job.id, JobState.RUNNING, 1)]
    assert await jobs.claims.next("publication", entry + 9) is None


async def test_one_entry_runs_one_job(jobs: Jobs) -> None:
    await jobs.build()
    await jobs.build()
    _, claim = await jobs.claimed()
    assert await jobs.claims.next("build", claim.queue_id) is None


async def test_keys_take_turns_and_priorities_order_the_jobs_of_one(jobs: Jobs) -> None:
    ane, jon = await jobs.key("ane"), await jobs.key("jon")
    hers = [await jobs.build(ane) for _ in range(3)]
    urgent = await jobs.build(ane, priority=5)
    his = [await jobs.build(jon, priority=-5) for _ in range(2)]
    order = [(await jobs.claimed())[0].id for _ in range(6)]
    assert order == [urgent.id, his[0].id, hers[0].id, his[1].id, hers[1].id, hers[2].id]


async def test_who_was_served_longest_ago_comes_next(jobs: Jobs) -> None:
    ane, jon = await jobs.key("ane"), await jobs.key("jon")
    for caller in (ane, ane, jon):
        await jobs.build(caller)
    for caller in (ane, jon, ane):
        job, claim = await jobs.claimed()
        assert job.key == caller.name
        await jobs.claims.succeed(claim, {})


async def test_what_was_begun_before_goes_on_first(jobs: Jobs) -> None:
    waiting = [await jobs.build() for _ in range(2)]
    begun, claim = await jobs.claimed()
    assert begun.id == waiting[0].id
    back = await jobs.claims.stopped(claim.queue_id)
    assert back is not None and back.state is JobState.QUEUED
    await jobs.build()
    assert (await jobs.claimed())[0].id == begun.id


async def test_an_end_is_written_once(jobs: Jobs) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    done = await jobs.claims.succeed(claim, {"conversations": 20})
    assert done is not None and (done.state, done.result) == (JobState.SUCCEEDED, {"conversations": 20})
    assert done.started is not None and done.finished is not None
    assert await jobs.claims.fail(claim, "late") is None
    assert await jobs.claims.stopped(claim.queue_id) is None
    assert await jobs.claims.note(claim, progress(1), FUNNEL) is None
    assert await jobs.store.cancel(job.id) is None
    assert await jobs.state(job) == "succeeded"


async def test_who_has_lost_the_job_changes_nothing(jobs: Jobs) -> None:
    await jobs.build()
    job, old = await jobs.claimed()
    again = await jobs.claims.stopped(old.queue_id)
    assert again is not None and again.state is JobState.QUEUED
    assert not await jobs.claims.goes_on(old)
    taken, new = await jobs.claimed()
    assert (taken.id, taken.attempts) == (job.id, 2) and new.queue_id != old.queue_id
    assert await jobs.claims.succeed(old, {}) is None
    assert await jobs.claims.fail(old, "late") is None
    assert await jobs.claims.note(old, progress(1), FUNNEL) is None
    assert await jobs.claims.stopped(old.queue_id) is None
    assert await jobs.claims.goes_on(new)


@pytest.mark.parametrize("how", ["succeed", "fail", "stopped"])
async def test_a_job_that_is_being_cancelled_ends_as_cancelled(jobs: Jobs, how: str) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    asked = await jobs.store.cancel(job.id)
    assert asked is not None and asked.state is JobState.CANCELLING
    assert not await jobs.claims.goes_on(claim)
    endings: dict[str, Any] = {
        "succeed": lambda: jobs.claims.succeed(claim, {}),
        "fail": lambda: jobs.claims.fail(claim, "an error"),
        "stopped": lambda: jobs.claims.stopped(claim.queue_id),
    }
    ended = await endings[how]()
    assert ended.state is JobState.CANCELLED and ended.finished is not None
    assert await jobs.entries() == 0


async def test_a_pause_is_acknowledged_before_it_can_be_resumed(jobs: Jobs) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    asked = await jobs.store.pause(job.id)
    assert asked is not None and asked.state is JobState.PAUSING
    assert not await jobs.claims.goes_on(claim)
    assert await jobs.store.resume(job.id, anything) is None
    paused = await jobs.claims.stopped(claim.queue_id)
    assert paused is not None and paused.state is JobState.PAUSED and await jobs.entries() == 0
    assert await jobs.store.resume(job.id, anything) is not None
    assert (await jobs.claimed())[0].attempts == 2


async def test_a_job_that_ends_while_it_is_asked_to_pause_has_ended(jobs: Jobs) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    await jobs.store.pause(job.id)
    assert (await jobs.claims.succeed(claim, {})) is not None
    assert await jobs.state(job) == "succeeded"


async def test_notes_are_events_and_book_what_a_key_has_used(jobs: Jobs, database: str) -> None:
    await jobs.build(await jobs.key("ane"))
    job, claim = await jobs.claimed()
    for accepted in (2, 5):
        assert await jobs.claims.note(claim, progress(accepted, 100 * accepted), FUNNEL) is not None
    await jobs.claims.stopped(claim.queue_id)
    _, claim = await jobs.claimed()
    await jobs.claims.note(claim, progress(6, 700), FUNNEL)
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT key_id, sum(conversations), sum(tokens) FROM usage GROUP BY key_id")
        assert found.fetchall() == [("ane", 6, 700)]
    events = await jobs.events.read(job.id, 0, kind="progress")
    assert [event.progress and event.progress.accepted for event in events] == [2, 5, 6]
    found_job = await jobs.store.get(job.id)
    assert found_job is not None and found_job.progress == progress(6, 700) and found_job.funnel == FUNNEL


async def test_a_long_job_keeps_all_its_states_and_about_a_thousand_points(jobs: Jobs, database: str) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO job_events (job_id, number, kind, state, progress, at)"
            " SELECT %(id)s, n, 'progress', 'running', %(progress)s, now() - (20000 - n) * interval '1 second'"
            " FROM generate_series(3, 1999) n",
            {"id": job.id, "progress": progress(1).model_dump_json()},
        )
        connection.execute("UPDATE jobs SET events = 2000 WHERE id = %s", [job.id])
    await jobs.claims.note(claim, progress(7), FUNNEL)
    points = await jobs.events.read(job.id, 0, 5000, "progress")
    assert 400 <= len(points) <= 1000
    assert points[-1].number == 2001 and points[-2].number == 1999
    gaps = [after.number - before.number for before, after in pairwise(points[:-1])]
    assert max(gaps) <= 2 * min(gaps) + 2
    states = await jobs.events.read(job.id, 0, 5000, "state")
    assert [event.state.value for event in states] == ["queued", "running"]


async def test_a_run_that_dies_is_tried_again_as_long_as_it_gets_anywhere(jobs: Jobs) -> None:
    await jobs.build()
    for grew in (False, True, False, False, False, False, False):
        _, claim = await jobs.claimed()
        again = await jobs.claims.set_back(claim, "it died", grew=grew)
        assert again is not None and (again.state, again.error) == (JobState.QUEUED, "it died")
    job, claim = await jobs.claimed()
    assert job.error is None
    given_up = await jobs.claims.set_back(claim, "it died", grew=False)
    assert given_up is not None and (given_up.state, given_up.error) == (JobState.FAILED, "it died")
    assert given_up.finished is not None and await jobs.entries() == 0
    assert await jobs.claims.set_back(claim, "late", grew=True) is None
    assert await jobs.store.retry(job.id, anything) is not None
    _, claim = await jobs.claimed()
    assert (await jobs.claims.set_back(claim, "it died", grew=False)) is not None
    assert await jobs.state(job) == "queued"


@pytest.mark.parametrize(("asked", "ended"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_a_run_that_dies_when_it_was_to_stop_has_stopped(jobs: Jobs, asked: str, ended: str) -> None:
    await jobs.build()
    job, claim = await jobs.claimed()
    await getattr(jobs.store, asked)(job.id)
    assert await jobs.claims.set_back(claim, "it died", grew=False) is not None
    assert await jobs.state(job) == ended and await jobs.entries() == 0


async def test_orphans_are_jobs_that_nobody_runs_any_more(jobs: Jobs, database: str) -> None:
    for _ in range(4):
        await jobs.build()
    _, running = await jobs.claimed()
    _, dead = await jobs.claimed()
    _, lost = await jobs.claimed()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE jobs SET runner = 'iturri-dead' WHERE id = %s", [dead.job_id])
        connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [lost.queue_id])
    assert sorted(await jobs.claims.orphans()) == sorted([dead.queue_id, lost.queue_id])
    assert await jobs.claims.goes_on(running)


async def test_entries_that_are_lost_are_made_up(jobs: Jobs, database: str) -> None:
    for _ in range(3):
        await jobs.build()
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    topped = await asyncio.gather(*(jobs.claims.top_up("build", "builds") for _ in range(4)))
    assert sum(topped) == 3 == await jobs.entries()
    assert await jobs.claims.top_up("publication", "publications") == 0


async def test_an_error_with_a_zero_character_is_written_down(jobs: Jobs) -> None:
    await jobs.build()
    _, claim = await jobs.claimed()
    failed = await jobs.claims.fail(claim, "a\0b")
    assert failed is not None and (failed.state, failed.error) == (JobState.FAILED, "a\N{REPLACEMENT CHARACTER}b")
    assert await jobs.claims.goes_on(Claim("none", 1)) is False
