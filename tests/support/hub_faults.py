"""What can be made to go wrong with the tests' Hub."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.support.hub_answers import RefusalError

When = Literal["before", "amid", "late", "after", "answering"]
"""When a connection is closed: before the request is read, when half of its body is read, when all is read and it is
carried out `LATE_S` later, after it is carried out and before any answer, when half of the answer's body is sent."""

LATE_S = 0.3
"""Long enough for the next try of a client that is killed to get in between."""


@dataclass
class Fault:
    """What goes wrong with requests whose "METHOD path" matches `pattern`, after `skip` of them, for so many times."""

    pattern: str
    times: int
    skip: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    when: When | None = None
    action: Callable[[], object] | None = None

    def act(self) -> None:
        if self.action is not None:
            self.action()


class Faults:
    """The faults that tests have asked for, and the limit of commits."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.limited = 0
        self._commits_left: int | None = None
        self._retry_after = 0
        self._lock = threading.Lock()

    def fail(self, pattern: str, times: int = 1, status: int = 500, headers: dict[str, str] | None = None) -> None:
        """Answers the next `times` requests whose "METHOD path" matches the pattern with an error."""
        self.faults.append(Fault(pattern, times, status=status, headers=headers or {}))

    def drop(
        self,
        pattern: str,
        when: When,
        times: int = 1,
        *,
        skip: int = 0,
        action: Callable[[], object] | None = None,
    ) -> None:
        """Closes the connection of the next requests that match the pattern, but for the first `skip` of them.

        `action` is called just before, such as what kills the client.
        """
        self.faults.append(Fault(pattern, times, skip, when=when, action=action))

    def limit_commits(self, allowed: int, retry_after: int) -> None:
        """After so many more commits, each is answered with 429 and this Retry-After (seconds); `limited` counts."""
        self._commits_left, self._retry_after = allowed, retry_after

    def lift_limit(self) -> None:
        self._commits_left = None

    def count_commit(self) -> None:
        """Raises RefusalError (429) when no more commits are allowed."""
        if self._commits_left is None:
            return
        if self._commits_left == 0:
            self.limited += 1
            raise RefusalError(429, "too many commits", headers={"Retry-After": str(self._retry_after)})
        self._commits_left -= 1

    def fault_for(self, request: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, request):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
            return None
