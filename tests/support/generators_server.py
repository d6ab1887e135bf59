"""An HTTP server that misbehaves as it is told, one answer after another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

PROBED = [-1.5, -0.25, -3.0]
"""Log-probabilities of the probe of a model, as long as a server is told no others."""


@dataclass
class Answer:
    """`status` 0 closes the connection without a word; `wait_s` comes first.

    With `events` the answer is a stream, `every_s` between them; `missing` bytes of the body are announced and never
    sent.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    events: list[Any] | None = None
    every_s: float = 0.0
    missing: int = 0


def completion(text: str = " bai", **choice: Any) -> Answer:
    choices = [{"index": 0, "text": text, "finish_reason": "stop", **choice}]
    return Answer(body={"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


def streamed(*texts: str, finish_reason: str = "stop", tokens: int = 4, every_s: float = 0.0) -> Answer:
    """A streamed completion, so many tokens an event, as vLLM's server gives it."""
    events: list[Any] = [
        {
            "choices": [{"index": 0, "text": text, "finish_reason": finish_reason if text is texts[-1] else None}],
            "usage": {"prompt_tokens": 3, "completion_tokens": tokens * (number + 1)},
        }
        for number, text in enumerate(texts)
    ]
    events.append({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": tokens * len(texts)}})
    return Answer(events=[*events, "[DONE]"], every_s=every_s)


@dataclass
class FaultyServer:
    """Answers with `answers` in turn, the last one again and again. Serves the models of `cards`.

    Probes of the model are answered aside, with `probe`: log-probabilities of the prompt, a status that refuses them,
    or None for nothing at all; `looks` counts the times that its models were asked for.
    """

    answers: list[Answer]
    cards: list[dict[str, Any]]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    hung_up: int = 0
    sent_events: int = 0
    probe: list[float] | int | None = field(default_factory=lambda: list(PROBED))
    probes: int = 0
    looks: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next(
                    (int(line[15:]) for line in head.split("\r\n") if line.lower()[:15] == "content-length:"), 0
                )
                answer = self._answer(head, await reader.readexactly(length))
                if answer.wait_s and await self._left(reader, answer.wait_s):
                    break
                if not answer.status:
                    break
                if answer.events is not None:
                    await self._stream(reader, writer, answer)
                    continue
                text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                announced = len(text) + answer.missing
                writer.write(
                    f"HTTP/1.1 {answer.status} X\r\nContent-Length: {announced}\r\n{extra}\r\n".encode() + text
                )
                await writer.drain()
                if answer.missing:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head: str, raw: bytes) -> Answer:
        if not head.startswith("POST /v1/completions "):
            self.looks += 1
            return Answer(body={"data": self.cards})
        body = json.loads(raw)
        if body["max_tokens"] == 1 and body["temperature"] == 0:
            self.probes += 1
            return self._probed("logprobs" in body)
        self.bodies.append(body)
        self.headers.append(head)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _probed(self, with_log_probabilities: bool) -> Answer:
        if self.probe is None:
            return Answer(wait_s=3600)
        if isinstance(self.probe, int):
            return Answer(self.probe if with_log_probabilities else 200, {"choices": [{"text": "x"}]})
        prompt = [None, *({"7": {"logprob": value, "rank": 1}} for value in self.probe)]
        first = {"bai": self.probe[0], "ez": self.probe[1]}
        return completion(prompt_logprobs=prompt, logprobs={"top_logprobs": [first]})

    async def _left(self, reader: asyncio.StreamReader, seconds: float) -> bool:
        """Whether the client hung up within so long."""
        gone = asyncio.ensure_future(reader.read(1))
        done, _ = await asyncio.wait({gone}, timeout=seconds)
        self.hung_up += bool(done)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        return bool(done)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
        writer.write(
            b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for event in answer.events or ():
            if answer.every_s and await self._left(reader, answer.every_s):
                raise ConnectionError
            data = event if isinstance(event, str) else json.dumps(event)
            line = f"data: {data}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))
            await writer.drain()
            self.sent_events += 1
        writer.write(b"0\r\n\r\n")
        await writer.drain()


@asynccontextmanager
async def faulty_server(*answers: Answer, model: str = "proba", **card: Any) -> AsyncIterator[FaultyServer]:
    faulty = FaultyServer(list(answers) or [completion()], [{"id": model, "owned_by": "vllm", **card}])
    server = await asyncio.start_server(faulty.serve, "127.0.0.1", 0, backlog=1024)
    faulty.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield faulty
    finally:
        server.close()
