"""Small tables beside the shards: configs of their own in a publication, which may change from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from publishers.shard import shard_path

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
