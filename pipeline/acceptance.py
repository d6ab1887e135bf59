"""What share of drafts is accepted, told without waiting for the slow ones to be counted."""

from __future__ import annotations

# The acceptance is taken to be 1 with the weight of this many drafts, until enough have ended to know it.
PRIOR_DRAFTS = 10


class Acceptance:
    """The share among the drafts that started first, as far as all of them have ended.

    Drops end early and long conversations end late, so the share among all that have ended is far too low at first.
    """

    def __init__(self, accepted: int, ended: int) -> None:
        self._accepted = accepted
        self._ended = ended
        self._started = 0
        self._next = 0
        self._early: dict[int, bool | None] = {}

    def start(self) -> int:
        """A draft starts; its number."""
        self._started += 1
        return self._started - 1

    def end(self, number: int, *, accepted: bool) -> None:
        self._settle(number, accepted)

    def pass_over(self, number: int) -> None:
        """The draft ended before anything was sampled for it, and says nothing of those that are sampled."""
        self._settle(number, None)

    def _settle(self, number: int, accepted: bool | None) -> None:
        self._early[number] = accepted
        while self._next in self._early:
            outcome = self._early.pop(self._next)
            self._accepted += outcome is True
            self._ended += outcome is not None
            self._next += 1

    @property
    def share(self) -> float:
        """Above 0, at most 1."""
        return (self._accepted + PRIOR_DRAFTS) / (self._ended + PRIOR_DRAFTS)
