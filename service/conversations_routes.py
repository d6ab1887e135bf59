"""The conversations of a build: accepted ones, or dropped drafts with their reasons."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from pipeline.reader import BuildReader
from schemas.errors import BuildDirectoryError
from schemas.pages import AcceptedPage, DroppedDraft, DroppedPage
from service.access import Reader
from service.evidence import offending_segment
from service.finding import JobId, find_build, version_of
from service.places import build_of
from service.problems import ProblemError, bad_field, documented
from service.state import TheService

router = APIRouter(prefix="/v1/jobs", tags=["conversations"], responses=documented(401, 403, 422, 429, 503))


@router.get(
    "/{job_id}/conversations",
    summary="Read conversations",
    response_model=AcceptedPage | DroppedPage,
    responses=documented(404, 409, 410),
)
async def conversations(
    service: TheService,
    _: Reader,
    job_id: JobId,
    verdict: Literal["accepted", "dropped"] = "accepted",
    reason: Annotated[str | None, Query(description="of dropped ones: this reason only", max_length=200)] = None,
    after: Annotated[int, Query(ge=0, lt=1 << 63, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """A page of a build's conversations, also while it runs; `next` is null when there are no more as yet."""
    if reason is not None and verdict == "accepted":
        raise bad_field("reason", "accepted conversations have none; ask for verdict=dropped")

    def read() -> AcceptedPage | DroppedPage:
        reader = BuildReader(build_of(job_id, service.settings))
        if verdict == "accepted":
            rows = reader.accepted(after, limit)
            return AcceptedPage(items=tuple(row for _, row in rows), next=rows[-1][0] if len(rows) == limit else None)
        drops = reader.dropped(reason, after, limit)
        items = tuple(DroppedDraft(**drop.model_dump(), segment=offending_segment(drop)) for _, drop in drops)
        return DroppedPage(items=items, next=drops[-1][0] if len(drops) == limit else None)

    async def page() -> AcceptedPage | DroppedPage:
        job = await find_build(service, job_id)
        try:
            return await asyncio.to_thread(read)
        except BuildDirectoryError as error:
            if job.state.final and job.attempts:
                raise ProblemError(410, "the build directory of this job is no longer there") from error
            return AcceptedPage(items=(), next=None) if verdict == "accepted" else DroppedPage(items=(), next=None)

    asked = ("conversations", job_id, verdict, reason, after, limit)
    return await service.answers.of(asked, await version_of(service, job_id), page)
