"""Ends tasks that loop for as long as the server lives."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_AGAIN_S: Final = 0.5


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and wait until they have ended, whatever with.

    They are cancelled again and again: `asyncio.wait_for`, by which the pool waits for connections, forgets up to
    Python 3.11 a cancellation that comes together with what it waits for, and the task loops on.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
