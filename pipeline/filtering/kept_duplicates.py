"""Duplicates among the rows that a filter run keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from filters.duplicates.judge import DuplicateJudge
from filters.duplicates.memory import Memory
from pipeline.filtering.judging import Judged, Verdicts
from pipeline.filtering.kept_rows import kept_rows
from schemas.filters import DuplicateFilter
from schemas.funnel import Diversity


class KeptDuplicates:
    """Judges rows that all other filters keep, in the order of the input, against those that it kept before.

    It names a row by its place among the kept ones, where a reader finds it. Memory grows with them, by about 300 bytes
    for each. `earlier` are rows of other datasets, (name, signature) of each; with `enabled: false` they are all that
    rows are compared with.
    """

    def __init__(self, settings: DuplicateFilter, earlier: Iterable[tuple[str, bytes]], memory: Memory) -> None:
        self._judge = DuplicateJudge(settings, memory)
        self._judge.hold_against(earlier)
        self._settings = settings

    def diversity(self) -> Diversity | None:
        """Of the rows kept so far; None with `enabled: false`."""
        return self._judge.diversity() if self._settings.enabled else None

    def judge(self, batches: list[Judged]) -> list[Verdicts]:
        """The verdicts on batches, with a Drop more for every repeated row."""
        drops = iter(self._judge.judge_rows(row for judged in batches for row in judged.signed))
        return [[next(drops) if verdict is None else verdict for verdict in judged.verdicts] for judged in batches]

    def restore(self, parts: list[Path], column: str, diversity: Diversity | None) -> Iterator[None]:
        """Claim the kept rows of an earlier run again, a few at each step. Raises StorageError."""
        for rows in kept_rows(parts if self._settings.enabled else [], column, self._settings):
            self._judge.restore(((None, row.signature.to_bytes()) for row in rows), diversity)
            yield
