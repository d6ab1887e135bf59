"""What no row may repeat: the earlier publications and the benchmarks that `filters.duplicates.against` names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, cast

from filters.benchmark import Benchmark, BenchmarkReader
from filters.chain import Known
from filters.contamination import ContaminationJudge
from filters.duplicates.signature import sign
from pipeline.datasets import digest, naming, short_name, splits_of
from pipeline.filtering.files import FoundFiles
from pipeline.filtering.json_columns import from_column
from pipeline.filtering.judging import row_messages
from pipeline.filtering.messages import UNDETERMINED, RowDraft, read_row
from pipeline.filtering.row_batch import RowBatch, RowSource
from pipeline.filtering.source import COLUMNS, open_source
from schemas.errors import InputError
from schemas.filter_report import AgainstDataset
from schemas.filters import DuplicateFilter, Reference

FIELD = "filters.duplicates.against"

Stop = Callable[[], bool]
Kind = Literal["publication", "benchmark"]


@dataclass(frozen=True, slots=True)
class _Split:
    """One split of a reference, and what its rows are called in evidence."""

    name: str
    columns: tuple[str, ...]
    source: RowSource


@dataclass(frozen=True, slots=True)
class FoundReference:
    """A reference that can be read. `place` is its place among all that were given, from 0."""

    place: int
    kind: Kind
    splits: tuple[_Split, ...]
    about: AgainstDataset


def find_references(references: tuple[Reference, ...]) -> tuple[FoundReference, ...]:
    """Where the references lie, what they are, and a digest of each.

    Raises InputError that names the field, DatasetError when the Hub fails.
    """
    found: list[FoundReference] = []
    for place, reference in enumerate(references):
        with _naming(place):
            found.append(_find(place, reference))
    return tuple(found)


def read_benchmarks(found: tuple[FoundReference, ...], stop: Stop = lambda: False) -> ContaminationJudge | None:
    """Reads the benchmarks among the references; None where there are none, or when `stop` says so meanwhile.

    Every split is a benchmark of its own. Raises InputError that names the field, DatasetError when the Hub fails.
    """
    benchmarks: list[Benchmark] = []
    for reference in found:
        for split in reference.splits if reference.kind == "benchmark" else ():
            with _naming(reference.place):
                reader = _read_items(split, stop)
            if stop():
                return None
            benchmarks.append(reader.read())
    return ContaminationJudge(benchmarks) if benchmarks else None


def earlier_rows(
    found: tuple[FoundReference, ...], settings: DuplicateFilter, stop: Stop = lambda: False
) -> Iterator[tuple[str, bytes]] | None:
    """(name, signature) of the rows of the publications, as they are read; None where there are no publications.

    Rows that hold no conversation cannot be repeated and are passed over. Equal rows are given once, under the name of
    the first. While it is read, this takes about 100 bytes for every row; ends early when `stop` says so.

    Raises InputError that names the field, DatasetError when the Hub fails.
    """
    publications = [one for one in found if one.kind == "publication"]
    return _earlier_rows(publications, settings, stop) if publications else None


def read_known(found: tuple[FoundReference, ...], settings: DuplicateFilter, stop: Stop = lambda: False) -> Known:
    """What the filters of a build are opened with. Raises as the reading of either does."""
    return Known(read_benchmarks(found, stop), earlier_rows(found, settings, stop))


def _find(place: int, reference: Reference) -> FoundReference:
    found = splits_of(reference)
    # None only where it is told to stop.
    sources = [cast(RowSource, open_source(one, lambda: False)) for one in found]
    kind = reference.kind or _kind(reference, sources[0].schema.names)
    splits: list[_Split] = []
    for one, source in zip(found, sources, strict=True):
        name = _name(reference, one, alone=len(found) == 1)
        columns = _columns(name, kind, reference, source.schema.names)
        splits.append(_Split(name, columns, source))
    known = sorted({name for source in sources for name in source.schema.names})
    for column in reference.columns:
        if column not in known:
            raise InputError(f"--columns: {reference.dataset} has no column {column!r}; it has: {', '.join(known)}")
    about = AgainstDataset(
        dataset=reference.dataset,
        revision=found[0].about.revision,
        kind=kind,
        columns=reference.columns,
        content=digest(found),
    )
    return FoundReference(place, kind, tuple(splits), about)


def _kind(reference: Reference, names: list[str]) -> Kind:
    return "publication" if not reference.columns and any(name in names for name in COLUMNS) else "benchmark"


def _columns(split: str, kind: Kind, reference: Reference, names: list[str]) -> tuple[str, ...]:
    """The columns of a split to read: of a publication that of the conversations."""
    if kind == "benchmark":
        return tuple(name for name in names if not reference.columns or name in reference.columns)
    conversations = tuple(name for name in COLUMNS if name in names)[:1]
    if not conversations:
        raise InputError(
            f"{split} has no column {' or '.join(map(repr, COLUMNS))}, so it is no publication; it has: "
            f"{', '.join(names)}; name another split, or say kind: benchmark"
        )
    return conversations


def _name(reference: Reference, found: FoundFiles, *, alone: bool) -> str:
    """What evidence calls it, so that it stays short."""
    split = reference.split if alone else found.about.split
    return " ".join(filter(None, (short_name(reference, found), reference.config, split)))


def _read_items(split: _Split, stop: Stop) -> BenchmarkReader:
    reader = BenchmarkReader(split.name)
    for _, batch in _batches(split, stop):
        values = [_values(batch, name) for name in split.columns]
        for row in zip(*values, strict=True):
            reader.add(_texts(row))
    if not reader.texts and not stop():
        tried = ", ".join(split.columns)
        raise InputError(f"{split.name}: none of these columns holds a text of several words: {tried}")
    return reader


def _earlier_rows(
    publications: list[FoundReference], settings: DuplicateFilter, stop: Stop
) -> Iterator[tuple[str, bytes]]:
    seen: set[bytes] = set()
    for reference in publications:
        with _naming(reference.place):
            for split in reference.splits:
                read = False
                for start, batch in _batches(split, stop):
                    for place, messages in enumerate(row_messages(batch.rows.column(split.columns[0]))):
                        row = read_row(messages, UNDETERMINED)
                        if not isinstance(row, RowDraft):
                            continue
                        read = True
                        signature = sign(row.draft.turns, settings.ngram, settings.min_words)
                        if signature.mark not in seen:
                            seen.add(signature.mark)
                            yield f"{split.name} row {start + place}", signature.to_bytes()
                if not read and not stop():
                    raise InputError(f"{split.name}: no row of its column {split.columns[0]!r} holds a conversation")


def _batches(split: _Split, stop: Stop) -> Iterator[tuple[int, RowBatch]]:
    """The rows of a split, and the place of the first of each batch. Raises InputError for a line that is no row."""
    start = 0
    for batch in split.source.batches(0):
        if stop():
            return
        if batch.faults:
            raise InputError(batch.faults[min(batch.faults)])
        yield start, batch
        start += batch.rows.num_rows


def _values(batch: RowBatch, column: str) -> list[Any]:
    try:
        return from_column(batch.rows.column(column))
    except (ValueError, RecursionError) as error:
        raise InputError(f"its column {column!r} cannot be read ({error})") from error


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, however deep: the fields of structs, the items of lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _naming(place: int) -> AbstractContextManager[None]:
    return naming(f"{FIELD}.{place}")
