"""Rows walk through the gates in a pool of processes, a batch at a time, and come back in their order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyarrow as pa

from filters.chain import Known, open_filters, walk
from filters.contamination import Contaminated, ContaminationJudge
from filters.duplicates.judge import SignedRow
from filters.duplicates.signature import sign
from filters.filter import Filter
from languages.pack import LanguagePack
from pipeline.filtering.json_columns import from_column
from pipeline.filtering.messages import UNDETERMINED, RowDraft, invalid, read_row
from pipeline.filtering.row_batch import RowBatch
from pipeline.worker import tie_to_parent
from schemas.conversation import Draft
from schemas.errors import DatasetError
from schemas.filters import DuplicateFilter, Filters
from schemas.verdict import Drop, Verdict

# Batches given out for each process: what judges all rows together is faster, the more are ready when it looks.
WAITING = 16

Verdicts = list[Drop | None]
"""Of each row of a batch: why it is dropped, or None."""


class Judged(NamedTuple):
    """The verdicts on a batch, and what its kept rows would claim: nothing where duplicates are not looked for."""

    verdicts: Verdicts
    signed: list[SignedRow]


# The filters of this process, where it is one of a pool, and how it signs what they keep.
_worker_filters: list[Filter] = []
_worker_duplicates: list[DuplicateFilter] = []


class RowJudges:
    """The filters without state, in processes of their own. A context manager that owns them."""

    def __init__(
        self,
        filters: Filters,
        pack: LanguagePack | None,
        known: Known,
        column: str,
        workers: int,
    ) -> None:
        """Raises LanguageError when the language cannot be told."""
        stateless = filters.model_copy(update={"duplicates": DuplicateFilter(enabled=False)})
        compared = filters.duplicates if known.compared(filters.duplicates) else None
        open_filters(stateless, pack)  # what is wrong with them is better said here than by a process that dies
        self._column = column
        self._language = pack.code if pack is not None else UNDETERMINED
        self._workers = workers or min(8, max(1, (os.cpu_count() or 2) - 1))
        # spawn: a fork would copy the threads' locks.
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open_worker,
            initargs=(stateless, pack, known.contamination, compared),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def judged(self, batches: Iterable[RowBatch]) -> Iterator[list[tuple[RowBatch, Judged]]]:
        """The batches in their order, with the verdicts on their rows: at each step as many as are ready.

        Raises DatasetError when a process dies.
        """
        waiting: deque[tuple[RowBatch, Future[Judged]]] = deque()
        for batch in batches:
            waiting.append((batch, self._sent(batch)))
            if len(waiting) > WAITING * self._workers:
                yield _answered(waiting)
        while waiting:
            yield _answered(waiting)

    def _sent(self, batch: RowBatch) -> Future[Judged]:
        # A process that is still starting must leave Ctrl-C to its parent, as it does later on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            packed = _packed(batch.rows.column(self._column))
            return self._pool.submit(_judge_in_worker, packed, batch.faults, self._language)
        except BrokenProcessPool as error:
            raise _died() from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def signed(row: RowDraft, duplicates: DuplicateFilter) -> SignedRow:
    """What a row would claim."""
    turns = row.draft.turns
    return SignedRow(sign(turns, duplicates.ngram, duplicates.min_words), turns[0].content, turn=row.places[0])


def row_messages(column: pa.Array) -> list[Any]:
    """What the rows hold as messages; a Drop in place of what cannot be read."""
    try:
        return from_column(column)
    except (ValueError, RecursionError):
        return [_message_of(column.slice(place, 1)) for place in range(len(column))]


def _message_of(cell: pa.Array) -> Any:
    try:
        return from_column(cell)[0]
    except UnicodeDecodeError:
        return invalid("no UTF-8")
    except (ValueError, RecursionError) as error:
        return invalid(f"no JSON ({error})")


def _answered(waiting: deque[tuple[RowBatch, Future[Judged]]]) -> list[tuple[RowBatch, Judged]]:
    """The first one, which is waited for, and those after it that are ready."""
    answered: list[tuple[RowBatch, Judged]] = []
    while waiting and (not answered or waiting[0][1].done()):
        batch, future = waiting.popleft()
        try:
            answered.append((batch, future.result()))
        except BrokenProcessPool as error:
            raise _died() from error
    return answered


def _died() -> DatasetError:
    return DatasetError("a process of the filters has died (out of memory?); run the same command again to go on")


def _packed(column: pa.Array) -> bytes:
    """The column alone: a pickled slice would take all of its table along."""
    batch = pa.record_batch([column], names=["messages"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _open_worker(
    filters: Filters,
    pack: LanguagePack | None,
    contamination: ContaminationJudge | None,
    duplicates: DuplicateFilter | None,
) -> None:
    tie_to_parent()
    _worker_filters[:] = open_filters(filters, pack, Known(contamination))
    _worker_duplicates[:] = [duplicates] if duplicates is not None else []


def _judge_in_worker(packed: bytes, faults: dict[int, str], language: str) -> Judged:
    with pa.ipc.open_stream(packed) as stream:
        column = stream.read_next_batch().column(0)
    judged = Judged([], [])
    for place, messages in enumerate(row_messages(column)):
        read = invalid(faults[place]) if place in faults else _read(messages, language)
        verdict = _walked(read.draft) if isinstance(read, RowDraft) else read
        if isinstance(verdict, Drop):
            judged.verdicts.append(read.named(verdict) if isinstance(read, RowDraft) else verdict)
            continue
        judged.verdicts.append(None)
        if isinstance(read, RowDraft):
            judged.signed.extend(signed(read, duplicates) for duplicates in _worker_duplicates)
    return judged


def _read(messages: Any, language: str) -> RowDraft | Drop:
    return messages if isinstance(messages, Drop) else read_row(messages, language)


def _walked(draft: Draft) -> Verdict:
    verdict = walk(_worker_filters, draft)
    if isinstance(verdict, Contaminated):
        # A build spends nothing on the turns that would have followed; here they are there, and count.
        contamination = next(one for one in _worker_filters if isinstance(one, ContaminationJudge))
        return verdict.model_copy(update={"items": contamination.items(draft)})
    return verdict
