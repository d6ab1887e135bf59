"""What a filter run counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from filters.benchmark import Items
from filters.contamination import Contaminated
from schemas.filter_report import BenchmarkCount, DroppedRow, DropReason, FilterReport
from schemas.verdict import Drop

SAMPLES = 20


@dataclass(slots=True)
class Tally:
    """Rows, kept ones, dropped ones by their reason with the first few of them, and the items of each benchmark."""

    rows: int = 0
    kept: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[DroppedRow]] = field(default_factory=dict)
    items: dict[int, set[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, report: FilterReport) -> Self:
        """What an earlier run has counted."""
        return cls(
            rows=report.rows,
            kept=report.kept,
            reasons={one.reason: one.rows for one in report.reasons},
            samples={one.reason: list(one.samples) for one in report.reasons},
            items={number: set(one.rows) for number, one in enumerate(report.benchmarks)},
        )

    def add(self, drop: Drop | None) -> None:
        """Count the next row."""
        if drop is None:
            self.kept += 1
        else:
            self.reasons[drop.reason] = self.reasons.get(drop.reason, 0) + 1
            samples = self.samples.setdefault(drop.reason, [])
            if len(samples) < SAMPLES:
                samples.append(DroppedRow(row=self.rows, turn=drop.turn, evidence=drop.evidence))
            for benchmark, item in drop.items if isinstance(drop, Contaminated) else ():
                self.items.setdefault(benchmark, set()).add(item)
        self.rows += 1

    def fields(self, seconds: float, benchmarks: tuple[Items, ...] = ()) -> dict[str, Any]:
        """The counts as fields of a report, after so many seconds of judging against these benchmarks."""
        counted = sorted(self.reasons.items(), key=lambda item: (-item[1], item[0]))
        return {
            "rows": self.rows,
            "kept": self.kept,
            "kept_share": self.kept / self.rows if self.rows else 0.0,
            "dropped": self.rows - self.kept,
            "reasons": tuple(
                DropReason(reason=reason, rows=rows, share=rows / self.rows, samples=tuple(self.samples[reason]))
                for reason, rows in counted
            ),
            "benchmarks": tuple(self._count(number, one) for number, one in enumerate(benchmarks)),
            "seconds": round(seconds, 3),
            "rows_per_second": round(self.rows / seconds, 1) if seconds else 0.0,
        }

    def _count(self, number: int, items: Items) -> BenchmarkCount:
        found = sorted(self.items.get(number, ()))
        return BenchmarkCount(
            name=items.name,
            ngram=items.ngram,
            items=items.rows,
            found=len(found),
            share=len(found) / items.rows,
            rows=tuple(found),
        )
