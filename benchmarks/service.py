"""What watching costs: 200 clients that poll and 50 that follow events, while a build runs.

One `iturri serve` with its own PostgreSQL, one build on the paced server, whose log tells the tokens that it gave while
nobody watched, while all did, and while nobody did again; `ratio` is those of the time in the middle by the mean of the
two others. Clients poll once a second each: one job, the list, the conversations, the history, in turn. Latencies are
in milliseconds, of whole answers. Prints JSON.

    python -m benchmarks.service [--clients 200] [--streams 50] [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import time
from typing import Any

import aiohttp
import psutil

from benchmarks.common import magpie_recipe
from benchmarks.paced import paced_server
from benchmarks.paced_server import Pace
from benchmarks.service_process import ServiceProcess, open_folder

_EVERY_S = 1.0
_WARM_S = 10.0
_WATCHED = ("", "?limit=50", "/conversations?limit=20", "/progress")


class Watching:
    """Clients in this process, each with a connection of its own."""

    def __init__(self, url: str, job_id: str) -> None:
        self._jobs = f"{url}/v1/jobs"
        self._job = f"{self._jobs}/{job_id}"
        self.milliseconds: dict[str, list[float]] = {path: [] for path in _WATCHED}
        self.events = 0
        self.errors: list[str] = []

    async def run(self, clients: int, streams: int, seconds: float) -> None:
        """All clients at once, for so long."""
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            tasks = [asyncio.create_task(self._poll(session)) for _ in range(clients)]
            tasks += [asyncio.create_task(self._follow(session)) for _ in range(streams)]
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        self.errors += [repr(one) for one in ended if not isinstance(one, asyncio.CancelledError)]

    async def _poll(self, session: aiohttp.ClientSession) -> None:
        await asyncio.sleep(random.random() * _EVERY_S)
        for path in itertools.cycle(random.sample(_WATCHED, len(_WATCHED))):
            began = time.perf_counter()
            url = f"{self._jobs}{path}" if path.startswith("?") else f"{self._job}{path}"
            async with session.get(url) as answer:
                await answer.read()
                answer.raise_for_status()
            took = time.perf_counter() - began
            self.milliseconds[path].append(1000 * took)
            await asyncio.sleep(max(0.0, _EVERY_S - took))

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self._job}/events") as answer:
            answer.raise_for_status()
            async for line in answer.content:
                self.events += line.startswith(b"data:")

    def latencies(self) -> dict[str, Any]:
        names = dict(zip(_WATCHED, ("job", "list", "conversations", "history"), strict=True))
        each = {names[path]: percentiles(found) for path, found in self.milliseconds.items()}
        return {"all": percentiles(list(itertools.chain(*self.milliseconds.values()))), **each}


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    found = {
        name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) for name, share in shares.items()
    }
    return {**found, "requests": len(ordered)}


async def measure(clients: int, streams: int, seconds: float, pace: Pace) -> dict[str, Any]:
    recipe = magpie_recipe(1_000_000, {}, user={"max_tokens": 256}, reply={"max_tokens": 1024}, backbone="paced")
    with paced_server(pace) as paced, open_folder() as folder:
        server = ServiceProcess(folder, paced, None, "one")
        server.start()
        try:
            await asyncio.to_thread(server.wait_until_ready)
            job_id = server.submit(recipe.model_dump(mode="json", exclude_unset=True))
            await asyncio.to_thread(server.wait_until_it_accepts, job_id)
            await asyncio.sleep(_WARM_S)
            process = psutil.Process(server.process.pid if server.process else None)
            watching = Watching(server.url, job_id)
            spans: list[dict[str, float]] = []
            for watched in (False, True, False):
                paced.forget()
                began, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
                await (watching.run(clients, streams, seconds) if watched else asyncio.sleep(seconds))
                took = time.perf_counter() - began
                spans.append(
                    {
                        "tokens_per_second": round(paced.log().tokens / took, 1),
                        "server_cpu_share": round((sum(process.cpu_times()[:2]) - cpu) / took, 3),
                    }
                )
        finally:
            server.end()
    alone = (spans[0]["tokens_per_second"] + spans[2]["tokens_per_second"]) / 2
    return {
        "ratio": round(spans[1]["tokens_per_second"] / alone, 3),
        "latency_ms": watching.latencies(),
        "events": watching.events,
        "errors": watching.errors,
        "spans": spans,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--speed", type=float, default=30.0, help="tokens per second of one sequence")
    arguments = parser.parse_args()
    pace = Pace(arguments.sequences, arguments.speed, user_tokens=(16, 64), reply_tokens=(64, 256))
    told = asyncio.run(measure(arguments.clients, arguments.streams, arguments.seconds, pace))
    print(json.dumps({"load": os.getloadavg(), **told}, indent=2))


if __name__ == "__main__":
    main()
