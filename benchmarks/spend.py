"""Generated tokens per accepted conversation, beside the order of others: generate everything, then filter.

The same drafts on both sides, so many, the same backbone, recipe and filters. On one side a build, whose gates end a
draft before more is spent on it; on the other every draft is sampled to its end and then judged by the same filters.
`natural`: as the backbone does it. `foreign`: 60 % of the drafts fail on the language of a user turn, half of those at
the first and half at the second. `foreign_watched`: turns that are plainly going wrong are stopped while they are
sampled, too. Each `ratio` is ours by theirs; `bound` is what gates at the ends of turns could do at best with the
drafts of the other side: each costs its turns up to the one that it is dropped for, and nothing after it. Prints JSON.

    python -m benchmarks.spend [--drafts 400] [--rounds 1]            # the demo backbone, real vLLM in this process
    python -m benchmarks.spend --paced [--reply-by-user 5]            # turns of a fixed length
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.common import magpie_recipe, medians
from benchmarks.foreign import ForeignTurns
from benchmarks.paced import paced_server
from benchmarks.paced_server import Pace
from benchmarks.paced_text import ROOT
from filters.chain import open_filters, walk
from filters.filter import ClaimingFilter
from generators.backbone import Backbone
from generators.modes import open_modes
from generators.opening import open_backbone
from generators.steering import INDIFFERENT
from languages.loader import load_pack
from pipeline.build import build
from pipeline.reader import BuildReader
from schemas.backbones import BackboneSpec
from schemas.conversation import Draft
from schemas.errors import BuildError
from schemas.funnel import Funnel
from schemas.recipe import Recipe
from schemas.settings import Settings, declared_backbones
from schemas.verdict import Drop, Verdict

SHARES = (0.3, 0.3)
EXCHANGES = 2
USER_TOKENS = 96
WATCH = {"from_tokens": 24}
# Few beside the drafts, so that most of them begin when the pool of filters has started.
IN_FLIGHT = 48
SAMPLING = {
    "user": {"max_tokens": 128, "temperature": 0.9, "top_p": 0.95},
    "reply": {"max_tokens": 512, "temperature": 0.7, "top_p": 0.95},
}


def recipe(drafts: int, *, watched: bool) -> Recipe:
    """Exactly so many drafts: the target is never reached."""
    return magpie_recipe(
        drafts,
        {"watch": {"enabled": watched, **WATCH}},
        user=SAMPLING["user"],
        reply=SAMPLING["reply"],
        exchanges=EXCHANGES,
        target={"conversations": drafts + 1, "max_drafts": drafts, "min_acceptance": 0},
        window=IN_FLIGHT,
    )


async def gated(recipe: Recipe, backbone: Backbone) -> Funnel:
    """The drafts as a build makes them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "build"
        with suppress(BuildError):  # it gives up at so many drafts, as it was told
            await build(recipe, place, backbone, settings=Settings())
        return BuildReader(place).funnel()


async def generated_then_filtered(recipe: Recipe, backbone: Backbone) -> dict[str, Any]:
    """The drafts sampled to their ends, then walked through the same filters."""
    pack = load_pack(recipe.language)
    (mode,) = open_modes(recipe, {pack.code: pack}, "whole")
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def whole(index: int) -> Draft:
        async with slots:
            draft = mode.begin(index, None, INDIFFERENT)
            async for step in mode.steps(draft, None, backbone):
                draft = step.draft
            return draft

    drafts = await asyncio.gather(*map(whole, range(recipe.target.max_drafts or 0)))
    filters = open_filters(recipe.filters, pack)
    accepted = needed = 0
    for draft in drafts:
        verdict = walk(filters, draft)
        dropped = isinstance(verdict, Drop)
        accepted += not dropped
        needed += sum(turn.completion_tokens for turn in draft.turns[: _turns_to(verdict)])
        for one in filters:
            if isinstance(one, ClaimingFilter):
                if dropped:
                    one.release(draft.id)
                else:
                    one.confirm(draft.id)
    turns = [turn for draft in drafts for turn in draft.turns]
    return {
        "accepted": accepted,
        "tokens": sum(turn.completion_tokens for turn in turns),
        "tokens_to_the_verdict": needed,
        "user_turn": statistics.mean(turn.completion_tokens for turn in turns if turn.role == "user"),
        "reply": statistics.mean(turn.completion_tokens for turn in turns if turn.role == "assistant"),
    }


def _turns_to(verdict: Verdict) -> int | None:
    """How many turns it takes to come to it; None is all of them."""
    return verdict.turn + 1 if isinstance(verdict, Drop) and verdict.turn is not None else None


async def compare(backbone: Backbone, drafts: int, shares: tuple[float, ...], *, watched: bool) -> dict[str, Any]:
    wrapped = ForeignTurns(backbone, shares)
    planned = recipe(drafts, watched=watched)
    theirs = await generated_then_filtered(planned, wrapped)
    funnel = await gated(planned, wrapped)
    best = theirs["tokens_to_the_verdict"] / theirs["tokens"]
    ratio = (funnel.completion_tokens / funnel.accepted) / (theirs["tokens"] / theirs["accepted"])
    return {
        "ratio": ratio,
        "bound": best,
        "ratio_by_bound": ratio / best,
        "ours": {
            "drafts": funnel.drafts,
            "accepted": funnel.accepted,
            "tokens": funnel.completion_tokens,
            "tokens_per_accepted": funnel.tokens_per_accepted,
            "dropped": funnel.reasons(),
            "saved_as_told": funnel.saved_tokens,
        },
        "generate_then_filter": {**theirs, "tokens_per_accepted": theirs["tokens"] / theirs["accepted"]},
    }


async def measure(spec: BackboneSpec, drafts: int, rounds: int) -> list[dict[str, Any]]:
    results = []
    async with open_backbone("spend", spec) as backbone:
        for _ in range(rounds):
            result: dict[str, Any] = {
                "natural": await compare(backbone, drafts, (), watched=False),
                "foreign": await compare(backbone, drafts, SHARES, watched=False),
                "foreign_watched": await compare(backbone, drafts, SHARES, watched=True),
            }
            for name in tuple(result):
                result[f"{name}_ratio"] = result[name]["ratio"]
                result[f"{name}_by_bound"] = result[name]["ratio_by_bound"]
            results.append(result)
    return results


@contextmanager
def backbone_spec(paced: bool, reply_by_user: float) -> Iterator[BackboneSpec]:
    if not paced:
        yield declared_backbones(Settings(backbones=ROOT / "demo" / "backbones.yaml"))["demo"]
        return
    reply = int(USER_TOKENS * reply_by_user)
    pace = Pace(IN_FLIGHT, 150.0, user_tokens=(USER_TOKENS, USER_TOKENS), reply_tokens=(reply, reply))
    with paced_server(pace) as server:
        yield server.spec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--paced", action="store_true", help="turns of a fixed length, from the paced server")
    parser.add_argument("--reply-by-user", type=float, default=5.0, help="how many times as long replies are there")
    arguments = parser.parse_args()
    with backbone_spec(arguments.paced, arguments.reply_by_user) as spec:
        results = asyncio.run(measure(spec, arguments.drafts, arguments.rounds))
    names = [name for name in results[0] if name.endswith(("_ratio", "_by_bound"))]
    print(json.dumps({"load": os.getloadavg(), "median": medians(results, names), "rounds": results}, indent=2))


if __name__ == "__main__":
    main()
