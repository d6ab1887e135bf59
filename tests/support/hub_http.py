"""The wire of the tests' Hub: requests in, answers out, and the faults on the way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.support import hub_pages, hub_view
from tests.support.hub_answers import Answer, FilePart, RefusalError, as_json
from tests.support.hub_faults import LATE_S, Fault
from tests.support.hub_request import Body, HungUpError, Request, State


class Wire(ThreadingHTTPServer):
    """A free port of the loopback address, and a thread for each connection."""

    daemon_threads = True

    def __init__(self, state: State) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        state.endpoint = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid-request is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Wire

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
        try:
            if urlsplit(self.path).path.startswith(hub_view.BASE):
                self._send(hub_view.answer(self.server.state, self.command, self.path, self._body()))
            else:
                self._carry_out()
        except HungUpError:
            self.close_connection = True

    def _carry_out(self) -> None:
        state = self.server.state
        request = f"{self.command} {urlsplit(self.path).path}"
        with state.lock:
            state.requests.append(request)
        fault = state.faults.fault_for(request)
        body = self._body(fault)
        if fault is not None and (fault.when == "before" or (fault.when == "amid" and body.empty)):
            self._hang_up(fault)
        if fault is not None and fault.when == "late":
            body.whole()
            fault.act()
            threading.Event().wait(LATE_S)
        try:
            if fault is not None and fault.status:
                answer = as_json({"error": "a fault that the test asked for"}, fault.status, fault.headers)
            else:
                answer = self._answer(body)
            body.drain()
        finally:
            if self.command == "PUT":
                with state.lock:
                    state.received += body.read
        if fault is not None and fault.when == "late":
            raise HungUpError
        if fault is not None and fault.when == "after":
            self._hang_up(fault)
        self._send(answer, fault if fault is not None and fault.when == "answering" else None)

    def _answer(self, body: Body) -> Answer:
        request = Request(self.command, urlsplit(self.path), self.headers, body, self.server.state)
        try:
            return hub_pages.answer(request)
        except RefusalError as refusal:
            return as_json({"error": str(refusal)}, refusal.status, refusal.headers)

    def _send(self, answer: Answer, fault: Fault | None = None) -> None:
        """The answer or, with a fault, the first half of its body."""
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(answer.length)} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        length = answer.length if fault is None else answer.length // 2
        if self.command != "HEAD" and length:
            if isinstance(answer.body, FilePart):
                with answer.body.path.open("rb") as file:
                    self.connection.sendfile(file, answer.body.start, length)
            else:
                self.wfile.write(answer.body[:length])
        if fault is not None:
            self._hang_up(fault)

    def _body(self, fault: Fault | None = None) -> Body:
        amid = fault is not None and fault.when == "amid"
        return Body(self.rfile, self.headers, (lambda: self._hang_up(fault)) if amid else None)

    def _hang_up(self, fault: Fault | None) -> None:
        if fault is not None:
            fault.act()
        raise HungUpError
