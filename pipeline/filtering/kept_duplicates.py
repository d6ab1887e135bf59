"""Duplicates among the rows that a filter run keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.chain import walk
from filters.duplicates import DuplicateJudge
from pipeline.filtering.judging import Verdicts, row_messages
from pipeline.filtering.messages import RowDraft, read_row
from pipeline.filtering.row_batch import BATCH_ROWS
from schemas.errors import StorageError
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop


class KeptDuplicates:
    """Judges rows that all other filters keep, in the order of the input, against those that it kept before.

    It names a row by its place among the kept ones, where a reader finds it. Memory grows with them.
    """

    def __init__(self, settings: DuplicateFilter, language: str) -> None:
        self._judge = DuplicateJudge(settings)
        self._language = language
        self._kept = 0

    def judge(self, column: pa.Array, verdicts: Verdicts) -> Verdicts:
        """The verdicts on a batch, with a Drop more for every repeated row."""
        places = [place for place, drop in enumerate(verdicts) if drop is None]
        final = list(verdicts)
        for place, messages in zip(places, row_messages(column.take(pa.array(places, pa.int64()))), strict=True):
            final[place] = self._judge_row(messages)
        return final

    def restore(self, parts: list[Path], column: str) -> Iterator[None]:
        """Judge the kept rows of an earlier run again, a few at each step. Raises StorageError."""
        for path in parts:
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(BATCH_ROWS, columns=[column], use_threads=False):
                        for messages in row_messages(batch.column(0)):
                            self._judge_row(messages)
                        yield
            except (OSError, pa.ArrowException) as error:
                raise StorageError(f"{path} cannot be read: {' '.join(str(error).split())}; put it back") from error

    def _judge_row(self, messages: Any) -> Drop | None:
        row = read_row(messages, self._language, f"kept row {self._kept}")
        if not isinstance(row, RowDraft):
            raise StorageError("a kept row cannot be read any more: put the sealed part back")
        verdict = walk((self._judge,), row.draft)
        if isinstance(verdict, Drop):
            self._judge.release(row.draft.id)
            return row.named(verdict)
        self._kept += 1
        return None
