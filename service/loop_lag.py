"""How late the event loop wakes those that wait: what keeps it busy keeps all clients and all builds waiting."""

from __future__ import annotations

import asyncio

from service.metrics import Metrics

_EVERY_S = 0.25


async def measure_loop_lag(metrics: Metrics) -> None:
    """Sleep, and observe how late the sleep ended, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
