"""The modes of a recipe, and which of them makes a draft."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Sequence

from generators.backbone import Backbone
from generators.magpie import Magpie
from generators.mode import Mode, Step
from languages.pack import LanguagePack
from schemas.recipe import Recipe


class ModeMixer:
    """Draws the mode of each draft by weight, from the recipe's seed and the draft's index alone."""

    def __init__(self, modes: Sequence[Mode], weights: Sequence[float], seed: int) -> None:
        self._modes = tuple(modes)
        self._weights = tuple(weights)
        self._seed = seed

    def mode_of(self, index: int) -> Mode:
        rng = random.Random(f"{self._seed}/{index}/mode")
        return rng.choices(self._modes, self._weights)[0]

    def draft(self, index: int, backbone: Backbone) -> AsyncGenerator[Step, None]:
        return self.mode_of(index).draft(index, backbone)


def open_modes(recipe: Recipe, pack: LanguagePack, id_prefix: str) -> ModeMixer:
    """The modes that the recipe asks for, in the language of the pack. A draft's id is the prefix and its index."""
    modes = [Magpie(spec, pack, recipe.seed, id_prefix) for spec in recipe.modes]
    return ModeMixer(modes, [spec.weight for spec in recipe.modes], recipe.seed)
