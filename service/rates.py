"""How often in a minute: moving windows in the memory of this server, each server for itself."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

# Beyond so many names all begin anew: addresses are somebody else's to choose.
_NAMES = 100_000


class Rates:
    """Counts what each name does."""

    def __init__(self) -> None:
        self._counts = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._counts)

    def hit(self, name: str, a_minute: int) -> int | None:
        """Count one more; None when that is within the limit, else in how many seconds it will be again."""
        if len(self._counts.events) >= _NAMES:
            self._counts.reset()
        limit = RateLimitItemPerMinute(a_minute)
        return None if self._windows.hit(limit, name) else self._wait(limit, name)

    def full(self, name: str, a_minute: int) -> int | None:
        """The same without counting."""
        limit = RateLimitItemPerMinute(a_minute)
        return None if self._windows.test(limit, name) else self._wait(limit, name)

    def _wait(self, limit: RateLimitItemPerMinute, name: str) -> int:
        return max(1, math.ceil(self._windows.get_window_stats(limit, name).reset_time - time.time()))
