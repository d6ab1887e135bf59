"""An OpenAI-compatible server that stands for a GPU, in a process of its own: fixed tokens per second, real words.

`/v1/completions` as vLLM answers it: token ids or text in, text and token ids out, streamed where asked for; a client
that hangs up stops its sequence. How long a turn is, what it says and whether it is one of the slow replies follow from
the prompt and from how often that prompt was asked before, so every client that asks for the same gets the same.
`GET /log` tells what was done since the last `DELETE /log`. No work is done for a prompt: prefill takes no time.

    python -m benchmarks.paced_server --port 8001 --pace '{"sequences": 64, "speed": 50}'
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from array import array
from collections import Counter
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from benchmarks.paced_engine import Job, PacedEngine
from benchmarks.paced_text import TOKENIZER, Piece, Writer

MODEL = "paced"
_MARKS = {"user": "<|user|>", "assistant": "<|assistant|>"}
_STREAMED_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Pace:
    """The engine and its turns. Lengths in tokens, drawn evenly; `speed` in tokens per second of one sequence."""

    sequences: int = 64
    speed: float = 50.0
    user_tokens: tuple[int, int] = (24, 40)
    reply_tokens: tuple[int, int] = (48, 80)
    slow_share: float = 0.0
    slow_factor: float = 50.0
    context: int = 4096


class PacedModel:
    """What is answered to a request, and the engine that takes its time for it."""

    def __init__(self, pace: Pace) -> None:
        from tokenizers import Tokenizer

        self.pace = pace
        self.engine = PacedEngine(pace.sequences)
        self.asked: Counter[bytes] = Counter()
        self._writer = Writer.basque()
        tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
        self._roles = {tokenizer.token_to_id(mark): role for role, mark in _MARKS.items()}

    def plan(self, body: dict[str, Any]) -> tuple[str, int, str, float, int]:
        """Role, tokens, finish reason, seconds, and the seed of the text."""
        prompt = body["prompt"]
        role = self._role(prompt)
        raw = prompt.encode() if isinstance(prompt, str) else array("i", prompt).tobytes()
        key = blake2b(raw, digest_size=8).digest()
        self.asked[key] += 1
        rng = random.Random(key + self.asked[key].to_bytes(4))
        tokens = rng.randint(*(self.pace.user_tokens if role == "user" else self.pace.reply_tokens))
        slow = role == "assistant" and rng.random() < self.pace.slow_share
        most = body.get("max_tokens", 16)
        finish = "length" if body.get("ignore_eos") or tokens > most else "stop"
        tokens = most if finish == "length" else tokens
        seconds = tokens / self.pace.speed * (self.pace.slow_factor if slow else 1)
        return role, tokens, finish, seconds, rng.getrandbits(32)

    def write(self, role: str, tokens: int, seed: int) -> list[Piece]:
        return self._writer.write(tokens, seed, "?" if role == "user" else ".")

    def _role(self, prompt: list[int] | str) -> str:
        """Whose turn it is: the last mark of a role in the prompt says so."""
        if isinstance(prompt, str):
            return max(_MARKS, key=lambda role: prompt.rfind(_MARKS[role]))
        return next((self._roles[id_] for id_ in reversed(prompt) if id_ in self._roles), "user")


class Connection(asyncio.Protocol):
    """One client's connection: one request after the other, as much of HTTP/1.1 as the clients here speak."""

    def __init__(self, model: PacedModel) -> None:
        self._model = model
        self._buffer = bytearray()
        self._job: Job | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._job is not None:
            self._model.engine.cancel(self._job)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, _ = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        end = len(head) + 4 + int(fields.get("content-length", 0))
        if len(self._buffer) < end:
            return
        body = bytes(self._buffer[len(head) + 4 : end])
        del self._buffer[:end]
        method, path, _ = lines[0].split(" ", 2)
        self._route(f"{method} {path}", body)

    def _route(self, route: str, body: bytes) -> None:
        model = self._model
        if route == "POST /v1/completions":
            self._complete(json.loads(body))
        elif route == "GET /v1/models":
            card = {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": model.pace.context}
            self._answer({"object": "list", "data": [card]})
        elif route == "GET /log":
            self._answer({"cpu_seconds": time.process_time(), "served": [asdict(one) for one in model.engine.log]})
        elif route == "DELETE /log":
            model.engine.log.clear()
            model.asked.clear()
            self._answer({})
        else:
            self._answer({"error": {"message": f"no such route: {route}"}}, "404 Not Found")

    def _answer(self, answer: dict[str, Any], status: str = "200 OK") -> None:
        text = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self._transport.write(head.encode() + text)

    def _complete(self, body: dict[str, Any]) -> None:
        role, tokens, finish, seconds, seed = self._model.plan(body)
        streamed = bool(body.get("stream"))
        reply = _Reply(body, self._model.write(role, tokens, seed), finish, tokens)

        def on_part(done: int) -> None:
            last = done == tokens
            if last:
                self._job = None
            if not streamed:
                self._answer(reply.whole())
                return
            self._transport.write(_chunk(reply.part(done, last)) + (reply.end() if last else b""))

        if streamed:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
        parts = max(1, tokens // (body.get("stream_interval") or _STREAMED_TOKENS)) if streamed else 1
        self._job = Job(role, tokens, seconds, on_part, parts)
        self._model.engine.submit(self._job)


class _Reply:
    """A completion in vLLM's words, whole or in parts."""

    def __init__(self, body: dict[str, Any], pieces: list[Piece], finish: str, tokens: int) -> None:
        self._with_ids = bool(body.get("return_token_ids"))
        options = body.get("stream_options") or {}
        self._with_usage = bool(options.get("include_usage"))
        self._with_every_usage = bool(options.get("continuous_usage_stats"))
        self._pieces, self._finish = pieces, finish
        prompt = body["prompt"]
        # A prompt that is text is not counted in tokens: nobody here asks for that.
        prompt_tokens = 0 if isinstance(prompt, str) else len(prompt)
        self._usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": prompt_tokens + tokens,
        }
        self._said = 0
        self._told = 0

    def whole(self) -> dict[str, Any]:
        return self._envelope([self._choice(self._pieces, self._finish)], self._usage)

    def part(self, tokens: int, last: bool) -> dict[str, Any]:
        """What has been said since the part before, in whole words, up to so many tokens."""
        begin = self._said
        while self._said < len(self._pieces) and (last or self._told < tokens):
            self._told += len(self._pieces[self._said].ids)
            self._said += 1
        usage = {**self._usage, "completion_tokens": tokens} if self._with_every_usage else None
        return self._envelope([self._choice(self._pieces[begin : self._said], self._finish if last else None)], usage)

    def end(self) -> bytes:
        usage = _chunk(self._envelope([], self._usage)) if self._with_usage else b""
        return usage + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    def _choice(self, pieces: list[Piece], finish: str | None) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "text": "".join(piece.text for piece in pieces),
            "logprobs": None,
            "finish_reason": finish,
        }
        if self._with_ids:
            choice["token_ids"] = [id_ for piece in pieces for id_ in piece.ids]
        return choice

    @staticmethod
    def _envelope(choices: list[dict[str, Any]], usage: dict[str, int] | None) -> dict[str, Any]:
        envelope = {"id": "cmpl-paced", "object": "text_completion", "created": 0, "model": MODEL}
        return {**envelope, "choices": choices, "usage": usage}


def _chunk(event: dict[str, Any]) -> bytes:
    return _framed(b"data: " + json.dumps(event).encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def serve(pace: Pace, port: int) -> None:
    """Serves until the process ends; the port is printed once it listens."""
    model = PacedModel(pace)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(model), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that stands for a GPU.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=json.loads, default={}, help="JSON: the fields of Pace that are to differ")
    arguments = parser.parse_args()
    asyncio.run(serve(Pace(**arguments.pace), arguments.port))


if __name__ == "__main__":
    main()
