"""The sample of dropped drafts: a file of a build, and a config of its own in a publication that wants it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from publishers.atomic import remove_file
from publishers.redaction import without_folders
from publishers.shard import write_table
from publishers.side_table import SideTable
from schemas.errors import PublishError
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
    path = build / DROPPED_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        table = pq.read_table(io.BytesIO(content))
        if not table.schema.equals(SCHEMA):
            raise PublishError(f"{path} holds other columns than dropped drafts have; remove it")
        reasons = Counter(DroppedSample.model_validate(cells).reason for cells in table.to_pylist())
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise PublishError(f"{path} cannot be read as dropped drafts: {' '.join(str(error).split())}") from error
    return DroppedFile(content, dict(reasons)) if reasons else None
