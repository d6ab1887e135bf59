"""Small tables beside the shards: configs of their own in a publication, which may change from one to the next."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from publishers.shard import shard_path
from schemas.errors import PublishError

_Row = TypeVar("_Row")

SIDE_SPLIT = "train"


def side_path(config: str) -> str:
    """Where the table of a config lies in a publication."""
    return shard_path(config, SIDE_SPLIT, 0)


@dataclass(frozen=True, slots=True)
class SideTable:
    """A table in one Parquet file. It is never the config that is loaded by default."""

    config: str
    schema: pa.Schema
    content: bytes
    rows: int

    @property
    def path(self) -> str:
        return side_path(self.config)


def read_side_file(
    path: Path, schema: pa.Schema, row: Callable[[dict[str, Any]], _Row], what: str
) -> tuple[bytes, tuple[_Row, ...]] | None:
    """The file of a build that becomes a side table: its content and rows; None where there is none.

    `what` names the rows in messages. Raises PublishError for a file that is none of ours.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        table = pq.read_table(io.BytesIO(content))
        if not table.schema.equals(schema):
            raise PublishError(f"{path} holds other columns than {what} have; remove it")
        rows = tuple(row(cells) for cells in table.to_pylist())
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise PublishError(f"{path} cannot be read as {what}: {' '.join(str(error).split())}") from error
    return (content, rows) if rows else None
