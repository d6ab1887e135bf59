"""Rows of small datasets, and files of them, for tests of the filter run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.filter_report import FilterReport
from schemas.filters import DuplicateFilter, Filters, LanguageFilter
from tests.support.builds import DEEDS, REPLIES, SUBJECTS

CHEAP = Filters(language=LanguageFilter(enabled=False), duplicates=DuplicateFilter(enabled=False))
# Rows are much alike, so that only those count that say the same.
REPEATS = CHEAP.model_copy(update={"duplicates": DuplicateFilter(threshold=1.0)})
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def exchange(user: Any, reply: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": reply}]


def row(number: int) -> dict[str, Any]:
    """A good row; every fifth one's user turn ends with a colon, which the shape filter drops."""
    subject, deed = SUBJECTS[number % 8], DEEDS[number // 8 % 5]
    end = ":" if number % 5 == 4 else "?"
    question = f"Zergatik gustatzen zaio jendeari {subject} {deed}, {number} aldiz galdetuta{end}"
    return {
        "id": number,
        "messages": exchange(question, REPLIES[number % 3]),
        "note": None if number < 300 else f"oharra {number}",
        "meta": {"tags": ["a", None], "score": number / 2},
    }


def rows(count: int) -> list[dict[str, Any]]:
    return [row(number) for number in range(count)]


def results(report: FilterReport) -> dict[str, Any]:
    """What does not depend on how often a run was stopped: all but the time and the work that it took."""
    took: Any = {"seconds": True, "rows_per_second": True, "diversity": {"candidates_per_row": True, "cut_rows": True}}
    return report.model_dump(exclude=took)


def kept_ids(count: int) -> list[int]:
    """The rows that every run keeps."""
    return [number for number in range(count) if number % 5 != 4]


def write_jsonl(path: Path, lines: Iterable[Any]) -> Path:
    """One line each; text as it is, everything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return path


def write_parquet(path: Path, given: list[dict[str, Any]], row_group_size: int = 700) -> Path:
    pq.write_table(pa.Table.from_pylist(given), path, row_group_size=row_group_size)
    return path


def read_parts(folder: Path) -> list[dict[str, Any]]:
    """The rows of all parts in their order; none where there is no part."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        found.extend(pq.read_table(path).to_pylist())
    return found
