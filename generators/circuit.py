"""Whether an endpoint is to be used: a circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable

_FAILURES = 5
_FIRST_S = 0.25
_MOST_S = 30.0


class Circuit:
    """Closed while requests are answered; open after failures in a row, or at once when the endpoint is lost.

    An open circuit cools down, and is then `due`: whoever looks after the endpoint examines it, and says `close` or
    `open` again. A circuit that was closed again is on probation: until a request succeeds, the first failure opens it
    anew, and each time it cools down for twice as long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        self.reason: str | None = None

    @property
    def is_open(self) -> bool:
        return self.reason is not None

    @property
    def due(self) -> bool:
        return self.is_open and self._clock() >= self._until

    def failed(self, reason: str) -> None:
        """A request failed in a way that may pass."""
        self._failures += 1
        if not self.is_open and (self._failures >= _FAILURES or self._openings):
            self.open(reason)

    def succeeded(self) -> None:
        if not self.is_open:
            self._failures = self._openings = 0

    def open(self, reason: str) -> None:
        """The endpoint is not to be used until it has cooled down and been examined."""
        self._until = self._clock() + min(_MOST_S, _FIRST_S * 2.0 ** min(self._openings, 16))
        self._openings += 1
        self.reason = reason

    def close(self) -> None:
        """It was examined and found well."""
        self._failures = 0
        self.reason = None
