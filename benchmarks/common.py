"""What the benchmarks of builds share: the recipe, a build that is timed, and a bare loop that does the same."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.backbone import Backbone
from generators.modes import open_modes
from generators.steering import INDIFFERENT, user_system
from generators.template import ChatTemplate
from languages.loader import load_pack
from pipeline.build import build
from schemas.conversation import Message
from schemas.funnel import Funnel
from schemas.recipe import Recipe
from schemas.settings import Settings

DRY: dict[str, Any] = {"dry": True}
CHEAP: dict[str, Any] = {"dry": True, "language": {"enabled": False}, "watch": {"enabled": False}}

Sample = Callable[[list[int], str], Awaitable[str]]
"""Prompt ids and role in, text out."""


def magpie_recipe(
    conversations: int,
    filters: Mapping[str, Any],
    *,
    user: Mapping[str, Any],
    reply: Mapping[str, Any],
    exchanges: int = 2,
    **changes: Any,
) -> Recipe:
    """Basque Magpie of so many exchanges, the same drafts whenever it is run; `user` and `reply` are sampling."""
    mode = {
        "mode": "magpie",
        "exchanges": {"min": exchanges, "max": exchanges},
        # As the raw loops sample.
        "user_sampling": {"temperature": 1.0, "top_p": 1.0, **user},
        "reply_sampling": {"temperature": 1.0, "top_p": 1.0, **reply},
    }
    fields: dict[str, Any] = {
        "name": "benchmark",
        "language": "eu",
        "seed": 1,
        "backbone": "demo",
        "modes": [mode],
        "filters": filters,
        "target": {"conversations": conversations},
        "publish": {"licence": "cc0-1.0"},
        "adaptive": False,
    }
    return Recipe.model_validate({**fields, **changes})


@dataclass(frozen=True, slots=True)
class Built:
    """A build that has ended: what it accounts for, and seconds of wall and of this process's processor time."""

    funnel: Funnel
    seconds: float
    cpu_seconds: float

    @property
    def tokens(self) -> int:
        """Of drafts that ended by a verdict or were not needed."""
        return self.funnel.completion_tokens - self.funnel.unfinished_completion_tokens


async def timed_build(recipe: Recipe, backbone: Backbone) -> Built:
    """One build in a folder of its own, from the call to the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        result = await build(recipe, Path(folder) / "build", backbone, settings=Settings())
        return Built(result.manifest.funnel, time.perf_counter() - started, time.process_time() - cpu)


async def bare_loop(recipe: Recipe, template: ChatTemplate, sample: Sample, window: int | None = None) -> float:
    """The recipe's drafts in a bare asyncio loop, nothing judged and nothing kept: seconds."""
    slots = asyncio.Semaphore(window or recipe.target.conversations)
    starts = steering_messages(recipe)
    exchanges = recipe.modes[0].exchanges.max  # type: ignore[union-attr]  # the benchmarks' recipes are Magpie's

    async def conversation(steering: tuple[Message, ...]) -> None:
        async with slots:
            messages: tuple[Message, ...] = ()
            for _ in range(exchanges):
                text = await sample(template.user_prefix((*steering, *messages)), "user")
                messages = (*messages, Message(role="user", content=text.strip()))
                text = await sample(template.reply_prefix(messages), "assistant")
                messages = (*messages, Message(role="assistant", content=text.strip()))

    started = time.perf_counter()
    await asyncio.gather(*map(conversation, starts))
    return time.perf_counter() - started


def steering_messages(recipe: Recipe) -> list[tuple[Message, ...]]:
    """What each of the recipe's first drafts shows the model before its user turns."""
    pack = load_pack(recipe.language)
    (mode,) = open_modes(recipe, {pack.code: pack}, "bare")
    drafts = (mode.begin(index, None, INDIFFERENT) for index in range(recipe.target.conversations))
    return [user_system(draft.steering, pack.steering.examples_heading) for draft in drafts]


def medians(rounds: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in rounds), 3) for name in names}
