"""Conversations in Basque, made by a grammar of our own: every seed gives another one."""

from __future__ import annotations

import random

from demo.grammar.cards import Cards
from demo.grammar.core import Family, Talk, pick
from demo.grammar.deck_nature import NATURE
from demo.grammar.sums import money, operations, stories

__all__ = ["FAMILIES", "Talk", "talk"]

# A family as often as its weight says.
FAMILIES: tuple[tuple[Family, int], ...] = (
    (Cards(NATURE), 40),
    (operations, 4),
    (stories, 4),
    (money, 3),
)
_DRAW = [family for family, weight in FAMILIES for _ in range(weight)]


def talk(rng: random.Random) -> Talk:
    return pick(rng, _DRAW)(rng)
