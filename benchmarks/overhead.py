"""What Iturri costs beside the raw engine: generated tokens per second, as a paired ratio in one run.

The same drafts on both sides: the same steering, fixed output lengths, two exchanges, filters that judge and drop
nothing. Raw is a bare asyncio loop over the engine that appends token ids. Prints JSON.

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

from generators.backbone import Backbone, SampleRequest
from generators.modes import ModeMixer, open_modes
from generators.opening import open_backbone
from generators.template import ChatTemplate
from languages.loader import load_pack
from pipeline.build import build
from schemas.conversation import Message
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones

ROOT = Path(__file__).resolve().parent.parent
USER_TOKENS, REPLY_TOKENS = 32, 64
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
                    "exchanges": {"min": 2, "max": 2},
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
    """The bare loop: the same drafts, their prompts grown by appending token ids; tokens per second."""
    from vllm import SamplingParams
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind

    engine = backbone._engine  # type: ignore[attr-defined]  # the engine itself, without our adapter
    plan = recipe(drafts, CHEAP)
    mixer = open_modes(plan, load_pack(plan.language))
    template = backbone.template
    firsts = [await _first_prompt(mixer, index, template) for index in range(drafts)]
    bare = template.user_prefix(())
    to_reply = _common_end(*(template.reply_prefix((_user(text),)) for text in ("a", "b")))
    to_user = _common_end(*(template.user_prefix((_user("c"), _reply(text))) for text in ("a", "b")))

    async def sample(number: str, prompt: list[int], tokens: int) -> list[int]:
        params = SamplingParams(max_tokens=tokens, ignore_eos=True, output_kind=RequestOutputKind.FINAL_ONLY)
        async for output in engine.generate(tokens_input(prompt), params, number):
            ids = list(output.outputs[0].token_ids)
        return ids

    async def conversation(index: int) -> int:
        steered = firsts[index]
        turns: list[int] = []
        count = 0
        for exchange in range(2):
            asked = await sample(f"raw-{index}-{exchange}-user", steered + turns, USER_TOKENS)
            turns += asked + to_reply
            replied = await sample(f"raw-{index}-{exchange}-reply", bare + turns, REPLY_TOKENS)
            turns += replied + to_user
            count += len(asked) + len(replied)
        return count

    started = time.perf_counter()
    counts = await asyncio.gather(*(conversation(index) for index in range(drafts)))
    return sum(counts) / (time.perf_counter() - started)


class _FirstPrompt(Exception):  # noqa: N818  # no error: it carries a value
    """Carries the prompt of a draft's first user turn out of its mode."""

    def __init__(self, token_ids: list[int]) -> None:
        self.token_ids = token_ids


class _Interceptor:
    """In the place of a backbone: has its template, and samples nothing."""

    def __init__(self, template: ChatTemplate) -> None:
        self.template = template

    async def sample(self, request: SampleRequest) -> None:
        raise _FirstPrompt(list(request.prompt_token_ids))


async def _first_prompt(mixer: ModeMixer, index: int, template: ChatTemplate) -> list[int]:
    try:
        await anext(mixer.draft(index, _Interceptor(template)))  # type: ignore[arg-type]
    except _FirstPrompt as found:
        return found.token_ids
    raise AssertionError("the mode sampled nothing")


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _reply(text: str) -> Message:
    return Message(role="assistant", content=text)


def _common_end(left: list[int], right: list[int]) -> list[int]:
    size = 0
    while left[-1 - size] == right[-1 - size]:
        size += 1
    return left[len(left) - size :]


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
        "tokens_per_draft": 2 * (USER_TOKENS + REPLY_TOKENS),
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
