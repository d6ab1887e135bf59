"""Duplicates among the rows that a filter run keeps, semantic ones included."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from filters.duplicates.judge import DuplicateJudge, SignedRow
from filters.duplicates.memory import Memory
from filters.duplicates.semantic import Nearest, SemanticJudge
from pipeline.filtering.judging import Judged, Verdicts
from pipeline.filtering.kept_rows import kept_rows
from pipeline.semantic import open_embedder
from schemas.filters import DuplicateFilter, SemanticFilter
from schemas.funnel import Diversity
from schemas.verdict import Drop

Result = TypeVar("Result")


class KeptSemantic:
    """Judges rows as KeptDuplicates does, and the first user turns that pass by their embeddings.

    Both are judged row by row, since a row that the one drops must leave nothing behind in the other. The texts of a
    batch are embedded together before. A context manager that holds the connections to the embedder, and the event
    loop that they belong to, in a thread of its own: the caller may be inside another loop.
    """

    def __init__(
        self,
        settings: DuplicateFilter,
        semantic: SemanticFilter,
        earlier: Iterable[tuple[str, bytes]],
        memory: Memory,
    ) -> None:
        """Raises RecipeError for an embedder that is named only."""
        self._settings = settings
        self._threshold = semantic.threshold
        self._embedder = open_embedder(semantic)
        self._memory = memory
        self._lexical = DuplicateJudge(settings, memory)
        self._lexical.hold_against(earlier)
        self._kept = 0

    def __enter__(self) -> Self:
        """Raises EmbedderError, SettingsError."""
        self._loop = asyncio.Runner()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        try:
            self._run(self._embedder.__aenter__())
        except BaseException:
            self._close()
            raise
        self._semantic = SemanticJudge(self._threshold, self._embedder.dimensions, self._memory)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._embedder.__aexit__(kind, error, trace))
        finally:
            self._close()

    def diversity(self) -> Diversity:
        """Of the rows kept so far."""
        return self._lexical.diversity()

    def judge(self, batches: list[Judged]) -> Iterator[Verdicts]:
        """The verdicts on batches, one at a step, with a Drop more for every repeated row. Raises EmbedderError."""
        for judged in batches:
            nearest = self._nearest(judged.signed)
            drops = iter([self._judge_row(row, nearest) for row in judged.signed])
            yield [next(drops) if verdict is None else verdict for verdict in judged.verdicts]

    def restore(self, parts: list[Path], column: str, diversity: Diversity | None) -> Iterator[None]:
        """Claim again for the kept rows of an earlier run, a few at each step: they are embedded once more.

        Raises StorageError, EmbedderError.
        """
        for rows in kept_rows(parts, column, self._settings):
            nearest = self._nearest(rows)
            for row in rows:
                name = self._next_name()
                self._lexical.restore([(name, row.signature.to_bytes())], diversity)
                if _is_asked(row):
                    self._semantic.restore([(name, nearest[row.text].stored)])
                self._kept += 1
            yield

    def _judge_row(self, row: SignedRow, nearest: dict[str, Nearest]) -> Drop | None:
        """Claims for the row, for good, unless it is dropped."""
        name = self._next_name()
        verdict = self._lexical.claim(row._replace(id=name))
        if isinstance(verdict, Drop):
            return verdict
        if _is_asked(row):
            verdict = self._semantic.claim(name, row.text, nearest[row.text])
            if isinstance(verdict, Drop):
                self._lexical.release(name)
                return verdict.model_copy(update={"turn": row.turn})
        self._lexical.confirm(name)
        self._semantic.confirm(name)
        self._kept += 1
        return None

    def _nearest(self, rows: list[SignedRow]) -> dict[str, Nearest]:
        """By text; equal ones are embedded once."""
        texts = list(dict.fromkeys(row.text for row in rows if _is_asked(row)))
        vectors = self._run(self._embedder.embed(texts))
        return dict(zip(texts, self._semantic.nearest(vectors), strict=True))

    def _next_name(self) -> str:
        return f"kept row {self._kept}"

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._thread.submit(self._loop.run, work).result()

    def _close(self) -> None:
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()


def _is_asked(row: SignedRow) -> bool:
    """Whether its text is embedded: a first user turn that says something."""
    return row.signature.first is not None and bool(row.text.strip())
