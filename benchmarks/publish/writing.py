"""How fast shards are written, beside bare `pyarrow.parquet.write_table` of a table that is there already."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.common import medians
from publishers.rows import to_table
from publishers.shard import ROW_GROUP_ROWS, WRITING, write_shard
from schemas.conversation import Conversation, Message

ROWS = 10_000
_TURN_CHARACTERS = 500
_LETTERS = "aeiourtnkzbghdlsmp"


def conversations(rows: int) -> list[Conversation]:
    """Two exchanges of random words each, about 2 kB in all; the same ones at every call."""
    chance = random.Random(1)
    vocabulary = ["".join(chance.choices(_LETTERS, k=chance.randint(3, 11))) for _ in range(20_000)]
    sampling = {"user": {"temperature": 1.0, "top_p": 1.0}, "reply": {"temperature": 0.7, "top_p": 0.9}}

    def text() -> str:
        words: list[str] = []
        left = _TURN_CHARACTERS
        while left > 0:
            words.append(chance.choice(vocabulary))
            left -= len(words[-1]) + 1
        return " ".join(words)

    return [
        Conversation(
            id=f"0123abcd-4567cdef-{number:08d}",
            messages=tuple(Message(role=role, content=text()) for role in ("user", "assistant") * 2),
            language="eu",
            mode="magpie",
            exchanges=2,
            backbone="benchmark",
            backbone_revision=None,
            sampling=json.dumps({**sampling, "steering": {"topic": chance.choice(vocabulary)}}),
            template_hash="a" * 64,
            recipe_fingerprint="f" * 64,
            scores={"language.share": chance.random(), "quality": chance.random()},
            turn_languages=("eu",) * 4,
            turn_origins=("sampled",) * 4,
            prompt_tokens=chance.randrange(1_000),
            completion_tokens=chance.randrange(1_000),
        )
        for number in range(rows)
    ]


def writing(rounds: int, folder: Path, rows: int = ROWS) -> dict[str, Any]:
    """Seconds of each writer, medians of rounds in which all take their turn on the same rows, and ratios of medians.

    `share_of_bare` is the speed of `write_shard` as a share of bare `write_table` with the options of a shard;
    `share_of_default` of one with pyarrow's own options, which compress with snappy.
    """
    made = conversations(rows)
    table = to_table(made)
    shard, bare, default = (folder / f"{name}.parquet" for name in ("shard", "bare", "default"))
    writers: dict[str, Callable[[], object]] = {
        "write_shard_s": lambda: write_shard(made, shard),
        "bare_s": lambda: pq.write_table(table, bare, row_group_size=ROW_GROUP_ROWS, **WRITING),
        "default_s": lambda: pq.write_table(table, default),
        "to_table_s": lambda: to_table(made),
    }
    for write in writers.values():  # the first time, pyarrow imports what it may need
        write()
    seconds = medians([{name: _timed(write) for name, write in writers.items()} for _ in range(rounds)], writers)
    return {
        "rows": rows,
        "rounds": rounds,
        "table_bytes": table.nbytes,
        "shard_bytes": shard.stat().st_size,
        "default_bytes": default.stat().st_size,
        "same_bytes_as_bare": shard.read_bytes() == bare.read_bytes(),
        **seconds,
        "share_of_bare": round(seconds["bare_s"] / seconds["write_shard_s"], 2),
        "share_of_default": round(seconds["default_s"] / seconds["write_shard_s"], 2),
        "load_average": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count(),
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
