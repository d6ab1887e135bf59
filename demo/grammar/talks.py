"""All families, and how often each is drawn."""

from __future__ import annotations

import random

from demo.grammar.advice import advice
from demo.grammar.cards import Cards
from demo.grammar.comparisons import comparisons
from demo.grammar.core import Family, Talk, pick
from demo.grammar.facts import facts
from demo.grammar.howto import howto
from demo.grammar.lists import lists
from demo.grammar.places import capitals, mountains, towns
from demo.grammar.social import small_talk
from demo.grammar.sums import money, operations, stories
from demo.grammar.tables import deck
from demo.grammar.whys import whys
from demo.grammar.writing import writing

# A family as often as its weight says.
FAMILIES: tuple[tuple[Family, int], ...] = (
    (Cards(deck("cards_nature", "cards_daily", "cards_culture")), 26),
    (howto, 13),
    (advice, 13),
    (whys, 10),
    (lists, 12),
    (comparisons, 8),
    (small_talk, 5),
    (writing, 8),
    (capitals, 2),
    (towns, 4),
    (mountains, 1),
    (operations, 3),
    (stories, 3),
    (money, 2),
)
# Drawn in one talk of seven from some point of the training on: questions with other words, and things in the plural.
LATE_FAMILIES: tuple[tuple[Family, int], ...] = (
    (facts, 1),
    (Cards(deck("cards_plural")), 1),
)
_DRAW = [family for family, weight in FAMILIES for _ in range(weight)]
_LATE_DRAW = [family for family, weight in LATE_FAMILIES for _ in range(weight)]


def talk(rng: random.Random, *, late: bool = True) -> Talk:
    """One conversation; without `late` from the families that training begins with."""
    if late and rng.random() < 1 / 7:
        return pick(rng, _LATE_DRAW)(rng)
    return pick(rng, _DRAW)(rng)
