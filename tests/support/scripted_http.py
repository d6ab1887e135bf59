"""A server that answers as it is told, down to the bytes: it cuts answers off, and says what none of ours says."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is answered. `cut`: the connection ends after so many bytes of the body, though more were announced."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


HANG_UP = Answer(status=0)
"""The connection is closed without a word."""


def of(document: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None, **headers: str) -> Answer:
    """A refusal as the service words it."""
    document = {"type": "about:blank", "title": "x", "status": status, "detail": detail, "errors": errors or []}
    return of(document, status, **{"Content_Type": "application/problem+json", **headers})


Scripted = Answer | Callable[[Asked], Answer]


class ScriptedServer:
    """Answers by "METHOD /path": each request gets the next one, and the last one for good. All else is a 404."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self._answers: defaultdict[str, deque[Scripted]] = defaultdict(deque)

    def on(self, request: str, *answers: Scripted) -> None:
        self._answers[request].extend(answers)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        waiting = self._answers[f"{asked.method} {asked.path}"]
        if not waiting:
            return problem(404, f"there is no {asked.path}")
        answer = waiting.popleft() if len(waiting) > 1 else waiting[0]
        return answer(asked) if callable(answer) else answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: ClassVar[ScriptedServer]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, path, query, headers, json.loads(body) if body else None)
        answer = self.scripted.answer(asked)
        if answer is HANG_UP:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """The server on a free loopback port."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.scripted = ScriptedServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Handler.scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
