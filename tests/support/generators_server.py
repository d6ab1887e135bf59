"""An HTTP server that misbehaves as it is told, one answer after another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """`status` 0 closes the connection without a word; `wait_s` comes first."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


def completion(text: str = " bai", **choice: Any) -> Answer:
    choices = [{"index": 0, "text": text, "finish_reason": "stop", **choice}]
    return Answer(body={"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


@dataclass
class FaultyServer:
    """Answers with `answers` in turn, the last one again and again. Serves the models of `cards`."""

    answers: list[Answer]
    cards: list[dict[str, Any]]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    hung_up: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next(
                    (int(line[15:]) for line in head.split("\r\n") if line.lower()[:15] == "content-length:"), 0
                )
                body = await reader.readexactly(length)
                answer = Answer(body={"data": self.cards})
                if head.startswith("POST /v1/completions "):
                    self.bodies.append(json.loads(body))
                    self.headers.append(head)
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer.wait_s:
                    gone = asyncio.ensure_future(reader.read(1))
                    done, _ = await asyncio.wait({gone}, timeout=answer.wait_s)
                    self.hung_up += bool(done)
                    gone.cancel()
                    if done:
                        break
                if not answer.status:
                    break
                text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                writer.write(
                    f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(text)}\r\n{extra}\r\n".encode() + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def faulty_server(*answers: Answer, model: str = "proba", **card: Any) -> AsyncIterator[FaultyServer]:
    faulty = FaultyServer(list(answers) or [completion()], [{"id": model, "owned_by": "vllm", **card}])
    server = await asyncio.start_server(faulty.serve, "127.0.0.1", 0)
    faulty.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield faulty
    finally:
        server.close()
