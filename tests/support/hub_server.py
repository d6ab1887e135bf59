"""A small Hub of the tests' own: as much of the Hub's HTTP protocol as the unmodified client uses for datasets.

It keeps everything in memory and answers on a free loopback port. What it speaks was read off huggingface_hub 2.4 with
HF_HUB_DISABLE_XET=1: repository creation, listings, preupload, Git LFS, commits, card check, downloads.

    with HubServer() as hub:
        HfApi(endpoint=hub.endpoint, token=hub.token)
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.support.hub_pages import NAMESPACE, READ_TOKEN, WRITE_TOKEN, Answer, RefusalError, Request, as_json
from tests.support.hub_store import Commit, Repository

# For `pytest.mark.filterwarnings`: huggingface_hub 2.4 uploads LFS objects in a way that its HTTP library calls old.
CLIENT_WARNING = "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose "METHOD path" matches `pattern`."""

    pattern: str
    times: int
    status: int
    headers: dict[str, str]
    drop: Literal["before", "after"] | None


class HubServer:
    """The server, in a thread of its own; a context manager."""

    token = WRITE_TOKEN
    read_token = READ_TOKEN
    namespace = NAMESPACE

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        self.uploads: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def files(self, repo: str) -> dict[str, bytes]:
        """What the repository's main branch holds, without the .gitattributes that every one has."""
        with self.lock:
            return {path: data for path, data in self.repositories[repo].files.items() if path != ".gitattributes"}

    def commits(self, repo: str) -> list[Commit]:
        """The commits after the one of the creation."""
        with self.lock:
            return list(self.repositories[repo].commits[1:])

    def fail(self, pattern: str, times: int = 1, status: int = 500, headers: dict[str, str] | None = None) -> None:
        """Answers the next `times` requests whose "METHOD path" matches the pattern with an error."""
        self.faults.append(Fault(pattern, times, status, headers or {}, None))

    def drop(self, pattern: str, when: Literal["before", "after"], times: int = 1) -> None:
        """Closes the connection instead of answering: before the request is carried out, or after."""
        self.faults.append(Fault(pattern, times, 0, {}, when))

    def fault_for(self, request: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, request):
                    fault.times -= 1
                    return fault
            return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid-request is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests look at `HubServer.requests`."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub = self.server.hub
        request = f"{self.command} {urlsplit(self.path).path}"
        with hub.lock:
            hub.requests.append(request)
        fault = hub.fault_for(request)
        if fault is not None and fault.drop == "before":
            self._hang_up()
            return
        body = self._body()
        if fault is not None and fault.status:
            answer = as_json({"error": "a fault that the test asked for"}, fault.status, fault.headers)
        else:
            answer = self._answer(body)
        if fault is not None and fault.drop == "after":
            self._hang_up()
            return
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _answer(self, body: bytes) -> Answer:
        hub = self.server.hub
        try:
            with hub.lock:
                return Request(
                    self.command, urlsplit(self.path), self.headers, body, hub.endpoint, hub.repositories, hub.uploads
                ).answer()
        except RefusalError as refusal:
            return as_json({"error": str(refusal)}, refusal.status, refusal.headers)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
