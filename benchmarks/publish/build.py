"""A build of many rows, made in seconds: Arrow columns filled at once, words drawn at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from publishers.manifest import write_manifest
from publishers.rows import SCHEMA
from publishers.shard import config_name, shard_path, write_table
from schemas.manifest import Manifest, Shard
from tests.support.publishers_builds import FINGERPRINT, manifest

# As the recipe's default.
SHARD_ROWS = 10_000
# Characters of a user turn and of a reply, on average: 2 KB of a row are left by zstd, which has nothing to find.
_USER, _REPLY = 400, 2_950
# What a random byte becomes: a letter or, once in seven times, the end of a word.
_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", "u1")
_ALPHABET = np.where(np.arange(256) % 7 == 0, ord(" "), _LETTERS[np.arange(256) % 26]).astype("u1")


def write_build(folder: Path, rows: int) -> Manifest:
    """A build with so many conversations in mode magpie, sealed in shards of 10,000."""
    config = config_name("magpie", "eu")
    shards = []
    for number, first in enumerate(range(0, rows, SHARD_ROWS)):
        table = _table(first, min(SHARD_ROWS, rows - first))
        path = shard_path(config, "train", number)
        size, sha256 = write_table(table, folder / path)
        shards.append(Shard(path=path, config=config, split="train", rows=table.num_rows, bytes=size, sha256=sha256))
    made = manifest(tuple(shards))
    write_manifest(made, folder)
    return made


def _table(first: int, rows: int) -> pa.Table:
    rng = np.random.default_rng(first)
    mean = np.tile([_USER, _REPLY], rows)
    lengths = (mean * rng.uniform(0.5, 1.5, 2 * rows)).astype("i4")
    contents = _strings(rng, lengths)
    roles = pa.array(["user", "assistant"]).take(pa.array(np.tile([0, 1], rows)))
    messages = pa.StructArray.from_arrays([roles, contents], ["role", "content"])
    columns = {
        "id": [f"proba-magpie-{number:07d}" for number in range(first, first + rows)],
        "messages": pa.ListArray.from_arrays(np.arange(0, 2 * rows + 1, 2, dtype="i4"), messages),
        "language": ["eu"] * rows,
        "mode": ["magpie"] * rows,
        "exchanges": [1] * rows,
        "backbone": ["demo"] * rows,
        "backbone_revision": [None] * rows,
        "sampling": ['{"user": {"temperature": 1.0}}'] * rows,
        "template_hash": ["a" * 64] * rows,
        "recipe_fingerprint": [FINGERPRINT] * rows,
        "scores": [[{"name": "language.share", "value": 1.0}]] * rows,
        "turn_languages": [["eu", "eu"]] * rows,
        "turn_origins": [["sampled", "sampled"]] * rows,
        "source_document": [None] * rows,
        "source": [None] * rows,
        "prompt_tokens": rng.integers(20, 200, rows),
        "completion_tokens": lengths.reshape(rows, 2).sum(axis=1) // 4,
    }
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, SCHEMA.field(name).type)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _strings(rng: np.random.Generator, lengths: np.ndarray[tuple[int], np.dtype[np.int32]]) -> pa.StringArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("i4")
    text = _ALPHABET[np.frombuffer(rng.bytes(int(offsets[-1])), "u1")]
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(text))
