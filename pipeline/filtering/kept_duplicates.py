"""Duplicates among the rows that a filter run keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from filters.duplicates.judge import DuplicateJudge, SignedRow
from filters.duplicates.signature import sign
from pipeline.filtering.judging import Verdicts, row_messages
from pipeline.filtering.kept_rows import kept_columns
from pipeline.filtering.messages import RowDraft, read_row
from schemas.errors import StorageError
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop


class KeptDuplicates:
    """Judges rows that all other filters keep, in the order of the input, against those that it kept before.

    It names a row by its place among the kept ones, where a reader finds it. Memory grows with them, by about 200 bytes
    for each.
    """

    def __init__(self, settings: DuplicateFilter, language: str) -> None:
        self._judge = DuplicateJudge(settings)
        self._settings = settings
        self._language = language

    def judge(self, column: pa.Array, verdicts: Verdicts) -> Verdicts:
        """The verdicts on a batch, with a Drop more for every repeated row."""
        places = [place for place, drop in enumerate(verdicts) if drop is None]
        final = list(verdicts)
        drops = self._judge_rows(row_messages(column.take(pa.array(places, pa.int64()))))
        for place, drop in zip(places, drops, strict=True):
            final[place] = drop
        return final

    def restore(self, parts: list[Path], column: str) -> Iterator[None]:
        """Judge the kept rows of an earlier run again, a few at each step. Raises StorageError."""
        for cells in kept_columns(parts, column):
            self._judge_rows(row_messages(cells))
            yield

    def _judge_rows(self, messages: list[Any]) -> list[Drop | None]:
        rows = [self._read(one) for one in messages]
        drops = self._judge.judge_rows(self._signed(row) for row in rows)
        return [drop and row.named(drop) for row, drop in zip(rows, drops, strict=True)]

    def _read(self, messages: Any) -> RowDraft:
        row = read_row(messages, self._language)
        if not isinstance(row, RowDraft):
            raise StorageError("a kept row cannot be read any more: put the sealed part back")
        return row

    def _signed(self, row: RowDraft) -> SignedRow:
        turns = row.draft.turns
        return SignedRow(sign(turns, self._settings.ngram, self._settings.min_words), turns[0].content)
