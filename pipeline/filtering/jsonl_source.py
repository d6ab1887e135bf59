"""Rows of JSONL files, read line by line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Self

import pyarrow as pa

from filters.text import excerpt
from pipeline.filtering.files import DataFile
from pipeline.filtering.json_columns import MOST_KEYS, Seen, to_batch
from pipeline.filtering.row_batch import BATCH_BYTES, BATCH_ROWS, RowBatch
from schemas.errors import InputError

# A line that is longer is no row: nobody's conversation, and it would have to be held in memory to be read.
LINE_BYTES = 64_000_000
# What is nested more deeply can be read, but not be written again: both take a call for every level.
MOST_DEPTH = 200
_BOM = b"\xef\xbb\xbf"
# What may be half a surrogate pair, which JSON can write and nothing else can hold.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

NO_UTF8 = "no UTF-8"

Row = tuple[dict[str, Any], str | None]
"""A row, and what is wrong with it: it cannot be read, or not be held as it is."""


class JsonlSource:
    """The rows of JSONL files, one after another. Their columns are known only when all lines have been read once."""

    def __init__(self, files: tuple[tuple[DataFile, int], ...], schema: pa.Schema) -> None:
        self._files = files
        self.schema = schema
        self.rows = sum(rows for _, rows in files)

    @classmethod
    def open(cls, files: tuple[DataFile, ...], limit: int | None, stop: Callable[[], bool]) -> Self | None:
        """Reads the lines for their columns; None when `stop` says so meanwhile. Raises InputError, DatasetError."""
        seen = Seen()
        counted: list[tuple[DataFile, int]] = []
        left = limit
        for file in files:
            if left == 0:
                break
            rows = 0
            for number, line in numbered_lines(file):
                if rows == left:
                    break
                if stop():
                    return None
                row, fault = parsed(line)
                if not rows and fault is not None and not row:
                    raise no_jsonl(file, number, fault)
                seen.add(row)
                rows += 1
                if len(seen.fields) > MOST_KEYS:
                    raise InputError(
                        f"{file.name}: its objects have more than {MOST_KEYS:,} different keys: no dataset"
                    )
            counted.append((file, rows))
            left = None if left is None else left - rows
        return cls(tuple(counted), seen.schema())

    def batches(self, start: int) -> Iterator[RowBatch]:
        """The rows from place `start` on. The same cuts from every place where a batch ends."""
        for file, rows in self._files:
            if start < rows:
                yield from self._of_file(file, start, rows)
            start = max(0, start - rows)

    def _of_file(self, file: DataFile, start: int, rows: int) -> Iterator[RowBatch]:
        waiting: list[Row] = []
        size = 0
        for place, (number, line) in enumerate(numbered_lines(file)):
            if place == rows:
                break
            if place < start:
                continue
            row, fault = parsed(line)
            waiting.append((row, None if fault is None else f"{file.name}, line {number}: {fault}"))
            size += len(line or b"")
            if len(waiting) == BATCH_ROWS or size >= BATCH_BYTES:
                yield self._batch(file, waiting)
                waiting, size = [], 0
        if waiting:
            yield self._batch(file, waiting)

    def _batch(self, file: DataFile, rows: list[Row]) -> RowBatch:
        faults = {place: fault for place, (_, fault) in enumerate(rows) if fault is not None}
        try:
            return RowBatch(to_batch([row for row, _ in rows], self.schema), faults)
        except ValueError as error:
            raise InputError(f"{file.name}: has changed while it was read ({error}); start again") from error


def no_jsonl(file: DataFile, number: int, fault: str) -> InputError:
    """What a file is told whose first line is no row."""
    cure = (
        "convert it, with `iconv` for example"
        if fault.startswith(NO_UTF8)
        else "`jq -c '.[]'` makes JSONL of a JSON list"
    )
    return InputError(f"{file.name}: is no JSONL, which is one object a line: its line {number} is {fault} ({cure})")


def numbered_lines(file: DataFile) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, with their numbers from 1; None for one that is too long."""
    with file.reading(), plain_bytes(file) as stream:
        number = 0
        while line := stream.readline(LINE_BYTES):
            number += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = stream.readline(LINE_BYTES)
                yield number, None
            elif line.strip():
                yield number, line


@contextmanager
def plain_bytes(file: DataFile) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed."""
    with file.open() as stored:
        if file.codec is None:
            yield stored
            return
        with pa.CompressedInputStream(pa.PythonFile(stored, mode="r"), file.codec) as plain:
            yield io.BufferedReader(plain, 1 << 20)


def parsed(line: bytes | None) -> Row:
    """The object of a line. Where there is none, it is empty, and the fault says why."""
    if line is None:
        return {}, f"longer than {LINE_BYTES:,} bytes"
    fault: str | None = None
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        fault = NO_UTF8
    except RecursionError:
        fault = "nested too deeply"
    except ValueError as error:
        fault = f"no JSON ({getattr(error, 'msg', error)})"
    else:
        if not isinstance(row, dict):
            fault = "no object"
        elif line.count(b"[") + line.count(b"{") > MOST_DEPTH and _depth(row) > MOST_DEPTH:
            fault = "nested too deeply"
    if fault is not None:
        return {}, f"{fault}: {excerpt(line[:400].decode(errors='replace'))}"
    return _mended(row) if _HALF.search(line) else (row, None)


def _depth(row: dict[str, Any]) -> int:
    depth = 0
    level: list[Any] = [row]
    while level:
        depth += 1
        inside = (inner for one in level for inner in (one.values() if isinstance(one, dict) else one))
        level = [inner for inner in inside if isinstance(inner, dict | list)]
    return depth


def _mended(row: dict[str, Any]) -> Row:
    text = json.dumps(row, ensure_ascii=False)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return (row, None) if whole == text else (json.loads(whole), "holds half a surrogate pair, here shown as \ufffd")
