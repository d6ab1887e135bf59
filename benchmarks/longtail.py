"""One reply in a hundred takes fifty times as long: how far from the ideal schedule is the time to the target?

A paced server stands for the engine, in which nobody is slowed down by a slow neighbour. The ideal schedule for the
durations that its log tells is max(all seconds of work / sequences, seconds of the longest completion): no client can
be faster. A build is held to that, with all filters on (they judge and drop nothing), start and end included; and so
are stage-by-stage clients of our own in the same run, which sample the first user turns of a batch, when all of these
are there their replies, then the second user turns, and so on. Prints JSON; `of_ideal` is the time by the ideal one.

    python -m benchmarks.longtail [--drafts 1800] [--rounds 1] [--peer]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.common import DRY, Sample, magpie_recipe, medians, steering_messages, timed_build
from benchmarks.paced import Log, PacedServer, http_sample, paced_server
from benchmarks.paced_server import Pace
from benchmarks.peers.peer import Job, run_job
from generators.opening import open_backbone
from generators.template import ChatTemplate
from schemas.conversation import Message
from schemas.recipe import Recipe

# A user turn takes a tenth of a second, a reply two, a slow one ten seconds.
PACE = Pace(sequences=12, speed=200.0, user_tokens=(16, 24), reply_tokens=(32, 48), slow_share=0.01, slow_factor=50.0)
WINDOW = 15
# (rows in a batch, batches): as many as are sampled at once, and many more; a full run of these takes too long.
STAGED = ((12, 10), (192, 2))
PEER_ROWS, PEER_BATCH = 200, 50


def recipe(drafts: int) -> Recipe:
    return magpie_recipe(drafts, DRY, user={"max_tokens": 64}, reply={"max_tokens": 128}, window=WINDOW)


async def stage_by_stage(recipe: Recipe, template: ChatTemplate, sample: Sample, batch: int) -> None:
    """The recipe's drafts in batches; each stage of a batch waits for its slowest turn."""
    starts = steering_messages(recipe)
    for first in range(0, len(starts), batch):
        steering = starts[first : first + batch]
        said: list[tuple[Message, ...]] = [()] * len(steering)
        for _ in range(2):
            prompts = [template.user_prefix((*one, *turns)) for one, turns in zip(steering, said, strict=True)]
            texts = await asyncio.gather(*(sample(prompt, "user") for prompt in prompts))
            said = [(*turns, Message(role="user", content=text)) for turns, text in zip(said, texts, strict=True)]
            texts = await asyncio.gather(*(sample(template.reply_prefix(turns), "assistant") for turns in said))
            said = [(*turns, Message(role="assistant", content=text)) for turns, text in zip(said, texts, strict=True)]


def account(drafts: int, seconds: float, log: Log, pace: Pace) -> dict[str, float]:
    """A run beside the ideal schedule of the same durations."""
    ideal = max(log.sequence_seconds / pace.sequences, log.longest)
    return {
        "conversations": drafts,
        "seconds": seconds,
        "ideal_seconds": ideal,
        "of_ideal": seconds / ideal,
        "conversations_per_second": drafts / seconds,
        "longest_completion_seconds": log.longest,
    }


async def timed(server: PacedServer, drafts: int, run: Callable[[], Awaitable[object]]) -> dict[str, float]:
    server.forget()
    started = time.perf_counter()
    await run()
    return account(drafts, time.perf_counter() - started, server.log(), server.pace)


async def measure(drafts: int, rounds: int, pace: Pace, staged: tuple[tuple[int, int], ...], peer: bool) -> list[Any]:
    results = []
    with paced_server(pace) as server:
        async with open_backbone("paced", server.spec) as backbone, http_sample(server) as sample:
            for _ in range(rounds):
                result: dict[str, Any] = {}
                result["iturri"] = await timed(server, drafts, lambda: timed_build(recipe(drafts), backbone))
                for batch, batches in staged:

                    async def stages(batch: int = batch, batches: int = batches) -> None:
                        await stage_by_stage(recipe(batch * batches), backbone.template, sample, batch)

                    result[f"stages_of_{batch}"] = await timed(server, batch * batches, stages)
                if peer:
                    job = Job(server.url, rows=PEER_ROWS, batch=PEER_BATCH, max_tokens=128)
                    server.forget()
                    await asyncio.to_thread(run_job, job, 300)
                    log = server.log()
                    # Its start-up is left out, to its advantage.
                    result["distilabel"] = account(len(log.served) // 4, log.seconds, log, pace)
                result["of_ideal"] = result["iturri"]["of_ideal"]
                results.append(result)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=1800)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peer", action="store_true", help="distilabel too, in an environment of its own")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.drafts, arguments.rounds, PACE, STAGED, arguments.peer))
    report = {"load": os.getloadavg(), "median": medians(results, ["of_ideal"]), "rounds": results}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
