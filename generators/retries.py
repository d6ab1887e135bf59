"""Failures that may pass by themselves, and how long to wait before a request is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_S = 0.5
_MOST_S = 60.0
_MOST_ASKED_S = 300.0


class Retry(Exception):  # noqa: N818 - no failure yet, a request to try again
    """A failure that may pass by itself."""


class LostError(Retry):
    """The endpoint was not reached, or the connection ended before the answer did: it may be down."""


class BusyError(Retry):
    """The endpoint has too much to do. `after_s` is how long it asks to wait, in seconds."""

    def __init__(self, what: str, after_s: float = 0.0) -> None:
        super().__init__(what)
        self.after_s = after_s


def backoff_s(attempt: int, after_s: float = 0.0) -> float:
    """Seconds to wait after the attempt, counted from 0: doubling, with jitter, and never less than was asked for."""
    doubled = min(_MOST_S, _FIRST_S * 2.0 ** min(attempt, 16))
    return max(random.uniform(doubled / 2, doubled), after_s)


def retry_after_s(value: str | None, now: datetime | None = None) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); 0 when it says nothing."""
    if value is None:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), _MOST_ASKED_S) if seconds == seconds else 0.0  # noqa: PLR0124 - NaN
