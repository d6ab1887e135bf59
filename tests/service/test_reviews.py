"""Review marks in a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.review import Review, ReviewMark
from service.reviews import ReviewStore
from tests.support.service_jobs import Jobs, jobs_in

GOOD = ReviewMark(language="good", content="good")
BAD = ReviewMark(language="bad", note="Kalko bat.")


@pytest.fixture
async def jobs(database: str) -> AsyncIterator[Jobs]:
    async with jobs_in(database) as found:
        yield found


def said(reviews: tuple[Review, ...] | list[Review]) -> list[tuple[str, str, str | None]]:
    return [(review.row_id, review.reviewer, review.language) for review in reviews]


async def test_a_reviewer_has_one_mark_for_a_row(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    first = await store.put(job.id, "row-1", "ane", GOOD)
    again = await store.put(job.id, "row-1", "ane", BAD)
    assert first is not None and again is not None
    assert (again.language, again.content, again.note) == ("bad", None, "Kalko bat.")
    assert again.at > first.at
    await store.put(job.id, "row-1", "jon", GOOD)
    assert said(await store.page(job.id, None, 10)) == [("row-1", "ane", "bad"), ("row-1", "jon", "good")]


async def test_pages_meet_and_can_be_one_reviewers(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    for row in ("row-1", "row-2", "row-3"):
        for reviewer in ("ane", "jon"):
            await store.put(job.id, row, reviewer, GOOD)
    found: list[Review] = []
    while page := await store.page(job.id, (found[-1].row_id, found[-1].reviewer) if found else None, 4):
        found += page
    assert len({(review.row_id, review.reviewer) for review in found}) == len(found) == 6
    assert [review.row_id for review in await store.page(job.id, None, 10, "jon")] == ["row-1", "row-2", "row-3"]
    other = await jobs.build()
    assert await store.page(other.id, None, 10) == []


async def test_a_mark_is_taken_back_once(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    await store.put(job.id, "row-1", "ane", GOOD)
    assert not await store.delete(job.id, "row-1", "jon")
    assert await store.delete(job.id, "row-1", "ane")
    assert not await store.delete(job.id, "row-1", "ane")
    assert await store.to_publish(job.id) == ()


async def test_publications_have_numbers_that_stay_in_place_of_names(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    await store.put(job.id, "row-1", "jon", GOOD)
    await store.put(job.id, "row-1", "ane", GOOD)
    assert said(await store.to_publish(job.id)) == [("row-1", "reviewer-1", "good"), ("row-1", "reviewer-2", "good")]
    await store.delete(job.id, "row-1", "jon")
    await store.put(job.id, "row-2", "miren", BAD)
    await store.put(job.id, "row-3", "jon", BAD)
    assert said(await store.to_publish(job.id)) == [
        ("row-1", "reviewer-2", "good"),
        ("row-2", "reviewer-3", "bad"),
        ("row-3", "reviewer-1", "bad"),
    ]


async def test_new_reviewers_at_once_get_different_numbers(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    await asyncio.gather(*(store.put(job.id, "row-1", f"key-{number}", GOOD) for number in range(12)))
    numbers = {review.reviewer for review in await store.to_publish(job.id)}
    assert numbers == {f"reviewer-{number + 1}" for number in range(12)}


async def test_marks_go_with_their_job(jobs: Jobs) -> None:
    job, store = await jobs.build(), ReviewStore(jobs.pool)
    await store.put(job.id, "row-1", "ane", GOOD)
    await jobs.store.cancel(job.id)

    async def nothing() -> None:
        """There is no build directory."""

    assert await jobs.store.delete(job.id, nothing)
    assert await store.page(job.id, None, 10) == []
    assert await store.put(job.id, "row-1", "ane", GOOD) is None
