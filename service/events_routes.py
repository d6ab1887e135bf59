"""A job as it gets on: a stream of its events, and how it got there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from schemas.pages import ProgressHistory, ProgressPoint
from service.access import Reader
from service.finding import JobId, find
from service.problems import documented
from service.state import TheService

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented(401, 403, 404, 422, 429, 503))

_MOST_POINTS = 2000


async def _exists(service: TheService, _: Reader, job_id: JobId) -> str:
    """The id of a job that is there, found out before the answer begins."""
    return (await find(service, job_id)).id


@router.get("/{job_id}/events", summary="Follow a job", response_class=EventSourceResponse)
async def events(
    service: TheService,
    job_id: Annotated[str, Depends(_exists)],
    after: Annotated[int, Query(ge=0, lt=1 << 31, description="the number of the last event that is known")] = 0,
    last_event_id: Annotated[
        str | None, Header(pattern="^[0-9]{1,9}$", description="the same, as browsers send it when they come back")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: those above the number that are kept, then those to come, to the end of the job.

    `event` is `state` or `progress`, `id` the event's number within the job, `data` a JobEvent. All changes of state
    are kept; points of progress are thinned out as a job grows old.
    """
    known = after if last_event_id is None else int(last_event_id)
    async with aclosing(service.events.follow(job_id, known)) as following:
        async for event in following:
            yield ServerSentEvent(raw_data=event.model_dump_json(), event=event.kind, id=str(event.number))


@router.get("/{job_id}/progress", summary="How a build got on")
async def progress(service: TheService, _: Reader, job_id: JobId) -> ProgressHistory:
    """For plots over time: throughput, acceptance, cost."""
    await find(service, job_id)
    kept = await service.events.read(job_id, 0, _MOST_POINTS, "progress")
    return ProgressHistory(
        items=tuple(
            ProgressPoint(number=event.number, at=event.at, progress=event.progress)
            for event in kept
            if event.progress is not None
        )
    )
