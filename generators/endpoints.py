"""Several servers of one model: each request goes to the one with the fewest in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from generators.endpoint import Endpoint
from generators.retries import Retry, backoff_s

Answer = TypeVar("Answer")


class GivenUpError(Exception):
    """What might have passed by itself did not; the endpoint and what it said last."""


async def answered(
    endpoints: Sequence[Endpoint], once: Callable[[Endpoint], Awaitable[Answer]], retries: int
) -> Answer:
    """The answer to a request that `once` sends to one endpoint.

    What it raises Retry for is tried again so many times, with back-off, on another endpoint where there is one; then
    GivenUpError is raised.
    """
    attempt = 0
    while True:
        endpoint = min(endpoints, key=Endpoint.load)
        try:
            return await once(endpoint)
        except Retry as retry:
            if attempt == retries:
                raise GivenUpError(f"{endpoint.url}: {retry}; given up after {attempt + 1} attempts") from retry
            delay = backoff_s(attempt, retry.after_s)
            endpoint.rest(delay)
            attempt += 1
            # Another endpoint that is well need not wait for this one.
            if all(other.resting for other in endpoints):
                await asyncio.sleep(delay)
