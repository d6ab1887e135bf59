"""Requests are counted by their route, have an id, and leave a line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.types import Message

from service.metrics import Metrics, Standing
from service.observing import Observing
from tests.service.test_metrics import samples

NOTHING = Standing(ready=True, backbones={})


class Watched:
    """An app with a few routes, and its metrics."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.streamed, self.go_on = asyncio.Event(), asyncio.Event()
        app = FastAPI()

        @app.get("/things/{thing}")
        async def look(thing: int) -> int:
            return thing

        @app.post("/things/{thing}")
        async def change(thing: int) -> int:
            raise HTTPException(409)

        @app.get("/broken")
        async def broken() -> None:
            raise ValueError("unforeseen")

        @app.get("/stream")
        async def stream() -> StreamingResponse:
            async def events() -> AsyncIterator[str]:
                yield "id: 1\n\n"
                self.streamed.set()
                await self.go_on.wait()

            return StreamingResponse(events(), media_type="text/event-stream")

        app.add_middleware(Observing, metrics=self.metrics)
        self.app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def counted(self) -> dict[tuple[str, ...], float]:
        found = samples(self.metrics, NOTHING)
        return {key[1:]: value for key, value in found.items() if key[0] == "iturri_http_requests_total"}

    def timed(self) -> dict[tuple[str, ...], float]:
        found = samples(self.metrics, NOTHING)
        return {key[1:]: value for key, value in found.items() if key[0] == "iturri_http_request_seconds_count"}


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    async with watched.client:
        yield watched


async def test_requests_are_counted_by_route_and_never_by_path(watched: Watched) -> None:
    for path in ("/things/1", "/things/2", "/things/x", "/nowhere/1", "/nowhere/2"):
        await watched.client.get(path)
    await watched.client.post("/things/1")
    await watched.client.request("BREW", "/things/1")
    assert watched.counted() == {
        ("GET", "/things/{thing}", "200"): 2,
        ("GET", "/things/{thing}", "422"): 1,
        ("GET", "other", "404"): 2,
        ("POST", "/things/{thing}", "409"): 1,
        ("other", "/things/{thing}", "405"): 1,
    }
    assert watched.timed()["GET", "/things/{thing}"] == 3


async def test_a_request_has_an_id(watched: Watched) -> None:
    made = [(await watched.client.get("/things/1")).headers["X-Request-ID"] for _ in range(2)]
    assert len({*made}) == 2
    taken = await watched.client.get("/things/1", headers={"X-Request-ID": "9b2c-d.1"})
    assert taken.headers["X-Request-ID"] == "9b2c-d.1"
    for bad in ("", "a b", 'x"', "x" * 129):
        refused = await watched.client.get("/things/1", headers={"X-Request-ID": bad})
        assert refused.headers["X-Request-ID"] not in {bad, ""}


async def test_what_nobody_has_foreseen_is_a_500_with_its_id_in_answer_and_log(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await watched.client.get("/broken", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == "r-1"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "unforeseen" in answer.json()["detail"]
    assert watched.counted() == {("GET", "/broken", "500"): 1}
    (failed,) = [record for record in caplog.records if record.exc_info]
    assert "route=/broken" in failed.getMessage()


async def test_changes_leave_a_line_and_reads_only_when_they_are_looked_for(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service")
    await watched.client.get("/things/1")
    await watched.client.post("/things/1%0Ajob=fake")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "service.observing"]
    assert line.startswith("method=POST path=/things/1%0Ajob%3Dfake status=422 seconds=")
    caplog.set_level(logging.DEBUG, "service")
    await watched.client.get("/things/1")
    assert caplog.records[-1].getMessage().startswith("method=GET path=/things/1 status=200")


async def test_streams_are_counted_while_they_are_open_and_timed_at_their_beginning(watched: Watched) -> None:
    def open_streams() -> float:
        return samples(watched.metrics, NOTHING)[("iturri_event_streams",)]

    reading = asyncio.create_task(watched.client.get("/stream"))
    await asyncio.wait_for(watched.streamed.wait(), 30)
    assert open_streams() == 1
    assert watched.timed() == {("GET", "/stream"): 1}
    watched.go_on.set()
    assert (await reading).text == "id: 1\n\n"
    assert open_streams() == 0
    assert watched.timed() == {("GET", "/stream"): 1}
    assert watched.counted() == {("GET", "/stream", "200"): 1}


async def test_an_answer_that_breaks_off_is_no_whole_answer() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("in the middle")

    async def send(message: Message) -> None:
        return

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    metrics = Metrics()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ValueError, match="in the middle"):
        await Observing(app, metrics)(scope, receive, send)
    assert samples(metrics, NOTHING)["iturri_http_requests_total", "GET", "other", "200"] == 1
