"""Review marks: a file of a build, and a config of its own in a publication, keyed by the ids of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from publishers.atomic import remove_file
from publishers.shard import write_table
from publishers.side_table import SideTable, read_side_file, side_path
from schemas.review import Review

REVIEWS_NAME = "reviews.parquet"
REVIEWS_CONFIG = "reviews"
REVIEWS_PATH = side_path(REVIEWS_CONFIG)

# Written out, never inferred, as that of the shards: a column that nobody has filled yet keeps its type.
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("reviewer", pa.string()),
        ("language", pa.string()),
        ("content", pa.string()),
        ("note", pa.string()),
        ("at", pa.timestamp("ms", tz="UTC")),
    ]
)

Aspect = Literal["language", "content"]


@dataclass(frozen=True, slots=True)
class AspectCounts:
    """What the marks say of one aspect. `shared` rows are marked by two or more, of which `agreed` all say the same."""

    aspect: Aspect
    good: int
    bad: int
    shared: int
    agreed: int


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """The marks of a build, and the file that holds them."""

    content: bytes
    reviews: tuple[Review, ...]

    @property
    def table(self) -> SideTable:
        return SideTable(REVIEWS_CONFIG, SCHEMA, self.content, len(self.reviews))

    @property
    def rows(self) -> int:
        """How many different rows are marked."""
        return len({review.row_id for review in self.reviews})

    @property
    def reviewers(self) -> int:
        return len({review.reviewer for review in self.reviews})

    def counts(self) -> tuple[AspectCounts, ...]:
        return self._counts("language"), self._counts("content")

    def _counts(self, aspect: Aspect) -> AspectCounts:
        by_row: defaultdict[str, list[str]] = defaultdict(list)
        for review in self.reviews:
            if (mark := getattr(review, aspect)) is not None:
                by_row[review.row_id].append(mark)
        marks = [mark for row in by_row.values() for mark in row]
        shared = [row for row in by_row.values() if len(row) > 1]
        agreed = sum(len(set(row)) == 1 for row in shared)
        return AspectCounts(aspect, marks.count("good"), marks.count("bad"), len(shared), agreed)


def write_reviews(reviews: Iterable[Review], build: Path) -> None:
    """Put the marks into the build, whole and on disk; without any, an earlier file goes. Raises StorageError.

    The same marks give the same bytes with the same pyarrow.
    """
    path = build / REVIEWS_NAME
    ordered = sorted(reviews, key=lambda review: (review.row_id, review.reviewer))
    if ordered:
        cells = [{"id": review.row_id, **review.model_dump(exclude={"row_id"})} for review in ordered]
        write_table(pa.Table.from_pylist(cells, schema=SCHEMA), path)
        return
    remove_file(path)


def read_reviews(build: Path) -> ReviewFile | None:
    """The marks of a build; None where there are none. Raises PublishError for a file that is none of ours."""

    def review(cells: dict[str, Any]) -> Review:
        return Review(row_id=cells.pop("id"), **cells)

    found = read_side_file(build / REVIEWS_NAME, SCHEMA, review, "review marks")
    return None if found is None else ReviewFile(*found)
