"""Looking at a text while it is sampled, and cutting it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

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
        coming: asyncio.Future[Piece | None] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(anext(pieces, None))
                if await self._is_cut_before(coming):
                    self.cut = True
                    return
                piece = coming.result()
                if piece is None:
                    return
                yield piece
        finally:
            under_way = [task for task in (coming, self._look) if task is not None and not task.done()]
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _is_cut_before(self, coming: asyncio.Future[Piece | None]) -> bool:
        while not coming.done():
            waiting: set[asyncio.Future[Piece | None] | asyncio.Future[bool]] = {coming}
            if self._look is not None:
                waiting.add(self._look)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._look is not None and self._look.done():
                look, self._look = self._look, None
                if look.result():
                    return True
        return False
