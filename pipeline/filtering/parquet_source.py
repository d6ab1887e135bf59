"""Rows of Parquet files, a row group at a time and of that a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.filtering.files import DataFile
from pipeline.filtering.row_batch import BATCH_BYTES, BATCH_ROWS, RowBatch, as_type
from schemas.errors import InputError

# Of each column this much is read at a time, so that memory stays flat for a file that is one row group.
_READ_BYTES = 1 << 20


class ParquetSource:
    """The rows of Parquet files, one after another, in one schema that holds all of theirs.

    Batches have plain values where the schema has dictionaries: each would carry the whole of them along.
    """

    def __init__(self, files: tuple[tuple[DataFile, int], ...], schema: pa.Schema, limit: int | None) -> None:
        rows = sum(rows for _, rows in files)
        self._files = files
        self._plain = _with_dictionaries(schema, lambda kind: kind.value_type)
        # Every file has indices as wide as its own dictionary needs; a part may hold rows of several.
        self.schema = _with_dictionaries(schema, lambda kind: pa.dictionary(pa.int32(), kind.value_type, kind.ordered))
        self.rows = rows if limit is None else min(rows, limit)

    @classmethod
    def open(cls, files: tuple[DataFile, ...], limit: int | None) -> Self:
        """Reads the files' footers. Raises InputError, DatasetError."""
        counted: list[tuple[DataFile, int]] = []
        schemas: list[pa.Schema] = []
        for file in files:
            if limit is not None and sum(rows for _, rows in counted) >= limit:
                break
            with _opened(file) as parquet:
                counted.append((file, parquet.metadata.num_rows))
                schemas.append(parquet.schema_arrow)
        return cls(tuple(counted), _united(files, schemas), limit)

    def only(self, columns: Sequence[str]) -> ParquetSource:
        """The same rows with these columns alone; the others are not read."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        return ParquetSource(self._files, schema, self.rows)

    def batches(self, start: int) -> Iterator[RowBatch]:
        """The rows from place `start` on. The same cuts from every place where a batch ends."""
        left = self.rows - start
        for file, rows in self._files:
            if start < rows and left > 0:
                for batch in self._of_file(file, start):
                    wanted = batch.slice(0, left)
                    left -= wanted.num_rows
                    yield RowBatch(fitted(wanted, self._plain))
                    if not left:
                        break
            start = max(0, start - rows)

    def _of_file(self, file: DataFile, start: int) -> Iterator[pa.RecordBatch]:
        with _opened(file) as parquet:
            for group in range(parquet.num_row_groups):
                about = parquet.metadata.row_group(group)
                if start < about.num_rows:
                    bytes_a_row = max(1, about.total_byte_size // max(1, about.num_rows))
                    size = min(BATCH_ROWS, max(1, BATCH_BYTES // bytes_a_row))
                    skipped = start
                    for batch in parquet.iter_batches(
                        size, row_groups=[group], columns=self._plain.names, use_threads=False
                    ):
                        if skipped < batch.num_rows:
                            yield batch.slice(skipped)
                        skipped = max(0, skipped - batch.num_rows)
                start = max(0, start - about.num_rows)


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in a schema that holds its own: missing columns become nulls. Raises ArrowException."""
    columns = [
        as_type(batch.column(field.name), field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _opened(file: DataFile) -> Iterator[pq.ParquetFile]:
    """On the Hub the columns of a row group are fetched together, since every request costs a round trip."""
    with (
        file.reading(),
        file.open() as stored,
        pq.ParquetFile(stored, pre_buffer=file.remote, buffer_size=0 if file.remote else _READ_BYTES) as parquet,
    ):
        yield parquet


def _united(files: tuple[DataFile, ...], schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all files, with the metadata of the first one."""
    first = schemas[0]
    if all(schema.equals(first) for schema in schemas):
        return first
    united = _with_dictionaries(first, lambda kind: kind.value_type)
    for file, schema in zip(files, schemas, strict=False):
        plain = _with_dictionaries(schema, lambda kind: kind.value_type)
        try:
            united = pa.unify_schemas([united, plain], promote_options="permissive")
            fitted(pa.RecordBatch.from_pylist([], schema=plain), united)
        except (pa.ArrowException, KeyError) as error:
            raise InputError(
                f"{file.name}: its columns do not go with those of {files[0].name} ({' '.join(str(error).split())}); "
                "filter them one by one"
            ) from error
    return united.with_metadata(first.metadata)


def _with_dictionaries(schema: pa.Schema, change: Callable[[pa.DictionaryType], pa.DataType]) -> pa.Schema:
    """The schema with other types in place of its dictionaries, also of nested ones."""

    def changed(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return change(kind)
        if pa.types.is_list(kind):
            return pa.list_(kind.value_field.with_type(changed(kind.value_type)))
        if pa.types.is_struct(kind):
            return pa.struct([field.with_type(changed(field.type)) for field in kind])
        return kind

    return pa.schema([field.with_type(changed(field.type)) for field in schema], schema.metadata)
