"""A block of judged rows: what becomes one part of kept and one of dropped rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from pipeline.filtering.row_batch import as_type
from schemas.verdict import Drop

# A block is what a kill may cost. Large rows fill it sooner.
BLOCK_ROWS = 10_000
BLOCK_BYTES = 64_000_000

PartKind = Literal["kept", "dropped"]
KINDS: tuple[PartKind, ...] = ("kept", "dropped")
REASON, EVIDENCE, TURN = "iturri_reason", "iturri_evidence", "iturri_turn"


@dataclass(slots=True)
class Block:
    """Judged rows in the order of the input. It ends where a batch of rows ends, wherever a run began."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    drops: list[Drop | None] = field(default_factory=list)
    bytes: int = 0

    def has_room(self, rows: pa.RecordBatch) -> bool:
        """Whether these rows still belong to it; one that is empty takes any."""
        enough = len(self.drops) + rows.num_rows > BLOCK_ROWS or self.bytes + rows.nbytes > BLOCK_BYTES
        return not (self.batches and enough)

    def add(self, rows: pa.RecordBatch, drops: list[Drop | None]) -> None:
        self.batches.append(rows)
        self.drops.extend(drops)
        self.bytes += rows.nbytes

    def table(self, kind: PartKind, schema: pa.Schema) -> pa.Table:
        """The kept rows as they were read, or the dropped ones with why."""
        if kind == "kept":
            return self._where([drop is None for drop in self.drops], schema)
        # What an earlier run wrote into our columns gives way.
        drops = [drop for drop in self.drops if drop is not None]
        table = self._where([drop is not None for drop in self.drops], schema)
        for name, values in (
            (REASON, pa.array([drop.reason for drop in drops], pa.string())),
            (EVIDENCE, pa.array([drop.evidence for drop in drops], pa.string())),
            (TURN, pa.array([drop.turn for drop in drops], pa.int64())),
        ):
            place = table.schema.get_field_index(name)
            table = table.append_column(name, values) if place < 0 else table.set_column(place, name, values)
        return table

    def _where(self, mask: list[bool], schema: pa.Schema) -> pa.Table:
        table = pa.Table.from_batches(self.batches).filter(pa.array(mask))
        columns = [as_type(column, field.type) for column, field in zip(table.columns, schema, strict=True)]
        return pa.Table.from_arrays(columns, schema=schema)
