"""How likely drafts are to be accepted, told without waiting for the slow ones to be counted."""

from __future__ import annotations

import math
from collections import Counter

# A chance is taken to be 1 with the weight of this many drafts, until enough have ended to know it.
PRIOR_DRAFTS = 10


class Acceptance:
    """The chance of a draft that has just begun, and of one that has passed so many gates.

    Drops end early and long conversations end late. So chances are those among the drafts that started first, as far as
    all of them have ended; and what is in flight is mostly drafts that have passed gates, whose chance is a better one.
    """

    def __init__(self, accepted: int, ended: int) -> None:
        """With what earlier runs have counted."""
        self._reached = Counter({0: ended})
        self._accepted = Counter({0: accepted})
        self._started = 0
        self._next = 0
        self._passed: dict[int, int] = {}
        self._in_flight: Counter[int] = Counter()
        self._early: dict[int, tuple[int, bool | None]] = {}

    def start(self) -> int:
        """A draft starts; its number."""
        number = self._started
        self._started += 1
        self._passed[number] = 0
        self._in_flight[0] += 1
        return number

    def passed(self, number: int) -> None:
        """It has passed a gate."""
        gates = self._passed[number]
        self._passed[number] = gates + 1
        self._in_flight[gates] -= 1
        self._in_flight[gates + 1] += 1

    def end(self, number: int, *, accepted: bool) -> None:
        self._settle(number, accepted)

    def pass_over(self, number: int) -> None:
        """The draft ended before anything was sampled for it, and says nothing of those that are sampled."""
        self._settle(number, None)

    @property
    def share(self) -> float:
        """The chance of a draft that begins: above 0, at most 1."""
        return self._chance(0)

    @property
    def expected(self) -> float:
        """How many of the drafts in flight are likely to be accepted."""
        return sum(count * self._chance(gates) for gates, count in self._in_flight.items() if count)

    @property
    def spread(self) -> float:
        """By how much that may be wrong: the standard deviation."""
        chances = ((count, self._chance(gates)) for gates, count in self._in_flight.items() if count)
        return math.sqrt(sum(count * chance * (1 - chance) for count, chance in chances))

    def _chance(self, gates: int) -> float:
        return (self._accepted[gates] + PRIOR_DRAFTS) / (self._reached[gates] + PRIOR_DRAFTS)

    def _settle(self, number: int, accepted: bool | None) -> None:
        gates = self._passed.pop(number)
        self._in_flight[gates] -= 1
        self._early[number] = gates, accepted
        while self._next in self._early:
            reached, outcome = self._early.pop(self._next)
            self._next += 1
            if outcome is not None:
                self._reached.update(range(reached + 1))
                self._accepted.update(range(reached + 1) if outcome else ())
