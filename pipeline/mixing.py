"""Which mode makes the next draft, and from what."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from generators.material import Material
from generators.mode import Mode
from pipeline.feeds import Feed
from publishers.shard import config_name


class Start(NamedTuple):
    """What a draft begins with."""

    mode: Mode
    material: Material | None


class ModeMixer:
    """Draws modes by weight, from the recipe's seed and the draft's index.

    A mode whose materials are used up is left out from then on. One that lives on the conversations that another mode
    of the build makes (`fed_by`) gives its place to that one while there are none, and gets it back in a later one of
    that mode's places.
    """

    def __init__(
        self,
        modes: Sequence[Mode],
        weights: Sequence[float],
        seed: int,
        feeds: Mapping[str, Feed] | None = None,
        fed_by: Mapping[str, str] | None = None,
    ) -> None:
        self._modes = {label(mode): mode for mode in modes}
        self._weights = dict(zip(self._modes, weights, strict=True))
        self._seed = seed
        self._feeds = feeds or {}
        self._fed_by = fed_by or {}
        self._owed: Counter[str] = Counter()
        self._to_come: Counter[str] = Counter()

    @property
    def exhausted(self) -> bool:
        """Whether no mode can begin a draft any more. Raises what reading a dataset raises."""
        return not self._live()

    def start(self, index: int, left: float = math.inf) -> Start | None:
        """What the draft begins with; None while its material has not been read. Raises as `exhausted` does.

        `left` is how many more drafts the build is likely to begin. A place is given to another mode only as long as
        there will be places for what that mode has in the making; else the draft waits, or a small build would have
        one mode alone.
        """
        live = self._live()
        if not live:
            return None
        rng = random.Random(f"{self._seed}/{index}/mode")
        name = rng.choices(live, [self._weights[one] for one in live])[0]
        for fed, by in self._fed_by.items():
            if by == name and self._owed[fed] and self._feeds[fed].ready:
                self._owed[fed] -= 1
                return self._taken(fed)
        feed = self._feeds.get(name)
        if feed is None or feed.ready:
            return self._taken(name)
        feeder = self._fed_by.get(name)
        if feeder is None:
            return None
        both = self._weights[name] + self._weights[feeder]
        if self._to_come[feeder] >= left * both / sum(self._weights[one] for one in live):
            return None
        self._owed[name] += 1
        return self._taken(feeder)

    def dropped(self, name: str) -> None:
        """A draft of a mode has come to nothing."""
        self._to_come[name] -= 1

    def _live(self) -> list[str]:
        return [name for name in self._modes if name not in self._feeds or not self._feeds[name].exhausted]

    def _taken(self, name: str) -> Start:
        self._to_come[name] += 1
        if name in self._fed_by:
            self._to_come[self._fed_by[name]] -= 1
        feed = self._feeds.get(name)
        return Start(self._modes[name], feed.take() if feed is not None else None)


def label(mode: Mode) -> str:
    """What the funnel calls a mode: the config that its conversations go to."""
    return config_name(mode.name, mode.language)
