"""The rows of a dataset as plain values, a few columns at a time: Parquet, JSONL and plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, Protocol

from pipeline.filtering.files import DataFile, FoundFiles
from pipeline.filtering.json_columns import from_column
from pipeline.filtering.jsonl_source import LINE_BYTES, NO_UTF8, no_jsonl, numbered_lines, parsed, plain_bytes
from pipeline.filtering.parquet_source import ParquetSource

# JSONL has columns where its rows have; so many of them are asked.
_FIRST_LINES = 1_000
_READ_BYTES = 1 << 20

Cut = Literal["file", "paragraph", "line"]
"""What one row of plain text is."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: where it stands in the dataset, what it holds, and what is wrong with it, if it cannot be read."""

    place: int
    values: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    name: str | None = None
    """The file's, where a row is a whole file."""


class RecordSource(Protocol):
    """Rows that are read from any place on, in memory that does not grow."""

    def names(self) -> list[str]:
        """The columns that are known. Raises InputError when the files are none of their kind, DatasetError."""

    def read(self, start: int, columns: Sequence[str]) -> Iterator[Record]:
        """The rows from place `start` on. Raises InputError, DatasetError."""


def open_records(found: FoundFiles, text_column: str, cut: Cut) -> RecordSource:
    """The rows of files; those of plain text have one column, called `text_column`, and are cut as said.

    Raises InputError when they cannot be read, DatasetError when the Hub fails.
    """
    if found.kind == "parquet":
        return ParquetRecords(ParquetSource.open(found.files, None))
    if found.kind == "jsonl":
        return JsonlRecords(found.files)
    return TextRecords(found.files, text_column, cut)


@dataclass(frozen=True)
class ParquetRecords:
    """Row groups before `start` are not read."""

    source: ParquetSource

    def names(self) -> list[str]:
        return list(self.source.schema.names)

    def read(self, start: int, columns: Sequence[str]) -> Iterator[Record]:
        known = [name for name in columns if name in self.source.schema.names]
        place = start
        for batch in self.source.only(known).batches(start):
            rows = batch.rows
            try:
                values = [from_column(rows.column(name)) for name in known]
            except (ValueError, RecursionError) as error:
                # Which of them it is only shows one by one.
                yield from (self._one(place + at, rows.slice(at, 1), known, error) for at in range(rows.num_rows))
            else:
                for at, row in enumerate(zip(*values, strict=True)):
                    yield Record(place + at, dict(zip(known, row, strict=True)))
            place += rows.num_rows

    @staticmethod
    def _one(place: int, row: Any, names: list[str], error: Exception) -> Record:
        try:
            return Record(place, {name: from_column(row.column(name))[0] for name in names})
        except (ValueError, RecursionError):
            return Record(place, fault=f"cannot be read ({error})")


@dataclass(frozen=True)
class JsonlRecords:
    """Lines before `start` are passed over without being parsed."""

    files: tuple[DataFile, ...]

    def names(self) -> list[str]:
        names: dict[str, None] = {}
        for file in self.files:
            for number, line in islice(numbered_lines(file), _FIRST_LINES):
                row, fault = parsed(line)
                if fault is not None and not row and not names:
                    raise no_jsonl(file, number, fault)
                names.update(dict.fromkeys(row))
            if names:
                break
        return list(names)

    def read(self, start: int, columns: Sequence[str]) -> Iterator[Record]:
        place = 0
        for file in self.files:
            for number, line in numbered_lines(file):
                if place >= start:
                    row, fault = parsed(line)
                    # A row with half a surrogate pair is there, mended.
                    wrong = f"{file.name}, line {number}: {fault}" if fault is not None and not row else None
                    yield Record(place, {name: row.get(name) for name in columns}, wrong)
                place += 1


@dataclass(frozen=True)
class TextRecords:
    """Plain text in UTF-8: a row is a file, what stands between blank lines, or a line."""

    files: tuple[DataFile, ...]
    column: str
    cut: Cut

    def names(self) -> list[str]:
        return [self.column]

    def read(self, start: int, columns: Sequence[str]) -> Iterator[Record]:
        place = 0
        for file in self.files:
            if self.cut == "file":
                if place >= start:
                    yield self._record(place, _whole(file), file.name)
                place += 1
                continue
            for piece in _lines(file) if self.cut == "line" else _paragraphs(file):
                if place >= start:
                    yield self._record(place, piece, None)
                place += 1

    def _record(self, place: int, raw: bytes | None, name: str | None) -> Record:
        if raw is None:
            return Record(place, fault=f"longer than {LINE_BYTES:,} bytes", name=name)
        try:
            return Record(place, {self.column: raw.decode("utf-8-sig")}, name=name)
        except UnicodeDecodeError:
            return Record(place, fault=NO_UTF8, name=name)


def _whole(file: DataFile) -> bytes | None:
    with file.reading(), plain_bytes(file) as stream:
        raw = stream.read(LINE_BYTES + 1)
    return raw if len(raw) <= LINE_BYTES else None


def _lines(file: DataFile) -> Iterator[bytes | None]:
    return (line if line is None else line.strip() for _, line in numbered_lines(file))


def _paragraphs(file: DataFile) -> Iterator[bytes | None]:
    """What stands between blank lines; None for one that is too long."""
    with file.reading(), plain_bytes(file) as stream:
        waiting: list[bytes] = []
        size = 0
        while line := stream.readline(_READ_BYTES):
            if line.strip():
                size += len(line)
                if size <= LINE_BYTES:
                    waiting.append(line)
                else:
                    waiting.clear()
            elif size:
                yield b"".join(waiting).rstrip() if size <= LINE_BYTES else None
                waiting, size = [], 0
        if size:
            yield b"".join(waiting).rstrip() if size <= LINE_BYTES else None
