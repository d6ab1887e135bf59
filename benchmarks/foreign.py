"""A backbone whose user turns are in the wrong language as often as a benchmark says."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from generators.backbone import Backbone, Completion, SampleRequest
from generators.backbone_before import BackboneBefore

# Plain English, in whole sentences: what a model that loses the language falls back to.
_SENTENCES = (
    "I would like to know how the {} and the {} have changed during the last years in this part of the country.",
    "Could you tell me what I should do with the {} when my friends come to see the {} this evening?",
    "Please write a short letter to my neighbour about the {} that was left beside the {} at night.",
    "What is the difference between a {} and a {}, and why are some of them so expensive?",
    "My daughter wants to learn more about the {}, but she has no time for the {} after school.",
)
_THINGS = [
    "river",
    "garden",
    "market",
    "bridge",
    "kitchen",
    "window",
    "letter",
    "teacher",
    "doctor",
    "bicycle",
    "station",
    "forest",
    "mountain",
    "village",
    "library",
    "museum",
    "harbour",
    "factory",
    "concert",
    "recipe",
    "holiday",
    "weather",
    "engine",
    "computer",
    "language",
    "history",
    "newspaper",
    "hospital",
]
_NUMBERS = re.compile(r"(\d+)\.(\d+)$")


class ForeignTurns(BackboneBefore):
    """Wraps a backbone: `shares[k]` of the drafts have English words in their user turn k, as many as were sampled.

    Which drafts these are follows from their index alone. The tokens that are counted are those that were sampled.
    """

    def __init__(self, backbone: Backbone, shares: tuple[float, ...]) -> None:
        super().__init__(backbone)
        self._shares = shares

    async def sample(self, request: SampleRequest) -> Completion:
        if not self.is_foreign(request):
            return await self._backbone.sample(request)
        watch = request.watch
        if watch is not None:
            asked = watch

            async def look(text: str) -> bool:
                return await asked(english(text))

            request = replace(request, watch=look)
        completion = await self._backbone.sample(request)
        return replace(completion, text=english(completion.text))

    def is_foreign(self, request: SampleRequest) -> bool:
        """Requests are named after their draft's index and the turn's number."""
        named = _NUMBERS.search(request.id)
        if request.role != "user" or named is None:
            return False
        index, turn = map(int, named.groups())
        if turn // 2 >= len(self._shares):
            return False
        below = sum(self._shares[: turn // 2])
        return below <= index % 100 / 100 < below + self._shares[turn // 2]


def english(text: str) -> str:
    """As many English words as the text has words, eight at least: fewer say little about their language.

    Another text gives other words, and its beginning the beginning of them.
    """
    words = text.split()
    rng = random.Random(" ".join(words[:3]))
    wanted = max(8, len(words))
    found: list[str] = []
    while len(found) < wanted:
        found += rng.choice(_SENTENCES).format(*rng.sample(_THINGS, 2)).split()
    return " ".join(found[:wanted])
