"""Reviews: conversations of a build, marked good or bad by people."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.openapi.models import Example

from pipeline.reader import BuildReader
from schemas.errors import BuildDirectoryError
from schemas.job import Job
from schemas.pages import ReviewPage
from schemas.review import Review, ReviewMark
from service.access import Reader, Reviewer
from service.finding import JobId, find_build
from service.places import build_of
from service.problems import ProblemError, bad_field, documented
from service.state import Service, TheService

router = APIRouter(prefix="/v1/jobs", tags=["reviews"], responses=documented(401, 403, 404, 409, 422, 429, 503))

RowId = Annotated[str, Path(description="the row's id", max_length=128, pattern="^[0-9A-Za-z_.-]+$")]
_BETWEEN = "~"  # neither ids of rows nor names of keys have it
_EXAMPLES: dict[str, Example] = {
    "mark": {
        "summary": "Well written, and wrong",
        "value": {"language": "good", "content": "bad", "note": "Data hori ez da zuzena."},
    }
}


@router.get("/{job_id}/reviews", summary="Read reviews")
async def reviews(
    service: TheService,
    caller: Reader,
    job_id: JobId,
    after: Annotated[
        str | None, Query(description="`next` of the page before", max_length=200, pattern=r"^[0-9A-Za-z_.~-]+$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    mine: Annotated[bool, Query(description="those of this key only")] = False,
) -> ReviewPage:
    """A page of what people have said of the conversations of a build."""
    await find_build(service, job_id)
    row, between, reviewer = (after or "").partition(_BETWEEN)
    if after is not None and not between:
        raise bad_field("after", "is no `next` of a page; leave it out to begin")
    start = None if after is None else (row, reviewer)
    found = await service.reviews.page(job_id, start, limit + 1, caller.name if mine else None)
    page = found[:limit]
    more = f"{page[-1].row_id}{_BETWEEN}{page[-1].reviewer}" if len(found) > limit else None
    return ReviewPage(items=tuple(page), next=more)


@router.put("/{job_id}/reviews/{row_id}", summary="Mark a conversation", responses=documented(410, 413))
async def put_review(
    service: TheService,
    caller: Reviewer,
    job_id: JobId,
    row_id: RowId,
    mark: Annotated[ReviewMark, Body(openapi_examples=_EXAMPLES)],
) -> Review:
    """Say whether an accepted conversation is good or bad, in place of what this key said of it before.

    Marks are published with the build, as a config of their own, under numbers in place of the names of keys.
    """
    job = await find_build(service, job_id)
    await asyncio.to_thread(_check_row, service, job, row_id)
    review = await service.reviews.put(job_id, row_id, caller.name, mark)
    if review is None:
        raise ProblemError(404, f"there is no job {job_id}")
    return review


@router.delete("/{job_id}/reviews/{row_id}", status_code=204, summary="Take a mark back", response_class=Response)
async def delete_review(service: TheService, caller: Reviewer, job_id: JobId, row_id: RowId) -> None:
    """Take back what this key has said of a conversation."""
    await find_build(service, job_id)
    if not await service.reviews.delete(job_id, row_id, caller.name):
        raise ProblemError(404, f"{caller.name} has not marked the row {row_id} of this build")


def _check_row(service: Service, job: Job, row_id: str) -> None:
    """Raises ProblemError when the build has no such row, or is gone."""
    try:
        there = BuildReader(build_of(job.id, service.settings)).holds(row_id)
    except BuildDirectoryError as error:
        if job.state.final and job.attempts:
            raise ProblemError(410, "the build directory of this job is no longer there") from error
        there = False
    if not there:
        raise ProblemError(404, f"this build has accepted no row {row_id}")
