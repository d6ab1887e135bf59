"""The paced server from a benchmark's side: a process of its own, its log, and the backbone that asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass

import aiohttp
import httpx

from benchmarks.common import Sample
from benchmarks.paced_engine import Served
from benchmarks.paced_server import MODEL, Pace
from benchmarks.paced_text import ROOT, TOKENIZER
from schemas.backbones import OpenAIBackbone


@dataclass(frozen=True, slots=True)
class Log:
    """What the server did since it was last asked to forget: its completions, and processor seconds since its start."""

    served: tuple[Served, ...]
    cpu_seconds: float

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.served)

    @property
    def sequence_seconds(self) -> float:
        """Seconds of one sequence: all the work."""
        return sum(one.ended - one.started for one in self.served)

    @property
    def longest(self) -> float:
        """Seconds of the longest completion."""
        return max(one.ended - one.started for one in self.served)

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return max(one.ended for one in self.served) - min(one.started for one in self.served)

    def lengths(self, role: str) -> list[int]:
        return [one.tokens for one in self.served if one.role == role and one.whole]


@dataclass(frozen=True, slots=True)
class PacedServer:
    """A server that runs."""

    url: str
    pace: Pace

    @property
    def spec(self) -> OpenAIBackbone:
        """The backbone that asks it."""
        return OpenAIBackbone(kind="openai", model=MODEL, endpoints=(f"{self.url}/v1",), tokenizer=str(TOKENIZER))

    def log(self) -> Log:
        answer = httpx.get(f"{self.url}/log", timeout=60).json()
        return Log(tuple(Served(**one) for one in answer["served"]), answer["cpu_seconds"])

    def forget(self) -> None:
        """Start the log anew, and answer every prompt as if it came for the first time."""
        httpx.delete(f"{self.url}/log", timeout=60).raise_for_status()


@contextmanager
def paced_server(pace: Pace) -> Iterator[PacedServer]:
    """A paced server in a process of its own, which ends with the context."""
    command = [sys.executable, "-m", "benchmarks.paced_server", "--pace", json.dumps(asdict(pace))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the paced server has not started; it says why above")
            yield PacedServer(f"http://127.0.0.1:{port}", pace)
        finally:
            process.terminate()


@asynccontextmanager
async def http_sample(server: PacedServer) -> AsyncIterator[Sample]:
    """One request for a turn, by the client library of the product, and nothing around it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def sample(prompt: list[int], role: str) -> str:
            body = {"model": MODEL, "prompt": prompt, "max_tokens": 1024}
            async with session.post(f"{server.url}/v1/completions", json=body) as response:
                answer = await response.json()
            text: str = answer["choices"][0]["text"]
            return text

        yield sample
