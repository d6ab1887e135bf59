"""The sample of dropped drafts: a file of a build, and a config of its own in a publication that wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from publishers.atomic import remove_file
from publishers.redaction import without_folders
from publishers.shard import write_table
from publishers.side_table import SideTable, read_side_file
from schemas.funnel import DroppedSample

DROPPED_NAME = "dropped.parquet"
DROPPED_CONFIG = "dropped"

# Written out, never inferred, as that of the shards: a turn that no drop has named keeps its type.
SCHEMA = pa.schema(
    [
        ("draft_id", pa.string()),
        ("mode", pa.string()),
        ("gate", pa.string()),
        ("reason", pa.string()),
        ("evidence", pa.string()),
        ("turn", pa.int64()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
)


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """The sample of a build, and the file that holds it. `reasons` are the drafts in it by the reason of their drop."""

    content: bytes
    reasons: dict[str, int]

    @property
    def table(self) -> SideTable:
        return SideTable(DROPPED_CONFIG, SCHEMA, self.content, sum(self.reasons.values()))


def write_dropped(samples: Iterable[DroppedSample], build: Path) -> None:
    """Put the sample into the build, whole and on disk; without any, an earlier file goes. Raises StorageError.

    The same drafts give the same bytes with the same pyarrow. Folders in the evidence are left out.
    """
    ordered = sorted(samples, key=lambda sample: (sample.reason, sample.draft_id))
    if not ordered:
        remove_file(build / DROPPED_NAME)
        return
    cells = [{**sample.model_dump(), "evidence": without_folders(sample.evidence)} for sample in ordered]
    write_table(pa.Table.from_pylist(cells, schema=SCHEMA), build / DROPPED_NAME)


def read_dropped(build: Path) -> DroppedFile | None:
    """The sample in a build; None where there is none. Raises PublishError for a file that is none of ours."""
    found = read_side_file(build / DROPPED_NAME, SCHEMA, DroppedSample.model_validate, "dropped drafts")
    if found is None:
        return None
    content, samples = found
    return DroppedFile(content, dict(Counter(sample.reason for sample in samples)))
