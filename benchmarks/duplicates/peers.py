"""The same rows through what else there is: rensa, datasketch and text-dedup, where they are installed.

rensa and datasketch propose candidates from 32 bands of 4 MinHash values; each is then compared exactly, as a careful
user would. text-dedup is run as its own command, with the bands that it takes for the threshold; it compares nothing.
All three get distinct texts only.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filters.duplicates.signature import sign_first

BANDS, ROWS, PERMUTATIONS = 32, 4, 128
NGRAM, MIN_WORDS = 2, 5
# The filter's own rule for short turns, in shingles.
SHORT_THRESHOLD, FEW = 0.8, 9


@dataclass(frozen=True, slots=True)
class PeerResult:
    """`kept` has one entry for each row that was judged before the time was up."""

    kept: list[bool]
    seconds: float
    compared: int | None


def peers() -> dict[str, Callable[[Sequence[str], float, float], PeerResult]]:
    """Those that are installed."""
    known = {"rensa": rensa, "datasketch": datasketch, "text-dedup": text_dedup}
    modules = {"rensa": "rensa", "datasketch": "datasketch", "text-dedup": "text_dedup"}
    return {name: run for name, run in known.items() if importlib.util.find_spec(modules[name])}


def rensa(texts: Sequence[str], threshold: float, seconds: float) -> PeerResult:
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold, PERMUTATIONS, BANDS)

    def sketch(tokens: list[bytes]) -> Any:
        made = RMinHash(PERMUTATIONS, 1)
        made.update(tokens)
        return made

    return _careful(texts, threshold, seconds, sketch, index.query, index.insert)


def datasketch(texts: Sequence[str], threshold: float, seconds: float) -> PeerResult:
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found,unused-ignore]

    index = MinHashLSH(threshold, PERMUTATIONS, params=(BANDS, ROWS))

    def sketch(tokens: list[bytes]) -> Any:
        made = MinHash(PERMUTATIONS, seed=1)
        made.update_batch(tokens)
        return made

    return _careful(texts, threshold, seconds, sketch, index.query, index.insert)


def text_dedup(texts: Sequence[str], threshold: float, seconds: float) -> PeerResult:
    """Takes as long as it takes: it has no rows before the end."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lines = (json.dumps({"row": row, "text": text}) for row, text in enumerate(texts))
        (place / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
        options = {
            "path": "json",
            "data_files": place / "rows.jsonl",
            "split": "train",
            "cache_dir": place / "cache",
            "output": place / "out",
            "column": "text",
            "ngram": NGRAM,
            "min_length": 1,
            "threshold": threshold,
            "num_proc": os.cpu_count(),
        }
        command = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "text_dedup.minhash", *command], check=True, capture_output=True)
        took = time.perf_counter() - started
        from datasets import load_from_disk

        kept = set(load_from_disk(str(place / "out"))["row"])
    return PeerResult([row in kept for row in range(len(texts))], took, None)


def _careful(
    texts: Sequence[str],
    threshold: float,
    seconds: float,
    sketch: Callable[[list[bytes]], Any],
    query: Callable[[Any], Iterable[int]],
    insert: Callable[[int, Any], None],
) -> PeerResult:
    """One row after the other: candidates, exact comparison, and in it goes unless it is dropped."""
    sets: dict[int, frozenset[bytes]] = {}
    kept: list[bool] = []
    compared = 0
    started = time.perf_counter()
    for row, text in enumerate(texts):
        if time.perf_counter() - started > seconds:
            break
        shingles = sign_first(text, NGRAM, MIN_WORDS).shingles
        tokens = [shingles[start : start + 4] for start in range(0, len(shingles), 4)]
        if not tokens:
            kept.append(True)
            continue
        ours = frozenset(tokens)
        made = sketch(tokens)
        repeated = False
        for other in query(made):
            compared += 1
            both = len(ours & sets[other])
            needed = SHORT_THRESHOLD if min(len(ours), len(sets[other])) < FEW else threshold
            if both / (len(ours) + len(sets[other]) - both) >= needed:
                repeated = True
                break
        kept.append(not repeated)
        if not repeated:
            sets[row] = ours
            insert(row, made)
    return PeerResult(kept, time.perf_counter() - started, compared)
