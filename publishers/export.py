"""A build's rows in the files that a trainer reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from publishers.atomic import is_leftover, whole_file, write_bytes
from publishers.publication import check, read_publication
from publishers.shard import read_shard
from publishers.training_formats import LAYOUTS, Table
from schemas.base import Frozen
from schemas.conversation import Conversation
from schemas.errors import StorageError
from schemas.manifest import Manifest, Shard
from schemas.training_format import TrainingFormat

_ROWS_AT_ONCE = 1000


class Exported(Frozen):
    """What an export has written, in the folder `target`."""

    target: str
    rows: int
    bytes: int
    files: tuple[str, ...]


def export(build: Path, target: Path, layout: TrainingFormat) -> Exported:
    """Write the sealed rows of the build into `target`: a file CONFIG-SPLIT.jsonl for each config and split.

    Each file appears whole or not at all, and a repeat writes the same bytes; rows keep the order of their sealing.
    Memory is that of a thousand rows. Raises PublishError for a build without sealed shards, a damaged one, and a row
    that the layout cannot hold; StorageError when the folder holds other files, or the disk refuses.
    """
    publication = read_publication(build)
    check(publication.shards)
    manifest = publication.manifest
    tables = dict(_tables(manifest))
    about = LAYOUTS[layout].about
    described = about(tuple(tables)) if about is not None else None
    names = [table.path for table in tables] + ([described[0]] if described is not None else [])
    _refuse_strangers(target, names)
    size = rows = 0
    for table, shards in tables.items():
        with whole_file(target / table.path) as file:
            for row in _rows(build, shards):
                line = json.dumps(LAYOUTS[layout].row(row), ensure_ascii=False)
                size += file.write(line.encode() + b"\n")
                rows += 1
    if described is not None:
        content = described[1].encode()
        write_bytes(target / described[0], content)
        size += len(content)
    return Exported(target=str(target), rows=rows, bytes=size, files=tuple(names))


def _tables(manifest: Manifest) -> Iterator[tuple[Table, list[Shard]]]:
    def key(shard: Shard) -> tuple[str, str]:
        return shard.config, shard.split

    for (config, split), shards in groupby(sorted(manifest.shards, key=key), key):
        yield Table(f"{config}-{split}.jsonl", config, split), list(shards)


def _rows(build: Path, shards: list[Shard]) -> Iterator[Conversation]:
    for shard in shards:
        for first in range(0, shard.rows, _ROWS_AT_ONCE):
            yield from read_shard(build / shard.path, first, _ROWS_AT_ONCE)


def _refuse_strangers(target: Path, names: list[str]) -> None:
    """A file of an earlier, other export would be trained on together with these."""
    try:
        there = sorted(path.name for path in target.iterdir() if not is_leftover(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{target} is no folder to write to: {error.strerror or error}") from error
    strangers = [name for name in there if name not in names]
    if strangers:
        raise StorageError(f"{target} holds {strangers[0]}, which is not of this export; choose an empty folder")
