"""A job's events, as they happen: a stream that outlives lost connections and restarts of the server."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import httpx2

from generators.retries import LostError, Retry
from schemas.errors import ClientError
from schemas.job import Job, JobEvent
from service.client.transport import Transport

# Servers send a comment every 15 seconds; when even these stay out, the connection is dead.
_SILENCE_S = 60.0
# Tries without a single event in between: a quarter of an hour, for a server that restarts loads its engine first.
_TRIES = 20


def follow(transport: Transport, job_id: str, after: int) -> Iterator[JobEvent]:
    """The events numbered above `after`, each once, until one leaves the job in a final state for good.

    Raises ClientError, when the job is not there for instance.
    """
    last, tried = after, 0
    while True:
        try:
            for event in _connected(transport, job_id, last):
                tried = 0
                if event.number <= last:
                    continue
                last = event.number
                yield event
                if event.state.final and _over(transport, job_id):
                    return
            if _over(transport, job_id):
                return
            raise LostError(f"{transport.url} has ended the stream of events")
        except Retry as failure:
            transport.pause(failure, tried, _TRIES)
            tried += 1


def _connected(transport: Transport, job_id: str, last: int) -> Iterator[JobEvent]:
    """The events of one connection. Raises Retry, ClientError."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", "Last-Event-ID": str(last)}
    with transport.stream(f"/v1/jobs/{job_id}/events", headers, timeout=_SILENCE_S) as response:
        for event in httpx2.EventSource(response):
            yield transport.read(JobEvent, event.data)


def _over(transport: Transport, job_id: str) -> bool:
    """Whether nothing more will happen to the job: a final state may have been followed by a retry, or a deletion."""
    try:
        return transport.ask(Job, "GET", f"/v1/jobs/{job_id}").state.final
    except ClientError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return True
        raise
