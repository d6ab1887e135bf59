"""What Iturri costs beside the raw engine: generated tokens per second, as a paired ratio in one run.

The same drafts on both sides: the same prompts, fixed output lengths, two exchanges, filters that judge and drop
nothing. Raw is a bare asyncio loop over the engine. Prints JSON.

    python -m benchmarks.overhead [--drafts 512] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from generators.backbone import Backbone
from generators.modes import open_modes
from generators.opening import open_backbone
from generators.steering import INDIFFERENT, user_system
from languages.loader import load_pack
from pipeline.build import build
from schemas.conversation import Message
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones

ROOT = Path(__file__).resolve().parent.parent
EXCHANGES, USER_TOKENS, REPLY_TOKENS = 2, 32, 64
TOKENS_PER_DRAFT = EXCHANGES * (USER_TOKENS + REPLY_TOKENS)
CHEAP = {"language": {"enabled": False}}


def recipe(drafts: int, filters: dict[str, Any]) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "overhead",
            "language": "eu",
            "seed": 1,
            "backbone": "demo",
            "modes": [
                {
                    "mode": "magpie",
                    "exchanges": {"min": EXCHANGES, "max": EXCHANGES},
                    "user_sampling": {"max_tokens": USER_TOKENS, "ignore_eos": True},
                    "reply_sampling": {"max_tokens": REPLY_TOKENS, "ignore_eos": True},
                }
            ],
            "filters": {"dry": True, **filters},
            "target": {"conversations": drafts},
            "publish": {"licence": "cc0-1.0"},
        }
    )


async def iturri(backbone: Backbone, drafts: int, filters: dict[str, Any]) -> dict[str, float]:
    """One build; tokens per second of the whole call, and of the time in which the backbone sampled."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = await build(recipe(drafts, filters), Path(folder) / "build", backbone, settings=Settings())
        seconds = time.perf_counter() - started
    funnel = result.manifest.funnel
    tokens = funnel.completion_tokens - funnel.unfinished_completion_tokens
    return {"whole": tokens / seconds, "sampling": tokens / funnel.engine_seconds}


async def raw(backbone: Backbone, drafts: int) -> float:
    """The bare loop over the engine: the drafts' prompts and lengths, and nothing else; tokens per second."""
    from vllm import SamplingParams
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind

    engine = backbone._engine  # type: ignore[attr-defined]  # the engine itself, without our adapter
    planned = recipe(drafts, CHEAP)
    pack = load_pack(planned.language)
    (mode,) = open_modes(planned, {pack.code: pack}, "raw")
    template = backbone.template

    async def sample(number: str, prompt: list[int], tokens: int) -> str:
        params = SamplingParams(max_tokens=tokens, ignore_eos=True, output_kind=RequestOutputKind.FINAL_ONLY)
        async for output in engine.generate(tokens_input(prompt), params, number):
            text: str = output.outputs[0].text.strip()
        return text

    async def conversation(index: int) -> None:
        steering = user_system(mode.begin(index, None, INDIFFERENT).steering, pack.steering.examples_heading)
        messages: tuple[Message, ...] = ()
        for exchange in range(EXCHANGES):
            prompt = template.user_prefix((*steering, *messages))
            text = await sample(f"raw-{index}-{exchange}-user", prompt, USER_TOKENS)
            messages = (*messages, Message(role="user", content=text))
            text = await sample(f"raw-{index}-{exchange}-reply", template.reply_prefix(messages), REPLY_TOKENS)
            messages = (*messages, Message(role="assistant", content=text))

    started = time.perf_counter()
    await asyncio.gather(*(conversation(index) for index in range(drafts)))
    return drafts * TOKENS_PER_DRAFT / (time.perf_counter() - started)


async def measure(drafts: int, rounds: int) -> dict[str, Any]:
    spec = declared_backbones(Settings(backbones=ROOT / "demo" / "backbones.yaml"))["demo"]
    async with open_backbone("demo", spec) as backbone:
        await raw(backbone, drafts)  # warm-up
        results: list[dict[str, Any]] = []
        for _ in range(rounds):
            before = await raw(backbone, drafts)
            cheap = await iturri(backbone, drafts, CHEAP)
            between = await raw(backbone, drafts)
            full = await iturri(backbone, drafts, {})
            after = await raw(backbone, drafts)
            results.append(
                {
                    "raw": [before, between, after],
                    "cheap": cheap,
                    "all": full,
                    "ratio_cheap": cheap["whole"] / ((before + between) / 2),
                    "ratio_all": full["whole"] / ((between + after) / 2),
                    "ratio_cheap_sampling": cheap["sampling"] / ((before + between) / 2),
                    "ratio_all_sampling": full["sampling"] / ((between + after) / 2),
                }
            )
    ratios = [name for name in results[0] if name.startswith("ratio")]
    return {
        "drafts": drafts,
        "tokens_per_draft": TOKENS_PER_DRAFT,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "median": {name: round(statistics.median(result[name] for result in results), 3) for name in ratios},
        "rounds": results,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drafts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.drafts, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
