"""How right, how fast and how large the duplicate filter is, on made-up rows with planted repeats; peers beside it.

Prints JSON. Truth comes from an exact join of the benchmark's own, which is first checked against all pairs.

    python -m benchmarks.duplicates [--rows 100000] [--checked 100000] [--peer-seconds 120] [--memory-mb 4096]
    python -m benchmarks.duplicates --compare [--rows 100000]

The second form compares what may be called similar: words or characters, and from which similarity on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.duplicates.comparing import compare, planted
from benchmarks.duplicates.judging import (
    GATE_DRAFTS,
    SETTINGS,
    filter_speed,
    gate_latency,
    growth_latency,
    judge_all,
    measure_family,
    measure_memory,
    rebuild_speed,
)
from benchmarks.duplicates.peers import peers
from benchmarks.duplicates.rows import rows
from benchmarks.duplicates.truth import Join, Sets, join_is_right, score
from filters.duplicates.judge import DuplicateJudge
from filters.duplicates.signature import sign_first, text_hash
from filters.text import fold
from schemas.filters import SHORT_WORDS
from schemas.verdict import Drop

PAIRS_CHECKED = 5_000
FAMILY_ROWS = 50_000
# Of more rows, only verdicts, speed and memory are measured: the rest would take hours.
MOST_ROWS = 1_000_000


def measure(options: argparse.Namespace) -> dict[str, Any]:
    made = list(rows(options.rows + GATE_DRAFTS))
    made, later = made[: options.rows], made[options.rows :]
    texts = [row.text for row in made]
    judge = DuplicateJudge(SETTINGS)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "signatures"
        drops, seconds = judge_all(judge, texts, file)
        told = judge.diversity()
        report: dict[str, Any] = {
            "rows": len(made),
            "settings": SETTINGS.model_dump(),
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "reasons": dict(Counter(drop.reason for drop in drops if drop)),
            "rows_per_second": round(len(made) / seconds),
            "candidates_per_row": round(told.candidates_per_row, 3),
            "cut_rows": told.cut_rows,
            "planted": planted(made, drops),
            "gate_ms": gate_latency(judge, [row.text for row in later], "gate"),
        }
        del judge
        if options.rows <= MOST_ROWS:
            report["iturri_filter_rows_per_second"] = filter_speed(texts)
            report["growth_ms"] = growth_latency(file)
            report["rebuild"] = rebuild_speed(file)
        report["memory"] = measure_memory(file, options.memory_mb)
    report["family"] = measure_family(min(options.rows, FAMILY_ROWS))
    if options.checked:
        report |= _checked(texts, drops, options)
    return report


def _checked(texts: Sequence[str], drops: Sequence[Drop | None], options: argparse.Namespace) -> dict[str, Any]:
    """The verdicts against the truth, and the other tools."""
    shingles = [sign_first(text, SETTINGS.ngram, SETTINGS.min_words).shingles for text in texts]
    sets = [np.frombuffer(one, "<u4") for one in shingles]
    once = _distinct(texts)
    few = SHORT_WORDS - SETTINGS.ngram + 1
    join = Join([sets[row] for row in once], SETTINGS.threshold, SETTINGS.short_threshold, few)
    sample = random.Random(1).sample(range(len(once)), min(options.checked, len(once)))
    report: dict[str, Any] = {
        "named": _named_rightly(texts, sets, drops),
        "join_equals_all_pairs": join_is_right(sets[:PAIRS_CHECKED], SETTINGS.threshold),
        "verdicts": score(join, [drops[row] is None for row in once], sample).as_json(),
    }
    if options.peer_seconds:
        report["peers"] = _measure_peers([texts[row] for row in once], join, sample, options.peer_seconds)
    return report


def _named_rightly(texts: Sequence[str], sets: Sets, drops: Sequence[Drop | None]) -> dict[str, Any]:
    """Whether each drop names a kept row before it that it does repeat, and how much."""
    kept: list[int] = []
    wrong = 0
    for row, drop in enumerate(drops):
        if drop is None:
            kept.append(row)
            continue
        other = kept[int(re.findall("[0-9]+", drop.evidence)[0])]
        if drop.reason == "duplicates.exact":
            wrong += fold(texts[row]) != fold(texts[other])
        else:
            both = len(np.intersect1d(sets[row], sets[other]))
            similarity = both / (len(sets[row]) + len(sets[other]) - both)
            wrong += similarity < SETTINGS.threshold or f"(similarity {similarity:.2f})" not in drop.evidence
    return {"drops": len(drops) - len(kept), "wrongly_named": wrong}


def _measure_peers(texts: Sequence[str], join: Join, sample: Sequence[int], seconds: float) -> dict[str, Any]:
    """The same distinct rows, in time: rows a second from text to verdict, and how right their verdicts are."""
    results: dict[str, Any] = {}
    for name, run in peers().items():
        result = run(texts, SETTINGS.threshold, seconds)
        done = len(result.kept)
        results[name] = {
            "rows": done,
            "rows_per_second": round(done / result.seconds),
            **score(join, result.kept, [row for row in sample if row < done]).as_json(),
        }
        if result.compared is not None:
            results[name]["candidates_per_row"] = round(result.compared / done, 3)
    for name in {"rensa", "datasketch", "text-dedup"} - set(results):
        results[name] = "not installed"
    return results


def _distinct(texts: Sequence[str]) -> list[int]:
    """The first of every exact text."""
    first: dict[bytes, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text_hash(text), row)
    return list(first.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--checked", type=int, default=100_000, help="rows whose verdict is checked; 0: none")
    parser.add_argument("--peer-seconds", type=float, default=120, help="for each other tool; 0: none")
    parser.add_argument("--memory-mb", type=int, default=4096, help="beyond which the memory run spills to a file")
    parser.add_argument("--folder", type=Path, help="for files; that of the system when left out")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    print(json.dumps(compare(options.rows) if options.compare else measure(options), indent=2))


if __name__ == "__main__":
    main()
