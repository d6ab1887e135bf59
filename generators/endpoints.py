"""Several servers of one model: each request goes to the one with the fewest in flight."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from generators.endpoint import Endpoint
from generators.retries import Retry, backoff_s
from schemas.errors import SettingsError

Answer = TypeVar("Answer")


class GivenUpError(Exception):
    """What might have passed by itself did not; the endpoint and what it said last."""


def authorization(api_key_env: str | None, field: str) -> dict[str, str]:
    """The header with the servers' key. Raises SettingsError that names the field when the variable is not set."""
    if api_key_env is None:
        return {}
    key = os.environ.get(api_key_env)
    if not key:
        raise SettingsError(f"{field}: {api_key_env} is not set; put the servers' key into it")
    return {"Authorization": f"Bearer {key}"}


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
