"""The rows of files as plain values, a few columns and a few hundred rows at a time: Parquet, JSONL and plain text."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from training.data_files import DataFile, line

Record = dict[str, Any]

# The columns that hold a conversation, ours and ShareGPT's.
TURNS = ("messages", "conversations")

# A line, or a document, that is longer is none: it would have to be held in memory to be read.
MOST_BYTES = 64_000_000
# Of a batch: rows, and about as many bytes.
_BATCH_ROWS = 256
_BATCH_BYTES = 4_000_000
_READ_BYTES = 1 << 20
# JSONL has columns where its rows have; so many of them are asked.
_FIRST_LINES = 1_000
_BOM = b"\xef\xbb\xbf"
# What may be half a surrogate pair, which JSON can write and no tokenizer can read.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def columns_of(file: DataFile) -> list[str]:
    """The columns of Parquet or JSONL. Raises InputError when it is none, DatasetError when the Hub fails."""
    if file.kind == "parquet":
        with _parquet(file) as parquet:
            return list(parquet.schema_arrow.names)
    names: dict[str, None] = {}
    for number, raw in islice(_lines(file), _FIRST_LINES):
        row = _parsed(raw)
        if row is None and not names:
            raise InputError(
                f"{file.field}.source: {file.name} is no JSONL, which is one object a line: look at its line {number}"
                " (`jq -c '.[]'` makes JSONL of a JSON list)"
            )
        names.update(dict.fromkeys(row or ()))
    return list(names)


def read_rows(file: DataFile, columns: Sequence[str]) -> Iterator[Record | None]:
    """The rows of Parquet or JSONL with those of the columns that they have; None for one that cannot be read.

    Raises InputError when the file is damaged, DatasetError when the Hub fails.
    """
    if file.kind == "parquet":
        yield from _parquet_rows(file, columns)
        return
    for _, raw in _lines(file):
        row = _parsed(raw)
        yield None if row is None else {name: row[name] for name in columns if name in row}


def read_texts(file: DataFile, *, whole: bool) -> Iterator[str | None]:
    """Plain text in UTF-8: the whole file, or what stands between blank lines; None for what cannot be read.

    Raises as read_rows does.
    """
    for raw in _whole(file) if whole else _paragraphs(file):
        try:
            yield None if raw is None else raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            yield None


def _parquet_rows(file: DataFile, columns: Sequence[str]) -> Iterator[Record | None]:
    with _parquet(file) as parquet:
        known = [name for name in columns if name in parquet.schema_arrow.names]
        about = parquet.metadata
        size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        fitting = max(1, _BATCH_BYTES * about.num_rows // max(1, size))
        for batch in parquet.iter_batches(min(_BATCH_ROWS, fitting), columns=known, use_threads=False):
            try:
                yield from batch.to_pylist()
            except ValueError:  # text that is no UTF-8; which row it is only shows one by one
                yield from (_one(batch.slice(place, 1)) for place in range(batch.num_rows))


def _one(row: pa.RecordBatch) -> Record | None:
    try:
        return row.to_pylist()[0]
    except ValueError:
        return None


@contextmanager
def _parquet(file: DataFile) -> Iterator[pq.ParquetFile]:
    """Of each column a little is read at a time, so that memory stays flat for a file that is one row group."""
    with _reading(file), pq.ParquetFile(file.here(), buffer_size=_READ_BYTES, pre_buffer=False) as parquet:
        yield parquet


@contextmanager
def _reading(file: DataFile) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file.field}.source: {file.name} cannot be read ({line(error)}); is it whole?") from error


@contextmanager
def _plain(file: DataFile) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed."""
    with _reading(file), file.here().open("rb") as stored:
        if file.codec is None:
            yield stored
            return
        with pa.CompressedInputStream(pa.PythonFile(stored, mode="r"), file.codec) as plain:
            yield io.BufferedReader(plain, _READ_BYTES)


def _lines(file: DataFile) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, with their numbers from 1; None for one that is too long."""
    with _plain(file) as stream:
        number = 0
        while raw := stream.readline(MOST_BYTES):
            number += 1
            if number == 1:
                raw = raw.removeprefix(_BOM)
            if len(raw) == MOST_BYTES and not raw.endswith(b"\n"):
                while raw and not raw.endswith(b"\n"):
                    raw = stream.readline(MOST_BYTES)
                yield number, None
            elif raw.strip():
                yield number, raw


def _parsed(raw: bytes | None) -> Record | None:
    """The object of a line."""
    if raw is None:
        return None
    try:
        row = json.loads(raw)
        if _HALF.search(raw):
            json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # no JSON, no UTF-8, half a surrogate pair, nested without end
        return None
    return row if isinstance(row, dict) else None


def _whole(file: DataFile) -> Iterator[bytes | None]:
    with _plain(file) as stream:
        raw = stream.read(MOST_BYTES + 1)
    yield raw if len(raw) <= MOST_BYTES else None


def _paragraphs(file: DataFile) -> Iterator[bytes | None]:
    with _plain(file) as stream:
        waiting: list[bytes] = []
        size = 0
        while raw := stream.readline(_READ_BYTES):
            if raw.strip():
                size += len(raw)
                if size <= MOST_BYTES:
                    waiting.append(raw)
                else:
                    waiting.clear()
            elif size:
                yield b"".join(waiting).rstrip() if size <= MOST_BYTES else None
                waiting, size = [], 0
        if size:
            yield b"".join(waiting).rstrip() if size <= MOST_BYTES else None
