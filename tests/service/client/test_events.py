"""Following a job: nothing is lost or told twice, whatever becomes of the connection."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import ClientError
from schemas.job import JobEvent, JobState
from service.client.client import Client
from tests.support.scripted_http import HANG_UP, Answer, ScriptedServer, of, problem
from tests.support.served import event, job, stream

EVENTS = "GET /v1/jobs/j1/events"
JOB = "GET /v1/jobs/j1"
TYPE = {"Content-Type": "text/event-stream; charset=utf-8"}


def told(*events: dict[str, Any], cut: int | None = None) -> Answer:
    return Answer(200, stream(*events), TYPE, cut)


def test_events_until_the_job_has_ended(server: ScriptedServer, client: Client) -> None:
    server.on(EVENTS, told(event(1, "queued"), event(2), event(3, accepted=20), event(4, "succeeded")))
    server.on(JOB, of(job(state="succeeded")))
    seen: list[JobEvent] = []
    assert client.wait("j1", on_event=seen.append).state is JobState.SUCCEEDED
    assert [one.number for one in seen] == [1, 2, 3, 4]
    assert seen[2].progress is not None
    assert seen[2].progress.accepted == 20
    assert server.asked[0].headers["last-event-id"] == "0"
    assert server.asked[0].headers["accept"] == "text/event-stream"


def test_a_connection_that_is_cut_in_the_middle_of_an_event(
    server: ScriptedServer, client: Client, pauses: list[float]
) -> None:
    whole = stream(event(1), event(2, accepted=1))
    cut = len(whole) - 20
    server.on(
        EVENTS,
        told(event(1), event(2, accepted=1), cut=cut),
        HANG_UP,
        problem(503, "the server is closing", Retry_After="2"),
        # A server that has thinned out its events, and one that tells more than was asked for.
        told(event(1), event(9, accepted=5), event(10, "succeeded")),
    )
    server.on(JOB, of(job(state="succeeded")))
    assert [one.number for one in client.events("j1")] == [1, 9, 10]
    asked = [one.headers["last-event-id"] for one in server.asked if one.path.endswith("events")]
    assert asked == ["0", "1", "1", "1"]
    assert len(pauses) == 3
    assert pauses[2] == 2.0


def test_a_server_that_ends_the_stream_while_the_job_runs(server: ScriptedServer, client: Client) -> None:
    server.on(EVENTS, told(event(1)), told(), told(event(2, "failed")))
    server.on(JOB, of(job()), of(job()), of(job(state="failed")))
    assert [one.number for one in client.events("j1")] == [1, 2]


def test_after_the_last_event_of_an_ended_job_there_is_nothing(server: ScriptedServer, client: Client) -> None:
    server.on(EVENTS, told())
    server.on(JOB, of(job(state="cancelled")))
    assert list(client.events("j1", after=12)) == []
    assert server.asked[0].headers["last-event-id"] == "12"


def test_a_job_that_was_retried_is_followed_to_its_last_end(server: ScriptedServer, client: Client) -> None:
    server.on(EVENTS, told(event(1, "failed"), event(2, "queued"), event(3, "succeeded")))
    server.on(JOB, of(job(state="running")), of(job(state="succeeded")))
    assert [one.state.value for one in client.events("j1")] == ["failed", "queued", "succeeded"]


def test_a_job_that_is_deleted_ends(server: ScriptedServer, client: Client) -> None:
    server.on(EVENTS, told(event(1), event(2, "cancelled")))
    assert [one.number for one in client.events("j1")] == [1, 2]


def test_a_job_that_is_not_there(server: ScriptedServer, client: Client, pauses: list[float]) -> None:
    with pytest.raises(ClientError) as caught:
        list(client.events("j1"))
    assert caught.value.status == 404
    assert pauses == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, b"data: nonsense\n\n", TYPE),
        Answer(200, b'data: {"number": 0}\n\n', TYPE),
    ],
)
def test_what_is_no_event(server: ScriptedServer, client: Client, answer: Answer, pauses: list[float]) -> None:
    server.on(EVENTS, answer)
    with pytest.raises(ClientError, match="does not answer as a server of Iturri does"):
        list(client.events("j1"))
    assert pauses == []


def test_patience_has_an_end_and_events_renew_it(server: ScriptedServer, client: Client, pauses: list[float]) -> None:
    server.on(EVENTS, *[HANG_UP] * 15, told(event(1)), HANG_UP)
    server.on(JOB, of(job()))
    following = client.events("j1")
    assert next(following).number == 1
    with pytest.raises(ClientError, match="was lost"):
        next(following)
    assert len(pauses) == 15 + 20
