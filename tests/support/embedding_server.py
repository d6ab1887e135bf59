"""A server that embeds texts for real: by their hashed character trigrams. It misbehaves as it is told."""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import mul
from threading import Lock, Thread
from typing import Any

import numpy as np
import xxhash

from filters.text import fold

Fault = int | float | Callable[[dict[str, Any]], Any]
"""A status, seconds to wait, or what becomes of the answer."""


def embed(text: str, dimensions: int = 256) -> list[float]:
    """How often each trigram of the folded text occurs, by its hash."""
    return list(_counted(text, dimensions))


@cache
def _counted(text: str, dimensions: int) -> tuple[float, ...]:
    padded = f"  {fold(text)}  "
    vector = [0.0] * dimensions
    for start in range(len(padded) - 2):
        vector[xxhash.xxh32_intdigest(padded[start : start + 3].encode()) % dimensions] += 1
    return tuple(vector)


def cosine(left: str, right: str, dimensions: int = 256) -> float:
    ours, theirs = _counted(left, dimensions), _counted(right, dimensions)
    shared: float = sum(map(mul, ours, theirs))
    return shared / math.hypot(*ours) / math.hypot(*theirs)


@dataclass
class EmbeddingServer:
    """`faults` are for the requests to come, one each; `always` for all after them."""

    url: str
    model: str = "hirukoak"
    dimensions: int = 256
    most_characters: int = 100_000
    key: str | None = None
    floats: bool = False
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    requests: list[list[str]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def texts(self) -> list[str]:
        """All that were embedded, the probes of those who came in not among them."""
        return [text for texts in self.requests for text in texts if text != "1"]

    def spec(self, **fields: Any) -> dict[str, Any]:
        """The server as a recipe has it."""
        return {"model": self.model, "endpoints": [self.url], "retries": 2, **fields}

    def answer(self, body: dict[str, Any], key: str | None) -> tuple[int, Any]:
        with self.lock:
            fault = self.faults.pop(0) if self.faults else self.always
        if isinstance(fault, float):
            time.sleep(fault)
        if isinstance(fault, int):
            return fault, {"error": {"message": "broken"}}
        if self.key is not None and key != f"Bearer {self.key}":
            return 401, {"error": {"message": "who are you?"}}
        if body["model"] != self.model:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        if any(len(text) > self.most_characters for text in body["input"]):
            return 400, {"error": {"message": "This model's maximum context length is 512 tokens."}}
        with self.lock:
            self.requests.append(body["input"])
        data = [
            {"index": index, "embedding": self._encoded(embed(text, body.get("dimensions", self.dimensions)))}
            for index, text in enumerate(body["input"])
        ]
        answer: Any = {"object": "list", "data": data[::-1], "model": self.model}
        return 200, fault(answer) if callable(fault) else answer

    def _encoded(self, vector: list[float]) -> list[float] | str:
        return vector if self.floats else base64.b64encode(np.array(vector, "<f4").tobytes()).decode()


@contextmanager
def embedding_server(**fields: Any) -> Iterator[EmbeddingServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = embedder.answer(body, self.headers.get("Authorization"))
            if self.path != "/v1/embeddings":
                status, answer = 404, {"error": {"message": "Not Found"}}
            text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    embedder = EmbeddingServer(f"http://127.0.0.1:{server.server_address[1]}/v1", **fields)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield embedder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
