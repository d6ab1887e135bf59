"""Every request is counted and timed, has an id, and leaves a line in the log."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import of_request
from service.metrics import Metrics
from service.problems import problem_response

_log = logging.getLogger(__name__)

_HEADER: Final = b"x-request-id"
_GOOD_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What was routed nowhere, refused before that among it. One value for all, or anybody could make series without end.
NOWHERE: Final = "other"
_STREAM: Final = b"text/event-stream"


class Observing:
    """ASGI middleware, the outermost one, so that what the others refuse is seen too.

    The id is the request's own `X-Request-ID` where that is plain, else a new one; the answer repeats it. An error that
    nobody has foreseen is logged here in full, under that id, and answered with a 500.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(_HEADER, b"")
        request_id = given if _GOOD_ID.fullmatch(given) else secrets.token_hex(8).encode()
        with of_request(request_id.decode()):
            await _Observed(self._metrics, scope, request_id).run(self._app, receive, send)


class _Observed:
    """One request."""

    def __init__(self, metrics: Metrics, scope: Scope, request_id: bytes) -> None:
        self._metrics = metrics
        self._scope = scope
        self._id = request_id
        self._begun = time.perf_counter()
        self._status: int | None = None
        self._streams = False

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answers(message)
            await send(message)

        try:
            await app(self._scope, receive, observed)
        except Exception:
            if self._status is not None:
                raise  # the connection has to end, so that nobody takes half an answer for a whole one
            _log.exception("method=%s route=%s failed in an unforeseen way", self._method, self._route)
            answer = problem_response(500, "unforeseen; the server's log has more, under the id in X-Request-ID")
            await answer(self._scope, receive, observed)
        finally:
            self._ended()

    def _answers(self, message: Message) -> None:
        self._status = message["status"]
        message["headers"] = [*message.get("headers", ()), (_HEADER, self._id)]
        kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
        if kind.startswith(_STREAM):
            self._streams = True
            self._metrics.event_streams.inc()
            self._time()

    def _ended(self) -> None:
        if self._streams:
            self._metrics.event_streams.dec()
        else:
            self._time()
        if self._status is None:
            return  # the client went away before it had an answer
        self._metrics.requests.labels(self._method, self._route, str(self._status)).inc()
        level = logging.DEBUG if self._method in _READING else logging.INFO
        seconds = round(time.perf_counter() - self._begun, 4)
        _log.log(
            logging.WARNING if self._status >= 500 else level,
            "method=%s path=%s status=%d seconds=%s",
            self._method,
            quote(self._scope["path"]),  # what was decoded may have ends of lines in it
            self._status,
            seconds,
            extra={"status": self._status, "seconds": seconds},
        )

    def _time(self) -> None:
        seconds = time.perf_counter() - self._begun
        self._metrics.request_seconds.labels(self._method, self._route).observe(seconds)

    @property
    def _method(self) -> str:
        method = str(self._scope["method"])
        return method if method in _METHODS else NOWHERE

    @property
    def _route(self) -> str:
        """The template of the route, such as `/v1/jobs/{job_id}`, which is known once the request has been routed."""
        return str(getattr(self._scope.get("route"), "path", NOWHERE))
