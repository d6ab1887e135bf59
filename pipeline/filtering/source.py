"""Opening an existing dataset: its rows, and the column that holds the conversations."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from pipeline.filtering.files import FoundFiles
from pipeline.filtering.jsonl_source import JsonlSource
from pipeline.filtering.parquet_source import ParquetSource
from pipeline.filtering.row_batch import RowSource
from schemas.errors import InputError

# The usual names; of several, the first one.
COLUMNS = ("messages", "conversations")


def open_source(found: FoundFiles, stop: Callable[[], bool]) -> RowSource | None:
    """The rows of the files; None when `stop` said so before all that is needed was read.

    Raises InputError when they cannot be read or there are none, DatasetError when the Hub fails.
    """
    limit = found.about.limit
    source: RowSource | None = (
        ParquetSource.open(found.files, limit)
        if found.kind == "parquet"
        else JsonlSource.open(found.files, limit, stop)
    )
    if source is not None and not source.rows:
        raise InputError(f"{found.about.given}: holds no rows")
    return source


def judged_column(found: FoundFiles, schema: pa.Schema) -> str:
    """The column of the conversations. Raises InputError when there is none."""
    wanted = (found.about.column,) if found.about.column is not None else COLUMNS
    for name in wanted:
        if name in schema.names:
            return name
    missing = " or ".join(map(repr, wanted))
    cure = "; name the column of the conversations with --column" if found.about.column is None else ""
    prefix = "" if found.about.column is None else "--column: "
    raise InputError(f"{prefix}{found.about.given} has no column {missing}; it has: {', '.join(schema.names)}{cure}")
