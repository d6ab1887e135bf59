"""The filter chain over an existing dataset: what is kept, what is dropped, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from filters.benchmark import Items
from filters.chain import Known
from filters.duplicates.memory import Memory
from languages.loader import load_pack
from languages.pack import LanguagePack
from pipeline.filtering.block import KINDS, Block
from pipeline.filtering.directory import FilterDirectory
from pipeline.filtering.files import DatasetInput, FoundFiles, find_files
from pipeline.filtering.judging import Judged, RowJudges, Verdicts
from pipeline.filtering.kept_duplicates import KeptDuplicates
from pipeline.filtering.kept_semantic import KeptSemantic
from pipeline.filtering.row_batch import RowBatch, RowSource
from pipeline.filtering.source import judged_column, open_source
from pipeline.filtering.tally import Tally
from pipeline.fingerprint import pack_digest
from pipeline.references import FoundReference, find_references, read_known
from schemas.errors import DatasetError, InputError
from schemas.filter_report import FilterOrder, FilterPart, FilterReport
from schemas.filters import DuplicateFilter, Filters, LanguageFilter, RepetitionFilter, ShapeFilter
from schemas.funnel import Diversity
from schemas.settings import Settings, with_embedder

PROGRESS_EVERY_S = 0.5
# What a finished dataset is judged with where only benchmarks are asked after; `against` is for the caller to add.
CONTAMINATION_ONLY = Filters(
    shape=ShapeFilter(enabled=False),
    repetition=RepetitionFilter(enabled=False),
    language=LanguageFilter(enabled=False),
    duplicates=DuplicateFilter(enabled=False),
)


class FilterOutcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    NOTHING_TO_DO = "nothing to do"


@dataclass(frozen=True, slots=True)
class FilterResult:
    """A run that ended without an error. Of one that was stopped, the report says what lasts."""

    outcome: FilterOutcome
    report: FilterReport


@dataclass(frozen=True, slots=True)
class FilterProgress:
    """How a run is getting on. Rows are those of all runs, the speed is that of this one."""

    rows: int
    total: int
    kept: int
    rows_per_second: float
    seconds_left: float | None


def filter_dataset(
    asked: DatasetInput,
    *,
    language: str | None,
    filters: Filters,
    settings: Settings,
    out: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[FilterProgress], None] | None = None,
) -> FilterResult:
    """Judge every row of a dataset as a build judges its drafts; with `out`, write what is kept and what is dropped.

    A run that ended early goes on after the last block that its report lists; its results are the same as if nothing
    had happened. `stop` is asked between batches of rows. Memory does not depend on the number of rows, except with
    `filters.duplicates`, which remembers the kept ones, and those of the publications in its `against`. Without a
    language the filters of shape and language have to be off, as in CONTAMINATION_ONLY.

    Raises InputError (the input, a dataset in `against`, or a folder of another run), LanguageError, RecipeError (an
    embedder that is not declared), EmbedderError, DatasetError (the Hub, or a process that died), StorageError.
    """
    if filters.dry:
        raise InputError("filters.dry: nothing would be dropped; leave it out")
    filters = with_embedder(filters, settings)
    pack = load_pack(language, settings.languages) if language is not None else None
    found = find_files(asked)
    references = find_references(filters.duplicates.against)
    order = FilterOrder(
        input=found.about,
        language=language,
        language_pack=pack_digest(pack) if pack is not None else None,
        filters=filters,
        against=tuple(one.about for one in references),
    )
    job = _Job(order, found, references, pack, settings, stop, on_progress)
    if out is None:
        return _run(job)
    directory = FilterDirectory(out)
    directory.refuse_place(found)
    with directory.locked():
        earlier = directory.report()
        if earlier is not None:
            directory.check(order, earlier)
            if earlier.complete:
                return FilterResult(FilterOutcome.NOTHING_TO_DO, earlier)
        return _run(job, directory, earlier)


@dataclass(frozen=True, slots=True)
class _Job:
    """What was asked for, and found."""

    order: FilterOrder
    found: FoundFiles
    references: tuple[FoundReference, ...]
    pack: LanguagePack | None
    settings: Settings
    stop: Callable[[], bool]
    on_progress: Callable[[FilterProgress], None] | None


def _run(job: _Job, directory: FilterDirectory | None = None, earlier: FilterReport | None = None) -> FilterResult:
    source = open_source(job.found, job.stop)
    known = read_known(job.references, job.order.filters.duplicates, job.stop)
    if source is None or job.stop():
        return FilterResult(FilterOutcome.STOPPED, earlier or _report(job.order, None, Tally(), 0.0))
    column = judged_column(job.found, source.schema)
    with (
        _kept_duplicates(job, known, directory) as duplicates,
        RowJudges(job.order.filters, job.pack, known, column, job.settings.workers) as judges,
    ):
        return _Run(job, source, column, known, directory, earlier, duplicates).run(judges)


@contextmanager
def _kept_duplicates(
    job: _Job, known: Known, directory: FilterDirectory | None
) -> Iterator[KeptDuplicates | KeptSemantic | None]:
    duplicates = job.order.filters.duplicates
    memory = Memory(job.settings.duplicates_memory_mb, directory.path if directory is not None else None)
    if not known.compared(duplicates):
        yield None
    elif duplicates.semantic is None or not duplicates.enabled:
        yield KeptDuplicates(duplicates, known.earlier or (), memory)
    else:
        with KeptSemantic(duplicates, duplicates.semantic, known.earlier or (), memory) as semantic:
            yield semantic


class _Run:
    """One run, from the first row that no earlier one has judged."""

    def __init__(
        self,
        job: _Job,
        source: RowSource,
        column: str,
        known: Known,
        directory: FilterDirectory | None,
        earlier: FilterReport | None,
        duplicates: KeptDuplicates | KeptSemantic | None,
    ) -> None:
        self._job = job
        self._source = source
        self._column = column
        self._directory = directory
        self._tally = Tally.of(earlier) if earlier else Tally()
        self._parts = list(earlier.parts) if earlier else []
        self._seconds_before = earlier.seconds if earlier else 0.0
        self._diversity = earlier.diversity if earlier else None
        self._start = self._tally.rows
        self._began = time.monotonic()
        self._progress_at = -PROGRESS_EVERY_S
        self._benchmarks = known.contamination.benchmarks if known.contamination is not None else ()
        self._duplicates = duplicates

    def run(self, judges: RowJudges) -> FilterResult:
        report = self._commit()
        if self._directory is not None:
            self._directory.clear_leftovers(report)
        self._show_progress()
        try:
            block = Block()
            if not self._restore_duplicates():
                return self._stopped(report)
            for ready in judges.judged(self._source.batches(self._start)):
                for batch, verdicts in self._without_duplicates(ready):
                    if not block.has_room(batch.rows):
                        report = self._seal(block)
                        block = Block()
                    self._add(block, batch, verdicts)
                    if self._job.stop():
                        return self._stopped(report)
        except DatasetError:
            if not self._job.stop():
                raise
            return self._stopped(report)  # the signal went to the processes that judge, too
        return FilterResult(FilterOutcome.COMPLETE, self._seal(block, complete=True))

    def _restore_duplicates(self) -> bool:
        """Remember what earlier runs kept; False when stopped meanwhile."""
        if self._duplicates is None or self._directory is None:
            return not self._job.stop()
        kept = [self._directory.path / part.path for part in self._parts if part.path.startswith("kept/")]
        restoring = self._duplicates.restore(kept, self._column, self._diversity)
        return not any(self._job.stop() for _ in restoring)

    def _without_duplicates(self, ready: list[tuple[RowBatch, Judged]]) -> Iterator[tuple[RowBatch, Verdicts]]:
        judged = [one for _, one in ready]
        final = self._duplicates.judge(judged) if self._duplicates is not None else [one.verdicts for one in judged]
        return zip((batch for batch, _ in ready), final, strict=True)

    def _add(self, block: Block, batch: RowBatch, verdicts: Verdicts) -> None:
        for drop in verdicts:
            self._tally.add(drop)
        if self._directory is not None:
            block.add(batch.rows, verdicts)
        self._show_progress()

    def _seal(self, block: Block, *, complete: bool = False) -> FilterReport:
        """Write the block's parts. They count from the moment in which the report lists them."""
        self._look_at_diversity()
        if self._directory is not None and block.batches:
            for kind in KINDS:
                table = block.table(kind, self._source.schema)
                if table.num_rows:
                    number = sum(part.path.startswith(f"{kind}/") for part in self._parts)
                    self._parts.append(self._directory.write_part(kind, number, table))
        return self._commit(complete=complete)

    def _commit(self, *, complete: bool = False) -> FilterReport:
        report = _report(
            self._job.order,
            self._column,
            self._tally,
            self._seconds(),
            benchmarks=self._benchmarks,
            diversity=self._diversity,
            parts=tuple(self._parts),
            complete=complete,
        )
        if self._directory is not None:
            self._directory.commit(report)
        return report

    def _stopped(self, committed: FilterReport) -> FilterResult:
        """What is not in a block of the directory is lost; without one, the counts are all there is."""
        if self._directory is None:
            self._look_at_diversity()
        return FilterResult(FilterOutcome.STOPPED, committed if self._directory is not None else self._commit())

    def _look_at_diversity(self) -> None:
        if self._duplicates is not None:
            self._diversity = self._duplicates.diversity()

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _show_progress(self) -> None:
        now = time.monotonic()
        if self._job.on_progress is None or now - self._progress_at < PROGRESS_EVERY_S:
            return
        self._progress_at = now
        rows, total = self._tally.rows, self._source.rows
        speed = (rows - self._start) / max(now - self._began, 1e-6)
        left = (total - rows) / speed if speed else None
        self._job.on_progress(FilterProgress(rows, total, self._tally.kept, speed, left))


def _report(
    order: FilterOrder,
    column: str | None,
    tally: Tally,
    seconds: float,
    *,
    benchmarks: tuple[Items, ...] = (),
    diversity: Diversity | None = None,
    parts: tuple[FilterPart, ...] = (),
    complete: bool = False,
) -> FilterReport:
    return FilterReport(
        **dict(order),
        iturri_version=version("iturri"),
        column=column,
        diversity=diversity,
        parts=parts,
        complete=complete,
        **tally.fields(seconds, benchmarks),
    )
