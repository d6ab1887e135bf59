"""Looking at a text while it is sampled, and cutting it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar

from generators.backbone import Watch

Piece = TypeVar("Piece")


class Watching:
    """Asks a watch about a text that grows: once it has so many tokens, and again each time they have doubled.

    Sampling goes on while the watch thinks; `cut` says that it ended the text.
    """

    def __init__(self, watch: Watch, first: int) -> None:
        self._watch = watch
        self._next = first
        self._look: asyncio.Future[bool] | None = None
        self.cut = False

    def show(self, text: str, tokens: int) -> None:
        """The text so far. Nothing is asked while the watch thinks."""
        if tokens < self._next or self._look is not None:
            return
        while self._next <= tokens:
            self._next *= 2
        self._look = asyncio.ensure_future(self._watch(text))

    async def until_cut(self, pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece, None]:
        """The pieces as they come, until they end or the watch says so. Raises what the watch raises."""
        try:
            while (piece := await self._next_piece(pieces)) is not None:
                yield piece
        finally:
            await _end(self._look)

    async def _next_piece(self, pieces: AsyncIterator[Piece]) -> Piece | None:
        """None at the end, and when the watch cuts the text off before the next piece comes."""
        if self._look is None:
            return await anext(pieces, None)
        coming = asyncio.ensure_future(anext(pieces, None))
        try:
            while not coming.done():
                waiting: list[asyncio.Future[Any]] = [coming] if self._look is None else [coming, self._look]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if self._look is not None and self._look.done():
                    look, self._look = self._look, None
                    if look.result():
                        self.cut = True
                        return None
            return coming.result()
        finally:
            await _end(coming)


async def _end(task: asyncio.Future[Any] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
