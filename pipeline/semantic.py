"""The gate of semantic duplicates: first user turns are embedded together, compared, and claimed one by one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from filters.duplicates.memory import Memory
from filters.duplicates.semantic import Nearest, SemanticJudge
from generators.embedder import BATCH, Embedder
from schemas.conversation import Draft, Gate
from schemas.errors import RecipeError
from schemas.filters import SemanticFilter
from schemas.verdict import Keep, Verdict


class SemanticGate:
    """What SemanticJudge is in a build. An async context manager that holds the connections to the embedder.

    Texts that come while every server is busy are embedded by one request and compared by one multiplication, in a
    thread. Only the claim itself is made on the event loop.
    """

    def __init__(self, settings: SemanticFilter, memory: Memory) -> None:
        """Raises RecipeError for an embedder that is named only."""
        self._embedder = open_embedder(settings)
        self._threshold = settings.threshold
        self._memory = memory
        self._waiting: deque[tuple[str, asyncio.Future[Nearest]]] = deque()
        self._batches: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._embedder.__aenter__()
        self._judge = SemanticJudge(self._threshold, self._embedder.dimensions, self._memory)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()
        for batch in self._batches:
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)
        await self._embedder.__aexit__(kind, error, trace)

    async def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """A Keep for all but the first user turn. Raises EmbedderError."""
        if gate is not Gate.USER_TURN or len(draft.turns) > 1 or not (text := draft.last.content).strip():
            return Keep()
        future: asyncio.Future[Nearest] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        self._send()
        return self._judge.claim(draft.id, text, await future)

    def release(self, draft_id: str) -> None:
        self._judge.release(draft_id)

    def confirm(self, draft_id: str) -> bytes:
        """The vector of an accepted draft, for the ledger."""
        return self._judge.confirm(draft_id)

    def restore(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """(id, vector) of what is accepted already. Raises EmbedderError when another model has made the vectors."""
        self._judge.restore(rows)

    def _send(self) -> None:
        while self._waiting and len(self._batches) < self._embedder.at_once:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            # Those whose draft has been given up meanwhile need no vector.
            if wanted := [(text, future) for text, future in batch if not future.done()]:
                task = asyncio.create_task(self._find(wanted))
                self._batches.add(task)
                task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._send()

    async def _find(self, batch: list[tuple[str, asyncio.Future[Nearest]]]) -> None:
        try:
            vectors = await self._embedder.embed([text for text, _ in batch])
            found = await asyncio.to_thread(self._judge.nearest, vectors)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait for a verdict raise it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), nearest in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(nearest)


def open_embedder(settings: SemanticFilter) -> Embedder:
    """The embedder of the filter. Raises RecipeError when the filter has its declared name only: see with_embedder."""
    if isinstance(settings.embedder, str):
        raise RecipeError(f"filters.duplicates.semantic.embedder: {settings.embedder!r} is not looked up yet")
    return Embedder(settings.embedder)
