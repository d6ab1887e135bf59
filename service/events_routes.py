"""A job as it gets on: a stream of its events, and how it got there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import lru_cache
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from schemas.job import JobEvent
from schemas.pages import ProgressHistory, ProgressPoint
from service.access import Reader
from service.finding import JobId, version_of
from service.problems import documented
from service.state import TheService

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented(401, 403, 404, 422, 429, 503))

_MOST_POINTS: Final = 2000
_STREAM: Final = "text/event-stream"
_EVENT: Final = {
    "type": "object",
    "properties": {
        "event": {"enum": ["state", "progress"]},
        "id": {"type": "string", "description": "the event's number"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": JobEvent.model_json_schema(mode="serialization"),
        },
    },
    "required": ["event", "id", "data"],
}
_UNBUFFERED: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={200: {"content": {_STREAM: {"itemSchema": _EVENT}}, "description": "events as they happen"}},
)
async def events(
    service: TheService,
    caller: Reader,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, lt=1 << 31, description="the number of the last event that is known")] = 0,
    last_event_id: Annotated[
        str | None, Header(pattern="^[0-9]{1,9}$", description="the same, as browsers send it when they come back")
    ] = None,
) -> StreamingResponse:
    """Server-sent events: those above the number that are kept, then those to come, to the end of the job.

    `event` is `state` or `progress`, `id` the event's number within the job, `data` a JobEvent. All changes of state
    are kept; points of progress are thinned out as a job grows old.
    """
    await version_of(service, job_id)
    known = after if last_event_id is None else int(last_event_id)
    stream = lines(service.events.follow(job_id, known), lambda: service.keys.opens(caller))
    return StreamingResponse(stream, media_type=_STREAM, headers=_UNBUFFERED)


async def lines(
    following: AsyncGenerator[list[JobEvent]], may_go_on: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """What is sent; no more once the key is revoked or has expired."""
    async with aclosing(following):
        async for come in following:
            if not await may_go_on():
                return
            yield b"".join(map(_told, come)) or KEEPALIVE_COMMENT


@lru_cache(maxsize=4096)
def _told(event: JobEvent) -> bytes:
    """Rendered once, however many follow the job."""
    return format_sse_event(data_str=event.model_dump_json(), event=event.kind, id=str(event.number))


@router.get("/{job_id}/progress", summary="How a build got on", response_model=ProgressHistory)
async def progress(service: TheService, _: Reader, job_id: JobId) -> Response:
    """For plots over time: throughput, acceptance, cost."""

    async def history() -> ProgressHistory:
        kept = await service.events.read(job_id, 0, _MOST_POINTS, "progress")
        return ProgressHistory(
            items=tuple(
                ProgressPoint(number=event.number, at=event.at, progress=event.progress)
                for event in kept
                if event.progress is not None
            )
        )

    return await service.answers.of(("history", job_id), await version_of(service, job_id), history)
