"""A build's rows in the files that a trainer reads, and the configuration by which it trains on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from publishers.atomic import is_leftover, whole_file, write_bytes
from publishers.completion_corpus import completion_corpus
from publishers.publication import check, read_publication
from publishers.shard import read_shard
from publishers.training_configs import Setup, Table, longest_sequence, starting_model, warnings_of_steps
from publishers.training_formats import LAYOUTS
from schemas.base import Frozen
from schemas.conversation import Conversation
from schemas.errors import InputError, PublishError, StorageError
from schemas.manifest import Manifest, Provenance, Shard
from schemas.training_format import TrainingFormat

_ROWS_AT_ONCE = 1000


class Exported(Frozen):
    """What an export has written, in the folder `target`, where `command` trains on it."""

    target: str
    rows: int
    bytes: int
    files: tuple[str, ...]
    command: str | None
    warnings: tuple[str, ...]


def export(
    build: Path,
    target: Path,
    layout: TrainingFormat,
    *,
    model: str | None = None,
    corpus: str | None = None,
    gpus: int | None = None,
) -> Exported:
    """Write the sealed rows of the build into `target`: a file CONFIG-SPLIT.jsonl for each config and split.

    For a trainer also its configuration, in the paper's settings: of `model` (the build's backbone when left out) on
    `gpus` GPUs (of one node, 8, when left out), mixed with the documents of `corpus`, which only Axolotl can.

    Each file appears whole or not at all, and a repeat writes the same bytes; rows keep the order of their sealing.
    Memory is that of a thousand rows. Raises PublishError for a build without sealed shards, a damaged one, and a row
    that the layout cannot hold; InputError for a model or corpus that is not there, or of no use to the layout;
    StorageError when the folder holds other files, or the disk refuses.
    """
    publication = read_publication(build)
    check(publication.shards)
    manifest = publication.manifest
    tables = dict(_tables(manifest))
    described = LAYOUTS[layout]
    setup = _setup(tuple(tables), manifest.provenance, layout, target, model, corpus, gpus)
    configs = described.configs(tuple(tables), setup) if described.configs and setup else {}
    names = [*(table.path for table in tables), *configs]
    _refuse_strangers(target, names)
    size = rows = learnt = characters = 0
    for table, shards in tables.items():
        with whole_file(target / table.path) as file:
            for row in _rows(build, shards):
                line = json.dumps(described.row(row), ensure_ascii=False)
                size += file.write(line.encode() + b"\n")
                rows += 1
                if table.split == "train":
                    learnt += 1
                    characters += sum(len(message.content) for message in row.messages)
    for name, text in configs.items():
        content = text.encode()
        write_bytes(target / name, content)
        size += len(content)
    return Exported(
        target=str(target),
        rows=rows,
        bytes=size,
        files=tuple(names),
        command=described.command,
        warnings=tuple(warnings_of_steps(setup, learnt, characters)) if setup else (),
    )


def _setup(
    tables: Sequence[Table],
    provenance: Provenance,
    layout: TrainingFormat,
    target: Path,
    model: str | None,
    corpus: str | None,
    gpus: int | None,
) -> Setup | None:
    """What the trainer trains; nothing for what is a layout only."""
    if LAYOUTS[layout].configs is None:
        for option, value in (("--model", model), ("--corpus", corpus), ("--gpus", gpus)):
            if value is not None:
                raise InputError(f"{option}: {layout} is a layout of rows, without a configuration; leave it out")
        return None
    if corpus is not None and layout != "axolotl":
        raise InputError(
            f"--corpus: {layout} cannot mix plain text with conversations in one run; leave it out, export for axolotl,"
            " or use iturri train"
        )
    if not any(table.split == "train" for table in tables):
        raise PublishError("the build has no rows to train on yet, only such to measure with; let it go on")
    name, revision = starting_model(model, provenance)
    documents = completion_corpus(corpus) if corpus is not None else None
    return Setup(target.resolve().name, name, revision, gpus or 8, documents, longest_sequence(name))


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
