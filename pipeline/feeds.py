"""Feeds: the materials of a mode, read ahead of the drafts that are made from them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from generators.material import Material

_AHEAD = 64
_IDLE_S = 0.25


class MaterialReader(Protocol):
    """Materials in the order of their numbers: 0, 1, 2, ... Its methods block and run in a thread."""

    @property
    def ended(self) -> bool:
        """Whether no more will ever come."""

    def open(self, start: int) -> None:
        """Begin with the material of this number. Raises what reading a dataset raises."""

    def read(self, limit: int) -> list[Material]:
        """The next ones, `limit` at most; none when there are none yet. Raises what reading a dataset raises."""

    def close(self) -> None: ...


class Feed:
    """The materials that no earlier run has used up. An async context manager that reads ahead.

    `changed` is called when one is there, when there will be no more, and when reading has failed.
    """

    def __init__(self, reader: MaterialReader, low_water: int, done: set[int], changed: Callable[[], None]) -> None:
        self._reader = reader
        self._low_water = low_water
        self._done = done
        self._changed = changed
        self._ahead: deque[Material] = deque()
        self._wanted = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether one can be taken. Raises what reading has raised."""
        if self._failure is not None:
            raise self._failure
        return bool(self._ahead)

    @property
    def exhausted(self) -> bool:
        """Whether there is none and never will be. Raises what reading has raised."""
        return not self.ready and self._ended

    def take(self) -> Material:
        material = self._ahead.popleft()
        self._wanted.set()
        return material

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._reader.close)

    async def _read(self) -> None:
        try:
            await asyncio.to_thread(self._reader.open, self._low_water)
            while True:
                found = await asyncio.to_thread(self._reader.read, _AHEAD)
                self._ahead.extend(material for material in found if material.number not in self._done)
                self._done.difference_update(material.number for material in found)
                if not found and self._reader.ended:
                    break
                self._changed()
                if not found:
                    await asyncio.sleep(_IDLE_S)
                while len(self._ahead) >= _AHEAD:
                    self._wanted.clear()
                    await self._wanted.wait()
        except Exception as failure:  # noqa: BLE001 - whoever asks for a material raises it
            self._failure = failure
        self._ended = True
        self._changed()
