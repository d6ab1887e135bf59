"""What keys may use, in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from schemas.job import Job, PublicationRequest
from schemas.keys import Caller, Limits, Scope, Usage
from service.job_store import Submission
from service.keys import KeyStore
from service.problems import ProblemError
from service.quotas import SPENT, add_usage
from tests.support.service_jobs import LOCAL, RECIPE, Jobs, anything, jobs_in


async def caller(keys: KeyStore, name: str, **limits: int) -> Caller:
    key, _ = await keys.create(name, [Scope.SUBMIT], limits=Limits(**limits))
    return Caller(key_id=key.id, name=key.name, scopes=key.scopes, limits=key.limits)


async def submitted(jobs: Jobs, keys: KeyStore, who: Caller, **options: Any) -> Job:
    made = await jobs.store.create(Submission(who, recipe=RECIPE, **options), keys.admission(who, "build"))
    assert made is not None
    return made[0]


async def use(jobs: Jobs, who: Caller, conversations: int, tokens: int) -> None:
    async with jobs.pool.connection() as connection:
        await add_usage(connection, who.key_id, conversations, tokens)


async def refused(asked: Awaitable[Any]) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await asked
    assert caught.value.status_code == 429
    return caught.value


def wait_of(refusal: ProblemError) -> int:
    assert refusal.headers is not None
    return int(refusal.headers["Retry-After"])


async def test_use_is_booked_by_key_and_day(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane, jon = await caller(keys, "ane"), await caller(keys, "jon")
        for who, conversations, tokens in ((ane, 2, 300), (ane, 1, 50), (jon, 5, 7), (LOCAL, 9, 9)):
            await use(jobs, who, conversations, tokens)
        job = await submitted(jobs, keys, ane)
        await submitted(jobs, keys, LOCAL)
        await submitted(jobs, keys, LOCAL)
        assert await keys.usage(ane.key_id) == Usage(unfinished_jobs=1, conversations_today=3, tokens_today=350)
        assert await keys.usage(jon.key_id) == Usage(conversations_today=5, tokens_today=7)
        assert await keys.usage(None) == Usage(unfinished_jobs=2)
        await jobs.store.cancel(job.id)
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE usage SET day = day - 1")
        assert await keys.usage(ane.key_id) == Usage()


@pytest.mark.parametrize(
    ("limits", "used", "spent"),
    [
        ({"tokens_a_day": 100}, (0, 99), False),
        ({"tokens_a_day": 100}, (0, 100), True),
        ({"conversations_a_day": 10}, (9, 1 << 40), False),
        ({"conversations_a_day": 10}, (11, 0), True),
        ({"unfinished_jobs": 5}, (1 << 40, 1 << 40), False),
    ],
)
async def test_builds_of_a_key_that_has_used_up_its_day_wait_and_new_ones_are_refused(
    database: str, limits: dict[str, int], used: tuple[int, int], spent: bool
) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane, jon = await caller(keys, "ane", **limits), await caller(keys, "jon")
        hers = await submitted(jobs, keys, ane)
        others = {(await submitted(jobs, keys, who)).id for who in (jon, LOCAL)}
        await use(jobs, ane, *used)
        with psycopg.connect(database) as connection:
            rows = connection.execute(f"SELECT id FROM jobs WHERE NOT {SPENT}").fetchall()  # noqa: S608
            assert {row[0] for row in rows} == (others if spent else {*others, hers.id})
            if spent:
                refusal = await refused(submitted(jobs, keys, ane))
                assert "used up its" in refusal.detail and "00:00 UTC" in refusal.detail
                now = datetime.now(UTC)
                midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
                assert abs(wait_of(refusal) - (midnight - now).total_seconds()) < 60
            else:
                await submitted(jobs, keys, ane)
            await submitted(jobs, keys, jon)
            connection.execute("UPDATE usage SET day = day - 1")
        await submitted(jobs, keys, ane)


async def test_a_publication_spends_nothing_and_is_not_refused(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane = await caller(keys, "ane", tokens_a_day=1, unfinished_jobs=2)
        build = await submitted(jobs, keys, ane)
        await use(jobs, ane, 1, 1)
        publication = Submission(ane, build=build, publication=PublicationRequest())
        assert await jobs.store.create(publication, keys.admission(ane, "publication")) is not None
        await refused(jobs.store.create(publication, keys.admission(ane, "publication")))


async def test_a_hundred_submissions_at_once_make_no_more_jobs_than_a_key_may_have(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane, jon = await caller(keys, "ane", unfinished_jobs=3), await caller(keys, "jon", unfinished_jobs=100)
        asked = [submitted(jobs, keys, who) for _ in range(100) for who in (ane, jon)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, Job) for answer in answers[::2]) == 3
        refusals = [answer for answer in answers[::2] if not isinstance(answer, Job)]
        assert all(isinstance(one, ProblemError) and wait_of(one) == 60 for one in refusals), refusals
        assert all(isinstance(answer, Job) for answer in answers[1::2])
        assert (await keys.usage(ane.key_id)).unfinished_jobs == 3
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT count(*) FROM job_events").fetchall() == [(103,)]


async def test_the_same_submission_a_hundred_times_counts_once(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane = await caller(keys, "ane", unfinished_jobs=1)
        asked = (submitted(jobs, keys, ane, idempotency_key="one") for _ in range(100))
        assert len({job.id for job in await asyncio.gather(*asked)}) == 1


async def test_a_job_that_has_ended_makes_room_which_a_retry_takes_again(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        ane = await caller(keys, "ane", unfinished_jobs=2)
        first, second = await submitted(jobs, keys, ane), await submitted(jobs, keys, ane)
        await jobs.store.pause(second.id)
        refusal = await refused(submitted(jobs, keys, ane))
        assert "the key ane may have 2 unfinished jobs, and has them" in refusal.detail
        assert await jobs.store.resume(second.id, keys.admission(ane, "build")) is not None
        await jobs.store.cancel(first.id)
        await submitted(jobs, keys, ane)
        await refused(jobs.store.retry(first.id, keys.admission(ane, "build")))
        assert await jobs.state(first) == "cancelled"


async def test_what_is_sampled_without_a_job_is_paid_from_the_day_too(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        for who in (await caller(keys, "ane", tokens_a_day=100), LOCAL):
            async with keys.spending(who) as spend:
                spend(99)
            async with keys.spending(who):
                pass
            with pytest.raises(RuntimeError, match="cut short"):
                async with keys.spending(who) as spend:
                    spend(1)
                    raise RuntimeError("cut short")
            assert (await keys.usage(who.key_id)).tokens_today == (0 if who is LOCAL else 100)
        ane = (await keys.all())[0]
        spent = Caller(key_id=ane.id, name=ane.name, scopes=ane.scopes, limits=ane.limits)
        refusal = await refused(keys.spending(spent).__aenter__())
        assert "has used up its 100 tokens of today" in refusal.detail


async def test_requests_without_a_key_have_no_quota(database: str) -> None:
    async with jobs_in(database) as jobs:
        keys = KeyStore(jobs.pool)
        for _ in range(20):
            await submitted(jobs, keys, LOCAL)
        assert await jobs.store.create(Submission(LOCAL, recipe=RECIPE), anything) is not None
