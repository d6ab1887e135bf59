"""The rows that an earlier run kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from filters.duplicates.judge import SignedRow
from pipeline.filtering.judging import row_messages, signed
from pipeline.filtering.messages import UNDETERMINED, RowDraft, read_row
from pipeline.filtering.row_batch import BATCH_ROWS
from schemas.errors import StorageError
from schemas.filters import DuplicateFilter


def kept_rows(parts: list[Path], column: str, duplicates: DuplicateFilter) -> Iterator[list[SignedRow]]:
    """What the rows of the parts claim, some rows at a time. Raises StorageError."""
    for path in parts:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=[column], use_threads=False):
                    yield [_signed(messages, path, duplicates) for messages in row_messages(batch.column(0))]
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"{path} cannot be read: {' '.join(str(error).split())}; put it back") from error


def _signed(messages: object, path: Path, duplicates: DuplicateFilter) -> SignedRow:
    row = read_row(messages, UNDETERMINED)
    if not isinstance(row, RowDraft):
        raise StorageError(f"{path}: a kept row cannot be read any more; put the sealed part back")
    return signed(row, duplicates)
