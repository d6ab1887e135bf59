"""Shards: sealed Parquet files, their names, and which split a row belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from publishers.atomic import whole_file
from publishers.rows import SCHEMA, from_table, to_table
from schemas.conversation import Conversation
from schemas.errors import StorageError

Split = Literal["train", "validation"]

# Rows of a row group: a few megabytes of conversations, which is what a viewer or a reader of one page has to fetch.
ROW_GROUP_ROWS = 1_000

# The least and the greatest value of a column stand in the footer whole, for each row group, and again in the page
# index. Of texts that is most of the footer, and nobody looks for a range of texts.
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "write_page_index": True,
    "write_statistics": ["id", "language", "mode", "exchanges", "prompt_tokens", "completion_tokens"],
}


def config_name(mode: str, language: str) -> str:
    """The config of a mode in a language, such as `magpie-eu`."""
    return f"{mode}-{language}"


def split_of(row_id: str, validation_share: float) -> Split:
    """The split of a row: a function of an id and the share alone, so that no row moves when the build grows.

    The id is the row's own, or that of the document or row it is made from: what is made from the same stays together.
    """
    digest = hashlib.blake2b(row_id.encode(), digest_size=8).digest()
    return "validation" if int.from_bytes(digest, "big") < validation_share * 2**64 else "train"


def shard_path(config: str, split: str, number: int) -> str:
    """Where shard `number` (from 0) lies in a build and in a publication. Without a total, so that it never changes."""
    return f"data/{config}/{split}-{number:05d}.parquet"


def write_shard(rows: Iterable[Conversation], path: Path) -> tuple[int, str]:
    """Seals the rows in a Parquet file at `path`; returns its (bytes, sha256 in hex).

    The file appears whole or not at all. The same rows give the same bytes with the same pyarrow. Rows are taken as
    they are written, in another thread, so that memory is that of a few row groups. Raises ValueError without rows,
    StorageError when the disk refuses.
    """
    coming = iter(rows)
    groups = map(to_table, iter(lambda: list(islice(coming, ROW_GROUP_ROWS)), []))
    try:
        first = next(groups)
    except StopIteration:
        raise ValueError("a shard has at least one row") from None
    return _write(chain([first], groups), SCHEMA, path)


def write_table(table: pa.Table, path: Path) -> tuple[int, str]:
    """Seals a table as write_shard seals rows. Raises StorageError."""
    return _write(_row_groups(table), table.schema, path)


def _row_groups(table: pa.Table) -> Iterator[pa.Table]:
    return (table.slice(start, ROW_GROUP_ROWS) for start in range(0, table.num_rows, ROW_GROUP_ROWS))


def _write(groups: Iterator[pa.Table], schema: pa.Schema, path: Path) -> tuple[int, str]:
    """Each table becomes a row group; the next one is made while pyarrow compresses, which needs no lock of Python's.

    Arrow opens the file itself: each write to a file of Python's would have to wait for that lock.
    """
    with whole_file(path) as file:
        with (
            pa.OSFile(file.name, "wb") as sink,
            pq.ParquetWriter(sink, schema, **WRITING) as writer,
            closing(_one_ahead(groups)) as tables,
        ):
            for table in tables:
                writer.write_table(table)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha256


def _one_ahead(tables: Iterator[pa.Table]) -> Generator[pa.Table]:
    """The same tables, each made by a thread while the one before it is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as thread:
        coming = thread.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = thread.submit(next, tables, None)
            yield table


def read_shard(path: Path, offset: int = 0, limit: int | None = None) -> list[Conversation]:
    """The rows from `offset` on, at most `limit`, in their order; past the end there are none.

    Only the row groups that hold them are read. Raises StorageError when there is no such shard or it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            end = file.metadata.num_rows if limit is None else min(file.metadata.num_rows, offset + limit)
            groups: list[int] = []
            first = start = 0
            for group in range(file.metadata.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                if start < end and stop > offset:
                    first = start if not groups else first
                    groups.append(group)
                start = stop
            if not groups:
                return []
            return from_table(file.read_row_groups(groups).slice(offset - first, end - offset))
    except (OSError, pa.ArrowException, ValidationError, KeyError) as error:
        raise StorageError(f"{path} cannot be read as a shard: {' '.join(str(error).split())}") from error
