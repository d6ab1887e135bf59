"""Gates: filters judge a draft, the cheap ones here, the heavy ones in a pool of processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self

from filters.chain import NOTHING, Known, heavy_gates, init_worker, judge, judge_in_worker, open_cheap_filters
from filters.duplicates.memory import Memory
from filters.filter import ClaimingFilter
from languages.pack import LanguagePack
from pipeline.semantic import SemanticGate
from pipeline.worker import tie_to_parent
from schemas.conversation import Draft, Gate
from schemas.errors import ProcessDiedError
from schemas.filters import Filters
from schemas.funnel import Diversity
from schemas.verdict import Drop, Keep, Verdict

BATCH = 32


class Gates:
    """The filters of one build. An async context manager that owns the process pool."""

    def __init__(
        self,
        filters: Filters,
        pack: LanguagePack,
        workers: int,
        known: Known = NOTHING,
        memory: Memory | None = None,
        others: Sequence[LanguagePack] = (),
    ) -> None:
        """`others` are the packs of the other languages that turns may be in."""
        self._cheap = open_cheap_filters(filters, pack, known, memory, others)
        self._heavy_gates = heavy_gates(filters)
        self._claiming = next((one for one in self._cheap if isinstance(one, ClaimingFilter)), None)
        self._remembers = filters.duplicates.enabled
        semantic = filters.duplicates.semantic if filters.duplicates.enabled else None
        self._semantic = SemanticGate(semantic, memory or Memory()) if semantic is not None else None
        self._dry = filters.dry
        self._workers = workers or min(8, max(1, (os.cpu_count() or 2) - 1))
        self._setup = (filters, pack, others)
        self._waiting: deque[tuple[Draft, Gate, asyncio.Future[Verdict]]] = deque()
        self._busy = 0
        self._pool: ProcessPoolExecutor | None = None
        self._batches: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if self._semantic is not None:
            await self._semantic.__aenter__()
        if self._heavy_gates:
            # spawn: a fork would copy the threads' locks and the engine's memory.
            self._pool = ProcessPoolExecutor(
                self._workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=self._setup,
            )
            # A process starts when it is first given something; by the time that drafts come to a gate it is there.
            for _ in range(self._workers):
                self._pool.submit(judge_in_worker, [])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for batch in self._batches:
            batch.cancel()
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        if self._semantic is not None:
            await self._semantic.__aexit__(kind, error, trace)

    async def judge(self, draft: Draft, gate: Gate) -> Verdict:
        """The first Drop, or one Keep with every filter's scores.

        Raises BuildError when the pool dies, EmbedderError when the embedder gives no vectors.
        """
        verdict = judge(self._cheap, draft, gate)
        if gate in self._heavy_gates and (self._dry or isinstance(verdict, Keep)):
            heavy = await self._judge_heavily(draft, gate)
            verdict = heavy if isinstance(heavy, Drop) else _merged(verdict, heavy)
        # Last, since a turn in the wrong language is not worth an embedding.
        if self._semantic is not None and (self._dry or isinstance(verdict, Keep)):
            semantic = await self._semantic.judge(draft, gate)
            verdict = semantic if isinstance(semantic, Drop) else _merged(verdict, semantic)
        return Keep() if self._dry and isinstance(verdict, Drop) else verdict

    def release(self, draft_id: str) -> None:
        """The draft is no more: what it claimed is free again."""
        if self._claiming is not None:
            self._claiming.release(draft_id)
        if self._semantic is not None:
            self._semantic.release(draft_id)

    def confirm(self, draft_id: str) -> tuple[bytes, bytes]:
        """The draft is accepted: what it claimed is its own for good.

        Its signature and its first turn's embedding, for the ledger; each may be empty.
        """
        signature = self._claiming.confirm(draft_id) if self._claiming is not None else b""
        return signature, self._semantic.confirm(draft_id) if self._semantic is not None else b""

    def restore(
        self,
        signatures: Iterable[tuple[str, bytes]],
        embeddings: Iterable[tuple[str, bytes]],
        diversity: Diversity | None,
    ) -> None:
        """Claim again for the accepted rows of earlier runs: (id, signature) and (id, embedding) of each.

        `diversity` is what was last told of them. Raises EmbedderError when the embeddings are another model's.
        """
        if self._claiming is not None:
            self._claiming.restore(signatures, diversity)
        if self._semantic is not None:
            self._semantic.restore(embeddings)

    def diversity(self) -> Diversity | None:
        """Of the accepted rows; None when no filter remembers them."""
        return self._claiming.diversity() if self._claiming is not None and self._remembers else None

    async def _judge_heavily(self, draft: Draft, gate: Gate) -> Verdict:
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, gate, future))
        self._send()
        return await future

    def _send(self) -> None:
        """Keep every worker busy; what comes while all are is judged together, which spares round trips."""
        while self._waiting and self._busy < self._workers * 2:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._busy += 1
            task = asyncio.create_task(self._judge_batch(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _judge_batch(self, batch: list[tuple[Draft, Gate, asyncio.Future[Verdict]]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            verdicts = await loop.run_in_executor(
                self._pool, judge_in_worker, [(draft, gate) for draft, gate, _ in batch]
            )
        except BrokenProcessPool:
            error = ProcessDiedError(
                "a process of the filters has died (out of memory?); run the build again to resume it"
            )
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait for a verdict raise it
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, _, future), verdict in zip(batch, verdicts, strict=True):
                if not future.done():
                    future.set_result(verdict)
        finally:
            self._busy -= 1
            self._send()


def _merged(first: Verdict, second: Keep) -> Verdict:
    return Keep(scores={**first.scores, **second.scores}) if isinstance(first, Keep) else first


def _start_worker(filters: Filters, pack: LanguagePack, others: Sequence[LanguagePack]) -> None:
    tie_to_parent()
    init_worker(filters, pack, others)
