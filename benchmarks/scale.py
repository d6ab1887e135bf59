"""Ten thousand drafts queued, 512 running: is memory flat, and does the event loop stay awake?

A build with all filters on, against the paced server. Memory is what this process holds (RSS), noted every second;
`growth_mb_per_1000` is the slope of the last two thirds. Lag is how late a tick of the build's own loop came, beside
that of a loop in another process that has nothing to do: that one is the machine's. `slow_callbacks` took more than 50
ms of processor time. Prints JSON.

    python -m benchmarks.scale [--drafts 10000] [--window 512] [--speed 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import magpie_recipe
from benchmarks.lag import Lag, SlowCallbacks
from benchmarks.paced import paced_server
from benchmarks.paced_server import Pace
from benchmarks.paced_text import ROOT
from generators.opening import open_backbone
from pipeline.build import Progress, build
from schemas.settings import Settings

_MB = 1 << 20
_MEMORY_EVERY_S = 1.0


class Memory:
    """What this process holds, beside how many rows it has accepted, each second."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, float]] = []
        self._process = psutil.Process()
        self.accepted = 0

    def on_progress(self, progress: Progress) -> None:
        self.accepted = progress.funnel.accepted

    async def watch(self) -> None:
        while True:
            self.noted.append((self.accepted, self._process.memory_info().rss / _MB))
            await asyncio.sleep(_MEMORY_EVERY_S)

    def summary(self) -> dict[str, Any]:
        """While it samples; then the last shard is sealed, which holds up to `output.shard_rows` rows at once."""
        sampled = [one for one in self.noted if one[0] < self.noted[-1][0]]
        rows, megabytes = np.array(sampled or self.noted).T
        late = slice(len(rows) // 3, None)
        slope = float(np.polyfit(rows[late], megabytes[late], 1)[0]) if np.ptp(rows[late]) else 0.0
        return {
            "mb_by_tenth": [round(float(np.median(part)), 1) for part in np.array_split(megabytes, 10)],
            "growth_mb_per_1000": round(1000 * slope, 3),
            "mb_while_the_last_shard_is_sealed": round(max(megabytes for _, megabytes in self.noted), 1),
        }


async def measure(drafts: int, pace: Pace) -> dict[str, Any]:
    recipe = magpie_recipe(drafts, {}, user={"max_tokens": 256}, reply={"max_tokens": 1024}, window=pace.sequences)
    memory = Memory()
    with paced_server(pace) as server, tempfile.TemporaryDirectory() as folder:
        async with open_backbone("scale", server.spec) as backbone:
            idle = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "benchmarks.lag",
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            watching = asyncio.create_task(memory.watch())
            started, cpu = time.perf_counter(), time.process_time()
            with SlowCallbacks() as slow:
                async with Lag() as lag:
                    result = await build(
                        recipe,
                        Path(folder) / "build",
                        backbone,
                        settings=Settings(),
                        on_progress=memory.on_progress,
                    )
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            watching.cancel()
            told, _ = await idle.communicate(b"")
        log = server.log()
    funnel = result.manifest.funnel
    return {
        "accepted": funnel.accepted,
        "drafts": funnel.drafts,
        "in_flight": pace.sequences,
        "seconds": seconds,
        "cpu_share": cpu / seconds,
        "cpu_ms_per_completion": 1000 * cpu / len(log.served),
        "server_cpu_ms_per_completion": 1000 * log.cpu_seconds / len(log.served),
        "engine_busy_share": log.sequence_seconds / pace.sequences / log.seconds,
        "memory": memory.summary(),
        "lag_ms": lag.summary(),
        "idle_loop_lag_ms": json.loads(told),
        "slow_callbacks": slow.summary(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=10_000)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--speed", type=float, default=20.0, help="tokens per second of one sequence")
    arguments = parser.parse_args()
    pace = Pace(arguments.window, arguments.speed, user_tokens=(16, 64), reply_tokens=(64, 256))
    print(json.dumps({"load": os.getloadavg(), **asyncio.run(measure(arguments.drafts, pace))}, indent=2))


if __name__ == "__main__":
    main()
