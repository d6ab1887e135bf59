"""What Iturri costs beside the raw engine: generated tokens per second, as a paired ratio in one run.

The same drafts on both sides: the same prompts, the same lengths, two exchanges, filters that judge and drop nothing.
Raw is a bare asyncio loop over the engine, before and after every build; with `--paced` over HTTP, by the client
library that the build uses too, to a server in another process that stands for a GPU. Prints JSON.

    python -m benchmarks.overhead [--paced] [--drafts 512] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
from typing import Any

from benchmarks.common import CHEAP, DRY, Sample, bare_loop, magpie_recipe, medians, timed_build
from benchmarks.paced import http_sample, paced_server
from benchmarks.paced_server import Pace
from benchmarks.paced_text import ROOT
from generators.backbone import Backbone
from generators.opening import open_backbone
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones

USER_TOKENS, REPLY_TOKENS = 32, 64
# Of a small GPU: 64 sequences of 60 tokens a second, turns of the lengths that people's have.
PACE = Pace(sequences=64, speed=60.0, user_tokens=(16, 64), reply_tokens=(64, 256))
# As many more in flight as the product has with an engine of its own: a client needs a moment between two requests.
WINDOW_PER_SEQUENCE = 1.25


def recipe(drafts: int, filters: dict[str, Any], *, fixed: bool, window: int | None) -> Recipe:
    user: dict[str, Any] = {"max_tokens": USER_TOKENS, "ignore_eos": True} if fixed else {"max_tokens": 256}
    reply: dict[str, Any] = {"max_tokens": REPLY_TOKENS, "ignore_eos": True} if fixed else {"max_tokens": 1024}
    return magpie_recipe(drafts, filters, user=user, reply=reply, window=window)


def engine_sample(backbone: Backbone) -> Sample:
    """The engine itself, without our adapter, at fixed lengths."""
    from vllm import SamplingParams
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind

    engine = backbone._engine  # type: ignore[attr-defined]
    numbers = itertools.count()

    async def sample(prompt: list[int], role: str) -> str:
        tokens = USER_TOKENS if role == "user" else REPLY_TOKENS
        params = SamplingParams(max_tokens=tokens, ignore_eos=True, output_kind=RequestOutputKind.FINAL_ONLY)
        async for output in engine.generate(tokens_input(prompt), params, f"raw-{next(numbers)}"):
            text: str = output.outputs[0].text
        return text

    return sample


async def on_engine(drafts: int, rounds: int) -> list[dict[str, Any]]:
    """Against real vLLM in this process."""
    spec = declared_backbones(Settings(backbones=ROOT / "demo" / "backbones.yaml"))["demo"]
    sides = {
        name: recipe(drafts, filters, fixed=True, window=None) for name, filters in (("cheap", CHEAP), ("all", DRY))
    }
    results = []
    async with open_backbone("demo", spec) as backbone:
        sample = engine_sample(backbone)
        tokens = 2 * drafts * (USER_TOKENS + REPLY_TOKENS)

        async def raw() -> float:
            return tokens / await bare_loop(sides["cheap"], backbone.template, sample)

        await raw()  # warm-up
        for _ in range(rounds):
            result: dict[str, Any] = {"raw": [await raw()]}
            for name, side in sides.items():
                built = await timed_build(side, backbone)
                result["raw"].append(await raw())
                result |= rates(name, built.tokens, built.seconds, built.funnel.engine_seconds, result["raw"])
            results.append(result)
    return results


async def on_server(drafts: int, rounds: int, pace: Pace) -> list[dict[str, Any]]:
    """Against a paced server, with all filters."""
    results = []
    window = int(pace.sequences * WINDOW_PER_SEQUENCE)
    side = recipe(drafts, DRY, fixed=False, window=window)
    with paced_server(pace) as server:
        async with open_backbone("paced", server.spec) as backbone, http_sample(server) as sample:

            async def raw() -> float:
                server.forget()
                seconds = await bare_loop(side, backbone.template, sample, window)
                return server.log().tokens / seconds

            for _ in range(rounds):
                result: dict[str, Any] = {"raw": [await raw()]}
                raw_tokens = server.log().tokens
                server.forget()
                built = await timed_build(side, backbone)
                log = server.log()
                result["raw"].append(await raw())
                result["tokens"] = {"raw": raw_tokens, "all": log.tokens}
                result["cpu_share"] = {"iturri": built.cpu_seconds / built.seconds}
                result |= rates("all", log.tokens, built.seconds, built.funnel.engine_seconds, result["raw"])
                results.append(result)
            result["cpu_share"]["server_per_request_ms"] = 1000 * server.log().cpu_seconds / (rounds * 3 * drafts * 4)
    return results


def rates(name: str, tokens: int, seconds: float, sampling: float, raw: list[float]) -> dict[str, Any]:
    """Tokens per second of a build, whole and while it sampled, beside the raw runs right before and after it."""
    beside = sum(raw[-2:]) / 2
    return {
        name: {"whole": tokens / seconds, "sampling": tokens / sampling},
        f"ratio_{name}": tokens / seconds / beside,
        f"ratio_{name}_sampling": tokens / sampling / beside,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paced", action="store_true", help="against a server that stands for a GPU")
    parser.add_argument("--drafts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    drafts, rounds = arguments.drafts, arguments.rounds
    results = asyncio.run(on_server(drafts, rounds, PACE) if arguments.paced else on_engine(drafts, rounds))
    report = {
        "drafts": drafts,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "load": os.getloadavg(),
        "pace_tokens_per_second": PACE.sequences * PACE.speed if arguments.paced else None,
        "median": medians(results, [name for name in results[0] if name.startswith("ratio")]),
        "rounds": results,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
