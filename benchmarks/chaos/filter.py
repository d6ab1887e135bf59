"""A filter run that is killed: it ends with exactly the rows, the parts and the report of one that nothing stopped."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.chaos.kills import Found, must
from benchmarks.duplicates.rows import rows
from cli.main import main
from filters.duplicates import memory
from pipeline.filtering import block
from pipeline.filtering.block import KINDS, PartKind
from pipeline.filtering.directory import LOCK_NAME, REPORT_NAME
from pipeline.fingerprint import differing_fields
from publishers.atomic import is_leftover
from publishers.publication import sha256_of
from schemas.filter_report import FilterReport

ROWS = 2_000
# A block is what a kill may cost; small ones, so that a short run has many.
BLOCK_ROWS = 250
FILTERS = "{language: {enabled: false}, duplicates: {max_family_share: 0.03}}\n"
REPLY = "Bai, ondo pentsatutako galdera da; lehenik eta behin patxadaz hartu behar da hori."
# Every so many rows there is one that another filter drops, and in JSONL one that is none.
COLON_EVERY, BROKEN_EVERY = 17, 301
REASONS = {"shape.colon", "duplicates.exact", "duplicates.near", "duplicates.family"}
# What a report says of the time, and of the last run alone.
OF_THE_RUN: Any = {"seconds": True, "rows_per_second": True, "diversity": {"candidates_per_row", "cut_rows"}}


class KilledFilter:
    """`iturri filter --duplicates` over made-up rows, in Parquet or in JSONL."""

    def __init__(self, scratch: Path, ending: Literal["parquet", "jsonl"]) -> None:
        self.name = f"filter-{ending}"
        self._whole = scratch / f"{self.name}-whole"
        self._input = scratch / f"rows.{ending}"
        self._filters = scratch / "filters.yaml"
        self._filters.write_text(FILTERS, encoding="utf-8")

    def prepare(self) -> None:
        """Write the input; with threads of Arrow, so not in the process that forks."""
        made = [
            {
                "id": number,
                "messages": [
                    {"role": "user", "content": row.text + (":" if number % COLON_EVERY == 0 else "")},
                    {"role": "assistant", "content": f"{REPLY} {row.text}"},
                ],
                "kind": row.kind,
            }
            for number, row in enumerate(rows(ROWS))
        ]
        if self._input.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(made), self._input, row_group_size=ROWS // 3)
            return
        lines = [json.dumps(one, ensure_ascii=False) for one in made]
        for number in range(BROKEN_EVERY, ROWS, BROKEN_EVERY):
            lines[number] = "{"
        self._input.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, folder: Path) -> None:
        """Called in a process of its own, whose constants are its own too."""
        block.BLOCK_ROWS = BLOCK_ROWS
        memory._MB = 0  # all that the duplicate filter remembers lies in files
        given = str(self._input)
        sys.argv[1:] = ["filter", given, "--language", "eu", "--filters", str(self._filters), "--duplicates", "--quiet"]
        sys.argv[1:] += ["--out", str(folder)]
        main()

    def killed(self, folder: Path, before: Found) -> Found:
        """What the report lists is there, whole, and the beginning of what the uninterrupted run came to."""
        path = folder / REPORT_NAME
        if not path.exists():
            must(not before.get("rows"), "the report is gone")
            return {"phase": "starting", "rows": 0, "written": 0, "claims_held": 0}
        report, written = _report(folder), path.stat().st_mtime_ns
        must(report.rows >= before.get("rows", 0), f"{before.get('rows')} rows were judged, now {report.rows} are")
        for kind in KINDS:
            count = report.kept if kind == "kept" else report.dropped
            rows = _rows(folder, report, kind)
            must(rows.num_rows == count, f"{kind}: {count} rows by the report, {rows.num_rows} in its parts")
            expected = _rows(self._whole, _report(self._whole), kind)
            must(not count or rows.equals(expected.slice(0, count)), f"{kind}: other rows than without a kill")
        held = _repeats(_rows(folder, report, "dropped"), before.get("dropped", 0), before.get("kept", 0))
        return {
            "phase": self._phase(folder, report, written, before),
            "rows": report.rows,
            "kept": report.kept,
            "dropped": report.dropped,
            "written": written,
            "claims_held": held,
        }

    def complete(self, folder: Path, before: Found) -> Found:
        found = self.killed(folder, before)
        ours, theirs = (_report(one).model_dump(mode="json", exclude=OF_THE_RUN) for one in (folder, self._whole))
        must(ours["complete"], "the run has ended, and its report says that it has not")
        differing = differing_fields(theirs, ours)
        must(not differing, f"another report: {', '.join(differing)}")
        files = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
        expected = {REPORT_NAME, LOCK_NAME, *(part["path"] for part in ours["parts"])}
        must(files == expected, f"files that the report does not list, or the reverse: {files ^ expected}")
        reasons = {one["reason"] for one in ours["reasons"]}
        must(reasons >= REASONS, f"too little to check: {reasons}")
        return found

    @staticmethod
    def _phase(folder: Path, report: FilterReport, written: int, before: Found) -> str:
        """A run first writes the report that it found; what lies there and is not listed is of the last run."""
        if report.complete:
            return "complete"
        if written == before.get("written"):
            return "starting"
        listed = {part.path for part in report.parts}
        found = [one for one in folder.rglob("*") if one.is_file()]
        unlisted = any(one.suffix == ".parquet" and one.relative_to(folder).as_posix() not in listed for one in found)
        return "sealing" if unlisted or any(map(is_leftover, found)) else "running"


def _report(folder: Path) -> FilterReport:
    return FilterReport.model_validate_json((folder / REPORT_NAME).read_bytes())


def _rows(folder: Path, report: FilterReport, kind: PartKind) -> pa.Table:
    """The rows of the parts that a report lists, each of which must be what it was when it was sealed."""
    tables = []
    for part in report.parts:
        if part.path.startswith(f"{kind}/"):
            path = folder / part.path
            must(path.exists() and sha256_of(path) == part.sha256, f"{part.path} is not what was sealed")
            tables.append(pq.read_table(path, partitioning=None))
            must(tables[-1].num_rows == part.rows, f"{part.path} has {tables[-1].num_rows} rows and not {part.rows}")
    return pa.concat_tables(tables) if tables else pa.table({})


def _repeats(dropped: pa.Table, after: int, kept: int) -> int:
    """How many dropped rows from place `after` on are said to repeat one of the first `kept` kept rows."""
    if dropped.num_rows <= after:
        return 0
    named = (re.match(r"repeats kept row (\d+)", one) for one in dropped["iturri_evidence"].slice(after).to_pylist())
    return sum(one is not None and int(one[1]) < kept for one in named)
