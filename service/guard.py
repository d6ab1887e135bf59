"""What every request has to pass before the app reads it: its key, how often it comes, its size."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.errors import ServiceError
from schemas.settings import Settings
from service.authentication import Authentication
from service.problems import ProblemError, problem_response
from service.state import Service

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1 << 20
_BODY_S = 30.0
_OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
_OPEN_FOLDER = "/assets/"


class Guard:
    """ASGI middleware: puts the `Caller` into the request's state as `caller`, or answers itself.

    401 without a key that opens something, 403 from elsewhere while the server is open, 429 for a key or an address
    that comes too often, 413 for a body above the limit, 408 for one that does not come, 503 when the database is away.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._authentication = Authentication(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _is_open(scope["path"]):
            await self._app(scope, receive, send)  # what is there reads no body
            return
        try:
            keys = cast(Service, scope["app"].state.service).keys
            scope.setdefault("state", {})["caller"] = await self._authentication.caller(scope, keys)
            async with asyncio.timeout(_BODY_S):
                body = await _body(dict(scope["headers"]), receive)
        except TimeoutError:
            late = f"the request's body has not come within {_BODY_S:.0f} s"
            await problem_response(408, late, headers={"Connection": "close"})(scope, receive, send)
        except ProblemError as refused:
            answer = problem_response(refused.status_code, refused.detail, refused.errors, refused.headers)
            await answer(scope, receive, send)
        except ServiceError as error:
            # Who asks is not known, so the reason, which may name hosts, is not for them.
            _log.warning("keys cannot be looked up: %s", error)
            await problem_response(503, "API keys cannot be looked up now; try again")(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)


def _is_open(path: str) -> bool:
    """Whether anybody may read it: it tells nothing of jobs, or is what a browser loads before it has a key to send."""
    return path in _OPEN_PATHS or path.startswith(_OPEN_FOLDER)


async def _body(headers: dict[bytes, bytes], receive: Receive) -> list[Message]:
    """The messages of the whole body. Raises ProblemError, a 413, when it is above the limit."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise _too_large()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _too_large() -> ProblemError:
    return ProblemError(413, f"a request has at most {MAX_BODY_BYTES} bytes", headers={"Connection": "close"})


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay
