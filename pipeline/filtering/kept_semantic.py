"""Duplicates among the rows that a filter run keeps, semantic ones included."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa

from filters.duplicates.judge import DuplicateJudge
from filters.duplicates.semantic import Nearest, SemanticJudge
from filters.duplicates.signature import sign
from pipeline.filtering.judging import Verdicts, row_messages
from pipeline.filtering.kept_rows import kept_columns
from pipeline.filtering.messages import RowDraft, read_row
from pipeline.semantic import open_embedder
from schemas.conversation import Draft, Gate
from schemas.errors import StorageError
from schemas.recipe import DuplicateFilter, SemanticFilter
from schemas.verdict import Drop

Result = TypeVar("Result")


class KeptSemantic:
    """Judges rows as KeptDuplicates does, and the first user turns that pass by their embeddings.

    Both are judged row by row, since a row that the one drops must leave nothing behind in the other. The texts of a
    batch are embedded together before. A context manager that holds the connections to the embedder, and the event
    loop that they belong to, in a thread of its own: the caller may be inside another loop.
    """

    def __init__(self, settings: DuplicateFilter, semantic: SemanticFilter, language: str) -> None:
        """Raises RecipeError for an embedder that is named only."""
        self._settings = settings
        self._threshold = semantic.threshold
        self._language = language
        self._embedder = open_embedder(semantic)
        self._lexical = DuplicateJudge(settings)
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
        self._semantic = SemanticJudge(self._threshold, self._embedder.dimensions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._embedder.__aexit__(kind, error, trace))
        finally:
            self._close()

    def judge(self, column: pa.Array, verdicts: Verdicts) -> Verdicts:
        """The verdicts on a batch, with a Drop more for every repeated row. Raises EmbedderError."""
        places = [place for place, drop in enumerate(verdicts) if drop is None]
        final = list(verdicts)
        rows = self._read(column.take(pa.array(places, pa.int64())))
        nearest = self._nearest(rows)
        for place, row in zip(places, rows, strict=True):
            drop = self._judge_row(row.draft, nearest)
            final[place] = drop and row.named(drop)
        return final

    def restore(self, parts: list[Path], column: str) -> Iterator[None]:
        """Claim again for the kept rows of an earlier run, a few at each step: they are embedded once more.

        Raises StorageError, EmbedderError.
        """
        for cells in kept_columns(parts, column):
            rows = self._read(cells)
            nearest = self._nearest(rows)
            for row in rows:
                name, turns = self._next_name(), row.draft.turns
                signature = sign(turns, self._settings.ngram, self._settings.min_words)
                self._lexical.restore([(name, signature.to_bytes())])
                if (text := _asked(row.draft)) is not None:
                    self._semantic.restore([(name, nearest[text].stored)])
                self._kept += 1
            yield

    def _judge_row(self, draft: Draft, nearest: dict[str, Nearest]) -> Drop | None:
        """Claims for the row, for good, unless it is dropped."""
        draft = draft.model_copy(update={"id": self._next_name()})
        drop = self._first_drop(draft, nearest)
        if drop is None:
            self._lexical.confirm(draft.id)
            self._semantic.confirm(draft.id)
            self._kept += 1
        else:
            self._lexical.release(draft.id)
            self._semantic.release(draft.id)
        return drop

    def _first_drop(self, draft: Draft, nearest: dict[str, Nearest]) -> Drop | None:
        if draft.turns[0].role == "user":
            verdict = self._lexical.judge(draft.model_copy(update={"turns": draft.turns[:1]}), Gate.USER_TURN)
            if isinstance(verdict, Drop):
                return verdict
        if (text := _asked(draft)) is not None:
            verdict = self._semantic.claim(draft.id, text, nearest[text])
            if isinstance(verdict, Drop):
                return verdict
        verdict = self._lexical.judge(draft, Gate.CONVERSATION)
        return verdict if isinstance(verdict, Drop) else None

    def _nearest(self, rows: list[RowDraft]) -> dict[str, Nearest]:
        """By text; equal ones are embedded once."""
        texts = list(dict.fromkeys(text for row in rows if (text := _asked(row.draft)) is not None))
        vectors = self._run(self._embedder.embed(texts))
        return dict(zip(texts, self._semantic.nearest(vectors), strict=True))

    def _read(self, column: pa.Array) -> list[RowDraft]:
        rows: list[RowDraft] = []
        for messages in row_messages(column):
            row = read_row(messages, self._language)
            if not isinstance(row, RowDraft):
                raise StorageError("a kept row cannot be read any more: put the sealed part back")
            rows.append(row)
        return rows

    def _next_name(self) -> str:
        return f"kept row {self._kept}"

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._thread.submit(self._loop.run, work).result()

    def _close(self) -> None:
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()


def _asked(draft: Draft) -> str | None:
    """The text that is embedded: a first user turn that says something."""
    first = draft.turns[0]
    return first.content if first.role == "user" and first.content.strip() else None
