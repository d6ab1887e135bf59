"""The rows that an earlier run kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.filtering.row_batch import BATCH_ROWS
from schemas.errors import StorageError


def kept_columns(parts: list[Path], column: str) -> Iterator[pa.Array]:
    """The column of the parts, some rows at a time. Raises StorageError."""
    for path in parts:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=[column], use_threads=False):
                    yield batch.column(0)
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"{path} cannot be read: {' '.join(str(error).split())}; put it back") from error
