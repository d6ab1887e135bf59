"""Servers and their tasks end, also when they are ended while they begin."""

from __future__ import annotations

import asyncio
from pathlib import Path

from service.app import create_app
from service.ending import cancelled
from tests.support.service_servers import settings

LIMIT_S = 60


async def test_a_task_that_loses_a_cancellation_ends() -> None:
    async def deaf() -> None:
        try:
            await asyncio.sleep(LIMIT_S)
        except asyncio.CancelledError:
            await asyncio.sleep(LIMIT_S)

    async def broken() -> None:
        raise ValueError("before")

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(broken())]
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S / 2):
        await cancelled(*tasks)
    assert tasks[0].cancelled() and isinstance(tasks[1].exception(), ValueError)


async def test_a_server_closes_at_whatever_moment(tmp_path: Path, database: str) -> None:
    """Closing meets workers that register, listen and poll: a worker that was cancelled there used to run on."""
    for moment in range(40):
        app = create_app(settings(tmp_path, database))
        async with asyncio.timeout(LIMIT_S), app.router.lifespan_context(app):
            await asyncio.sleep(moment * 0.004)
