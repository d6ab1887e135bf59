"""How many requests an endpoint is sent at once: found by climbing its throughput."""

from __future__ import annotations

from typing import Protocol

LOWEST = 8
HIGHEST = 1024
_STEPS = (2.0, 1.25)  # far apart at first, then near
_GAIN = 1.05  # what more requests must bring, in tokens a second, to be worth having
_LOSS = 0.98  # what fewer may cost
_FULL = 0.9  # the share of the limit in use from which throughput says something about it
_FEWEST = 64  # answers that make a measurement
_RESTS = 16  # measurements without a change once no neighbour is better


class Limit(Protocol):
    """How many requests may be at an endpoint at once."""

    @property
    def requests(self) -> int: ...

    def answered(self, tokens: int, in_flight: int, now: float) -> None:
        """A request was answered with so many tokens while so many were in flight, itself among them."""

    def refused(self, sent: float, now: float) -> None:
        """The endpoint said that it has too much to do, of a request sent at that time."""


class Fixed:
    """A limit set by hand."""

    def __init__(self, requests: int) -> None:
        self.requests = requests

    def answered(self, tokens: int, in_flight: int, now: float) -> None:
        return

    def refused(self, sent: float, now: float) -> None:
        return


class Climb:
    """A limit that looks for the fewest requests which bring the most tokens a second.

    It measures a limit over a number of answers, once as many have come as were in flight when the limit was set, then
    tries another one: twice as many while that brings 5 % more, half as many while that costs less than 2 %, then a
    quarter more or fewer. When no neighbour is better it stays, and looks again some time later. Only answers that come
    while the limit is used up count. An endpoint that refuses a request for having too much to do is given half.
    """

    def __init__(self, start: int) -> None:
        self.requests = min(max(start, LOWEST), HIGHEST)
        self._base = self.requests
        self._base_rate: float | None = None
        self._step = 0
        self._up = True
        self._refusals = 0
        self._rests = 0
        self._cut_at = float("-inf")
        self._restart()

    def answered(self, tokens: int, in_flight: int, now: float) -> None:
        if in_flight < _FULL * self.requests:
            self._restart()
            return
        self._answers += 1
        if self._answers == self.requests:
            self._since, self._tokens = now, 0
        elif self._answers > self.requests:
            self._tokens += tokens
            if self._answers >= self.requests + max(_FEWEST, 2 * self.requests) and now > self._since:
                self._measured(self._tokens / (now - self._since))

    def refused(self, sent: float, now: float) -> None:
        if sent <= self._cut_at:  # it was on its way before the endpoint was given less
            return
        self._cut_at = now
        halved = max(LOWEST, self.requests // 2)
        self._base, self._base_rate = min(self._base, halved), None
        self._rests = _RESTS
        self._set(self._base)

    def _measured(self, rate: float) -> None:
        if self._rests:
            self._rests -= 1
            self._restart()
        elif self._base_rate is None:
            self._base_rate = rate
            self._try()
        elif self._better(rate, self._base_rate):
            self._base, self._base_rate = self.requests, max(rate, self._base_rate)
            self._refusals = 0
            self._try()
        else:
            self._turn()

    def _better(self, rate: float, base: float) -> bool:
        return rate >= base * (_GAIN if self._up else _LOSS)

    def _turn(self) -> None:
        """The neighbour is no better: look the other way, then nearer, then rest."""
        self._up = not self._up
        self._refusals += 1
        if self._refusals < 2:
            self._try()
        elif self._step + 1 < len(_STEPS):
            self._step, self._refusals = self._step + 1, 0
            self._try()
        else:
            self._refusals, self._rests, self._base_rate = 0, _RESTS, None
            self._set(self._base)

    def _try(self) -> None:
        step = _STEPS[self._step]
        wanted = round(self._base * step if self._up else self._base / step)
        wanted = min(max(wanted, LOWEST), HIGHEST)
        if wanted == self._base:
            self._turn()
        else:
            self._set(wanted)

    def _set(self, requests: int) -> None:
        self.requests = requests
        self._restart()

    def _restart(self) -> None:
        self._answers = 0
        self._tokens = 0
        self._since = 0.0
