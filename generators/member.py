"""An endpoint among several: how busy it is, and whether it is well."""

from __future__ import annotations

import asyncio
import logging
import time

from generators.circuit import Circuit
from generators.concurrency import Limit
from generators.endpoint import Endpoint

_logger = logging.getLogger(__name__)
_FORGETS = 0.98  # how fast the longest wait is forgotten, an answer


class Member:
    """What is known of an endpoint while it is used."""

    def __init__(self, endpoint: Endpoint, limit: Limit) -> None:
        self.endpoint = endpoint
        self.limit = limit
        self.circuit = Circuit()
        self.another_model = False
        self.in_flight = 0
        self.slowest_s: float | None = None
        self.heard_at = time.monotonic()
        self._rests_until = 0.0
        self._calls: set[asyncio.Timeout] = set()

    @property
    def url(self) -> str:
        return self.endpoint.url

    @property
    def well(self) -> bool:
        """Whether requests may go to it, if not at this moment."""
        return not self.circuit.is_open

    @property
    def free(self) -> bool:
        """Whether a request may go to it now."""
        return self.well and self.in_flight < self.limit.requests and time.monotonic() >= self._rests_until

    @property
    def load(self) -> float:
        """The share of its limit that is in use."""
        return self.in_flight / self.limit.requests

    @property
    def silent_s(self) -> float:
        """How long nothing has been heard of it while an answer is waited for."""
        return time.monotonic() - self.heard_at if self._calls else 0.0

    def rest(self, seconds: float) -> None:
        self._rests_until = max(self._rests_until, time.monotonic() + seconds)

    def sent(self, call: asyncio.Timeout) -> None:
        """A request that waits for its answer; `give_up` lets it time out."""
        if not self._calls:
            self.heard_at = time.monotonic()
        self._calls.add(call)

    def over(self, call: asyncio.Timeout) -> None:
        self._calls.discard(call)

    def answered(self, tokens: int, sent_at: float) -> None:
        """A request was answered with so many tokens."""
        now = time.monotonic()
        self.heard_at = now
        self.slowest_s = max((self.slowest_s or 0.0) * _FORGETS, now - sent_at)
        self.limit.answered(tokens, self.in_flight, now)
        self.circuit.succeeded()

    def failed(self, reason: str) -> None:
        """A request failed in a way that may pass."""
        was_well = self.well
        self.circuit.failed(reason)
        if was_well and not self.well:
            self._say(reason)

    def lost(self, reason: str) -> None:
        """It was not reached, or a connection to it ended early."""
        if self.well:
            self._say(reason)
            self.circuit.open(reason)

    def give_up(self, reason: str, *, another_model: bool = False) -> None:
        """Leave it out, and let the requests that wait for it time out, so that they go elsewhere."""
        if self.well or another_model > self.another_model:
            self._say(reason, logging.ERROR if another_model else logging.WARNING)
        self.another_model = another_model
        self.circuit.open(reason)
        if self._calls:  # should it only be slow, it is given longer the next time
            self.slowest_s = max(self.slowest_s or 0.0, self.silent_s)
        now = asyncio.get_running_loop().time()
        for call in self._calls:
            if not call.expired():
                call.reschedule(now)

    def come_back(self) -> None:
        """It was examined and found well."""
        if not self.well:
            _logger.warning("%s is used again", self.url)
        self.another_model = False
        self.heard_at = time.monotonic()
        self.circuit.close()

    def _say(self, reason: str, level: int = logging.WARNING) -> None:
        _logger.log(level, "%s is left out: %s", self.url, reason)
