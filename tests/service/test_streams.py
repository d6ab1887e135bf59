"""Streams of events end: with the key that opened them, and with the server."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
from fastapi.sse import KEEPALIVE_COMMENT

from schemas.job import JobEvent
from service.events_routes import lines
from tests.support.service_servers import serving, settings, submission


async def test_a_stream_ends_once_its_key_opens_nothing() -> None:
    ended = False

    async def following() -> AsyncGenerator[list[JobEvent]]:
        nonlocal ended
        try:
            while True:
                yield []
        finally:
            ended = True

    opens = iter([True, True, False])

    async def may_go_on() -> bool:
        return next(opens)

    assert [line async for line in lines(following(), may_go_on)] == [KEEPALIVE_COMMENT] * 2
    assert ended


def test_a_server_that_is_ended_ends_its_streams_first(tmp_path: Path, database: str) -> None:
    with serving(settings(tmp_path, database), tmp_path / "log") as server:
        job_id = server.submit(submission(backbone="slow", target={"conversations": 1000, "max_drafts": 2000}))
        server.begun(job_id)
        streams = [httpx.stream("GET", f"http://127.0.0.1:{server.port}/v1/jobs/{job_id}/events") for _ in range(3)]
        told: list[str] = []

        def read(number: int) -> None:
            with streams[number] as answer:
                started.release()
                told.append(answer.read().decode())  # an answer that is cut off raises here

        started = threading.Semaphore(0)
        readers = [threading.Thread(target=read, args=[number]) for number in range(3)]
        for reader in readers:
            reader.start()
        for _ in readers:
            assert started.acquire(timeout=60)
        assert server.end(signal.SIGTERM) == 0
        for reader in readers:
            reader.join(60)
        assert len(told) == 3 and all("event: state" in one for one in told)
        assert "Traceback" not in server.said() and "exceeded" not in server.said()
