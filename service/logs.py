"""What a line of the log is about: the job and the request, for people as text, for machines as JSON."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

from pythonjsonlogger.json import JsonFormatter

_job: ContextVar[str | None] = ContextVar("job", default=None)
_request: ContextVar[str | None] = ContextVar("request", default=None)
# Our lines begin with what they are about, as in `job=3f2a state=running: ...`.
_PAIR: Final = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s:;,]+)[:;,]?(?:\s+|$)")


@contextmanager
def of_job(job_id: str) -> Iterator[None]:
    """Every line that is logged inside, and in tasks and threads started there, carries the job's id."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


@contextmanager
def of_request(request_id: str) -> Iterator[None]:
    """Every line that is logged inside carries the request's id."""
    token = _request.set(request_id)
    try:
        yield
    finally:
        _request.reset(token)


def formatter(kind: Literal["text", "json"]) -> logging.Formatter:
    """How lines are written: as text, the message alone; as JSON, one object a line."""
    if kind == "text":
        return _Text("%(message)s")
    return _Json(["levelname", "name", "message"], rename_fields={"levelname": "level", "name": "logger"})


class _Text(logging.Formatter):
    """A line of a job says so in front, unless it begins with it anyway."""

    def format(self, record: logging.LogRecord) -> str:
        line, job = super().format(record), _job.get()
        return line if job is None or line.startswith("job=") else f"job={job} {line}"


class _Json(JsonFormatter):
    """`time`, `level`, `logger`, `message`; `job` and `request` where there are; what the line says it is about.

    ASCII only, so that no terminal's or pipe's encoding can break a line.
    """

    def __init__(self, fields: list[str], rename_fields: dict[str, str]) -> None:
        super().__init__(fields, rename_fields=rename_fields, timestamp="time")

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        for name, value in (*_pairs(record.message), ("job", _job.get()), ("request", _request.get())):
            if value is not None:
                log_data.setdefault(name, value)


def _pairs(message: str) -> Iterator[tuple[str, str]]:
    """What the line begins with, `name=value` by `name=value`."""
    at = 0
    while found := _PAIR.match(message, at):
        yield found[1], _unquoted(found[2])
        at = found.end()


def _unquoted(value: str) -> str:
    """What is quoted was written by `%r`."""
    if value[0] not in "'\"":
        return value
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value
