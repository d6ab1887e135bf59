"""Lines of the log: about which job and which request they are."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Literal

from service.logs import formatter, of_job, of_request


def line(kind: Literal["text", "json"], message: str, *arguments: object, **more: Any) -> str:
    record = logging.LogRecord("service.runner", logging.WARNING, __file__, 1, message, arguments, None)
    record.__dict__.update(more)
    return formatter(kind).format(record)


def fields(message: str, *arguments: object, **more: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(line("json", message, *arguments, **more))
    return read


def test_a_line_has_the_job_and_the_request_that_it_is_about() -> None:
    with of_job("3f2a"), of_request("r-1"):
        read = fields("the ledger of %s is closed", "a build")
    assert read.pop("time").endswith("+00:00")
    assert read == {
        "level": "WARNING",
        "logger": "service.runner",
        "message": "the ledger of a build is closed",
        "job": "3f2a",
        "request": "r-1",
    }
    assert not {"job", "request"} & set(fields("the server has ended"))


def test_jobs_that_run_at_once_are_told_apart_in_their_threads_too() -> None:
    async def of(job: str) -> list[Any]:
        with of_job(job):
            first = fields("begun")
            await asyncio.sleep(0)
            return [first["job"], (await asyncio.to_thread(fields, "in a thread"))["job"]]

    async def both() -> tuple[list[Any], list[Any]]:
        return await asyncio.gather(of("a"), of("b"))

    assert [*asyncio.run(both())] == [["a", "a"], ["b", "b"]]


def test_what_a_line_begins_with_are_fields_of_it() -> None:
    read = fields("job=%s kind=%s state=running: attempt %d of x=y", "3f2a", "build", 2)
    assert {name: read.get(name) for name in ("job", "kind", "state", "x")} == {
        "job": "3f2a",
        "kind": "build",
        "state": "running",
        "x": None,
    }
    assert fields("job=1 error=%r", "it's; a 'b'")["error"] == "it's; a 'b'"
    assert fields("level=high message=none")["level"] == "WARNING", "nothing stands in for what is true of the line"
    assert fields("status=%d", 503, status=503)["status"] == 503


def test_lines_stay_lines_and_keep_to_ascii() -> None:
    written = line("json", "bi\nlerro: %s", "ñ \udc80")
    assert written.isascii() and "\n" not in written
    assert json.loads(written)["message"] == "bi\nlerro: ñ \udc80"


def test_text_names_the_job_once() -> None:
    assert line("text", "an endpoint is left out") == "an endpoint is left out"
    with of_job("3f2a"):
        assert line("text", "an endpoint is left out") == "job=3f2a an endpoint is left out"
        assert line("text", "job=%s state=failed", "3f2a") == "job=3f2a state=failed"


def test_errors_bring_their_traceback() -> None:
    try:
        raise ValueError("oker")
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
    record = logging.LogRecord("service", logging.ERROR, __file__, 1, "failed", (), told)
    assert "ValueError: oker" in json.loads(formatter("json").format(record))["exc_info"]
