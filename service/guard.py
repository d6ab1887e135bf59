"""What every request has to pass before the app reads it: its address, its key, its size."""

from __future__ import annotations

import hmac
import ipaddress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.settings import Settings
from service.problems import problem_response

MAX_BODY_BYTES = 1 << 20
_OPEN_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})


class Guard:
    """ASGI middleware: 401 without the server's key, 413 for a body above the limit.

    Without a key the server takes requests that are addressed to loopback only (403 for others), so that a web page
    whose name has been pointed at this machine cannot use it.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._key = settings.api_key.get_secret_value().encode() if settings.api_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._key is None and not is_loopback(_host_of(headers.get(b"host", b""))):
            answer = problem_response(403, "this server has no API key and answers to this machine's own address only")
            await answer(scope, receive, send)
        elif self._key is not None and scope["path"] not in _OPEN_PATHS and not self._opens(headers):
            detail = "send the server's key in the header `Authorization: Bearer KEY`"
            await problem_response(401, detail, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)
        elif (body := await _body(headers, receive)) is None:
            detail = f"a request has at most {MAX_BODY_BYTES} bytes"
            await problem_response(413, detail, headers={"Connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)

    def _opens(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._key or b"")


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine, seen from itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host_of(header: bytes) -> str:
    """The host of a Host header, without port and brackets."""
    host = header.decode("latin-1").strip()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _body(headers: dict[bytes, bytes], receive: Receive) -> list[Message] | None:
    """The messages of the whole body; None when it is above the limit."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        return None
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        return next(waiting, None) or await receive()

    return replay
