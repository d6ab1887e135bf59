"""Does a build that stops at its target favour short conversations, since the long ones are still in flight then?

The same seeds twice: a build that stops at its target and one that finishes what is in flight. Replies differ much in
length, an exchange takes as long as it is long, and 40 % of the drafts fail at a user turn, so that more of them are in
flight than are needed. Compared are the rows of both, seed by seed: `difference` is the mean over the seeds of what the
stopped one lacks, in percent of the drained one, with a 95 % interval by Student's t. Prints JSON.

    python -m benchmarks.drain [--conversations 300] [--window 128] [--rounds 8]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import magpie_recipe
from benchmarks.foreign import ForeignTurns
from benchmarks.paced import PacedServer, paced_server
from benchmarks.paced_server import Pace
from generators.backbone import Backbone
from generators.opening import open_backbone
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.recipe import Recipe
from schemas.settings import Settings

SHARES = (0.3, 0.1)
# Two-sided 95 % of Student's t, by degrees of freedom (a table of any textbook).
_T95 = (
    12.71,
    4.30,
    3.18,
    2.78,
    2.57,
    2.45,
    2.36,
    2.31,
    2.26,
    2.23,
    2.20,
    2.18,
    2.16,
    2.14,
    2.13,
    2.12,
    2.11,
    2.10,
    2.09,
)


def recipe(conversations: int, window: int, seed: int, *, drain: bool) -> Recipe:
    sampling: dict[str, Any] = {"max_tokens": 1024}
    mode = {"mode": "magpie", "exchanges": {"min": 1, "max": 4}}
    return magpie_recipe(
        conversations,
        {"watch": {"enabled": False}},
        user=sampling,
        reply=sampling,
        modes=[{**mode, "user_sampling": sampling, "reply_sampling": sampling}],
        seed=seed,
        window=window,
        target={"conversations": conversations, "drain": drain},
        output={"shard_rows": 1_000_000},
    )


async def rows(recipe: Recipe, server: PacedServer, backbone: Backbone) -> dict[str, float]:
    """Means over the accepted conversations of one build."""
    server.forget()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "build"
        result = await build(recipe, place, backbone, settings=Settings())
        kept = [row for _, row in BuildReader(place).accepted(limit=1_000_000)]
    return {
        "rows": len(kept),
        "not_needed": result.manifest.funnel.not_needed,
        "tokens": statistics.mean(row.completion_tokens for row in kept),
        "exchanges": statistics.mean(row.exchanges for row in kept),
        "tokens_per_exchange": sum(row.completion_tokens for row in kept) / sum(row.exchanges for row in kept),
    }


def difference(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Mean and half width of the interval of what the first lacks, in percent of the second."""
    lacks = [100 * (drained - stopped) / drained for stopped, drained in pairs]
    if len(lacks) < 2:
        return {"percent": lacks[0]}
    half = _T95[min(len(lacks), len(_T95) + 1) - 2] * statistics.stdev(lacks) / len(lacks) ** 0.5
    return {"percent": round(statistics.mean(lacks), 2), "plus_minus": round(half, 2)}


async def measure(conversations: int, window: int, rounds: int, pace: Pace) -> dict[str, Any]:
    results = []
    with paced_server(pace) as server:
        async with open_backbone("drain", server.spec) as opened:
            backbone = ForeignTurns(opened, SHARES)
            for seed in range(rounds):
                sides = {
                    name: await rows(recipe(conversations, window, seed, drain=drain), server, backbone)
                    for name, drain in (("stopped", False), ("drained", True))
                }
                results.append(sides)
    compared = ("tokens", "exchanges", "tokens_per_exchange")
    return {
        "difference": {
            name: difference([(r["stopped"][name], r["drained"][name]) for r in results]) for name in compared
        },
        "rounds": results,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--window", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    pace = Pace(arguments.window, 200.0, user_tokens=(16, 64), reply_tokens=(16, 512))
    found = asyncio.run(measure(arguments.conversations, arguments.window, arguments.rounds, pace))
    print(json.dumps({"load": os.getloadavg(), **found}, indent=2))


if __name__ == "__main__":
    main()
