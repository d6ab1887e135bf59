"""Servers in processes of their own, to be killed and started again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp

_SCRIPT = Path(__file__).with_name("paced_server.py")


class Paced:
    """A server that keeps its port over its deaths."""

    def __init__(self) -> None:
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(_SCRIPT), str(self._port), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        """With SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.communicate()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def served(self) -> int:
        """Completions since it was started, probes not among them."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/models") as response:
            return int((await response.json(content_type=None))["served"])
