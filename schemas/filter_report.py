"""The report of a filter run: what was read, what was kept, and why the rest was dropped."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.filters import Filters
from schemas.funnel import Diversity
from schemas.names import LanguageCode


class InputFile(Frozen):
    """One file of the input."""

    name: str = Field(description="seen from the folder that holds all of the input, or from the repository's root")
    bytes: int = Field(ge=0)
    modified: datetime | None = Field(description="None on the Hub, where the revision says which file it is")


class FilterInput(Frozen):
    """Which rows a run reads."""

    given: str = Field(description="as the user wrote it")
    repository: str | None = Field(default=None, description="on the Hub; None for what lies on this machine")
    revision: str | None = Field(default=None, description="the commit on the Hub")
    config: str | None = None
    split: str | None = None
    column: str | None = Field(default=None, description="None: found by its name")
    limit: int | None = Field(default=None, ge=1)
    files: tuple[InputFile, ...]


class AgainstDataset(Frozen):
    """One dataset that no row may repeat."""

    dataset: str = Field(description="as the user wrote it")
    revision: str | None = Field(description="the commit on the Hub; None for what lies on this machine")
    kind: Literal["publication", "benchmark"]
    columns: tuple[str, ...] = Field(description="of a benchmark; empty: all that hold text")
    content: str = Field(description="sha256 over what its files hold, or over the commit and their names")


class BenchmarkCount(Frozen):
    """How much of a benchmark was found in rows that were dropped for it."""

    name: str
    ngram: int = Field(description="words that a turn and an item must share, one after the other")
    items: int = Field(ge=0, description="in all")
    found: int = Field(ge=0, description="different ones that were found")
    share: float = Field(ge=0, le=1)
    rows: tuple[int, ...] = Field(description="those that were found, by their place in the benchmark, from 0")


class DroppedRow(Frozen):
    """A dropped row, for a person to look up."""

    row: int = Field(ge=0, description="its place in the input, counted from 0")
    turn: int | None = Field(description="the message it was seen in, counted from 0 in the row's own list")
    evidence: str


class DropReason(Frozen):
    """The rows that were dropped for one reason."""

    reason: str
    rows: int = Field(ge=1)
    share: float = Field(ge=0, le=1, description="of all rows read")
    samples: tuple[DroppedRow, ...] = Field(description="the first ones")


class FilterPart(Frozen):
    """One sealed Parquet file; `path` is relative to the folder of the report."""

    path: str = Field(pattern=r"^(kept|dropped)/part-\d{5,}\.parquet$")
    rows: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class FilterOrder(Frozen):
    """What decides which rows are kept."""

    input: FilterInput
    language: LanguageCode | None = Field(description="None where no filter asks for it")
    language_pack: str | None = Field(description="sha256 of all that the language pack holds")
    filters: Filters
    against: tuple[AgainstDataset, ...] = Field(default=(), description="what filters.duplicates.against names")


class FilterReport(FilterOrder):
    """What a run has done so far, or in all when it is complete."""

    version: int = 1
    iturri_version: str
    column: str | None = Field(description="the column that was judged; None before the input was opened")
    rows: int = Field(ge=0, description="read")
    kept: int = Field(ge=0)
    kept_share: float = Field(ge=0, le=1)
    dropped: int = Field(ge=0)
    reasons: tuple[DropReason, ...] = Field(description="most frequent first")
    benchmarks: tuple[BenchmarkCount, ...] = ()
    diversity: Diversity | None = Field(default=None, description="None where duplicates are not looked for")
    seconds: float = Field(ge=0, description="of judging, all runs together")
    rows_per_second: float = Field(ge=0)
    parts: tuple[FilterPart, ...] = ()
    complete: bool
