"""Some rows of a dataset, as they go through a filter run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

# A batch takes a worker about a second at most: so long does a stop wait, and so unevenly may workers end.
BATCH_ROWS = 250
BATCH_BYTES = 250_000


@dataclass(frozen=True, slots=True)
class RowBatch:
    """`faults` says of single rows, by their place in the batch, that they are known to be none, and why."""

    rows: pa.RecordBatch
    faults: dict[int, str] = field(default_factory=dict)


class RowSource(Protocol):
    """An existing dataset that is read from its start, or from any row on, in memory that does not grow."""

    @property
    def schema(self) -> pa.Schema:
        """Of every batch: columns in which Arrow has dictionaries hold plain values."""

    @property
    def rows(self) -> int:
        """How many there are to read."""

    def batches(self, start: int) -> Iterator[RowBatch]:
        """The rows from place `start` on. The same cuts from every place where a batch ends."""


def as_type(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """The column in another type. One that has it already is left alone: Arrow 26 breaks lists of nulls by a cast."""
    return column if column.type.equals(kind) else column.cast(kind)
