"""The same rows under other shingles and thresholds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xxhash

from benchmarks.duplicates.judging import SETTINGS
from benchmarks.duplicates.rows import Row, rows
from filters.duplicates.judge import DuplicateJudge, SignedRow
from filters.duplicates.signature import Signature, shingle, text_hash
from filters.text import fold, words
from schemas.verdict import Drop

CHARACTERS = 5
Shingler = Callable[[str], bytes]


def compare(number: int) -> dict[str, Any]:
    """What each would drop of rows made for it, and what that costs."""
    made = list(rows(number))
    shinglers: dict[str, tuple[Shingler, tuple[float, ...]]] = {
        "words, 1": (partial(_grams, ngram=1), (0.8, 0.75)),
        "words, 2": (partial(_grams, ngram=2), (0.75, 0.7, 0.65, 0.6)),
        "words, 3": (partial(_grams, ngram=3), (0.7, 0.5)),
        "characters, 5": (_characters, (0.8, 0.7)),
    }
    table: dict[str, Any] = {}
    for name, (shingler, thresholds) in shinglers.items():
        signed = [SignedRow(Signature(text_hash(row.text), shingler(row.text)), row.text) for row in made]
        for threshold in thresholds:
            judge = DuplicateJudge(SETTINGS.model_copy(update={"threshold": threshold, "short_threshold": threshold}))
            started = time.perf_counter()
            drops = judge.judge_rows(signed)
            took = time.perf_counter() - started
            told = judge.diversity()
            table[f"{name}, {threshold}"] = {
                "dropped": {kind: found["dropped"] for kind, found in planted(made, drops).items()},
                "rows_per_second_signed": round(number / took),
                "bytes_per_kept_row": round(judge.nbytes / sum(drop is None for drop in drops)),
                "candidates_per_row": round(told.candidates_per_row, 3),
                "cut_rows": told.cut_rows,
            }
    return {"rows": number, "table": table}


def planted(made: Sequence[Row], drops: Sequence[Drop | None]) -> dict[str, Any]:
    """What became of what was planted. An edit counts if the row that it was made from is in the dataset."""
    dropped = [drop is not None for drop in drops]
    sizes: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for index, row in enumerate(made):
        kinds: list[str] = [row.kind]
        if row.kind == "edit":
            if row.source is None or dropped[row.source]:
                continue
            kinds.append("edit, up to 19 words" if len(row.text.split()) < 20 else "edit, 20 words and more")
        for kind in kinds:
            sizes[kind] += 1
            found[kind] += dropped[index]
    return {kind: {"rows": sizes[kind], "dropped": round(found[kind] / sizes[kind], 4)} for kind in sorted(sizes)}


def _grams(text: str, ngram: int) -> bytes:
    found = words(fold(text))
    return shingle(found, ngram) if len(found) >= SETTINGS.min_words else b""


def _characters(text: str) -> bytes:
    folded = fold(text)
    grams = {
        xxhash.xxh32_intdigest(folded[at : at + CHARACTERS].encode()) for at in range(len(folded) - CHARACTERS + 1)
    }
    return np.array(sorted(grams), "<u4").tobytes()
