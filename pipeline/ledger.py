"""The ledger: the durable record of one build, in one SQLite file with one writer."""

from __future__ import annotations

import json
import random
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.fingerprint import Fields, refuse_another
from pipeline.ledger_reading import meta, read_arms, read_diversity, read_provenance, translated
from pipeline.ledger_schema import migrate
from pipeline.outcomes import Accepted, CutOff, Dropped, Outcome
from publishers.manifest import MANIFEST_NAME
from schemas.arms import Arm
from schemas.conversation import Conversation
from schemas.errors import BuildDirectoryError, EpochLostError
from schemas.funnel import Diversity, FunnelRow
from schemas.manifest import Provenance, Shard

_MATERIAL_LOW_WATER = "material_low_water."
_PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard whose rows are fixed."""

    number: int
    path: str
    config: str
    split: str
    rows: int


class Ledger:
    """Writes the record of a build. Not for use by two threads at once.

    Opening takes a new epoch; from then on every transaction of an earlier run raises EpochLostError. Errors:
    LedgerError, StorageError when the disk is full, BuildDirectoryError when the build is another recipe's.
    """

    def __init__(self, path: Path, fields: Fields, *, write_ahead: bool, dropped_samples: int) -> None:
        self._dropped_samples = dropped_samples
        with translated(path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            try:
                self._connection.execute(f"PRAGMA journal_mode = {'WAL' if write_ahead else 'DELETE'}")
                self._connection.execute("PRAGMA synchronous = FULL")
                migrate(self._connection)
                self._path = path
                self._epoch = self._take_epoch(fields)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        self._connection.close()

    def commit(
        self,
        outcomes: Sequence[Outcome],
        *,
        engine_seconds: float = 0.0,
        unfinished_completion_tokens: int = 0,
        diversity: Diversity | None = None,
        arms: Iterable[Arm] = (),
    ) -> None:
        """Record how drafts ended, what was spent since the last commit, the diversity, and arms as they are now.

        All in one transaction.
        """
        with self._transaction() as connection:
            for outcome in outcomes:
                if isinstance(outcome, Accepted):
                    self._accept(connection, outcome)
                elif isinstance(outcome, Dropped):
                    self._drop(connection, outcome)
                _count(connection, outcome.account)
            ended = [outcome for outcome in outcomes if not isinstance(outcome, CutOff)]
            connection.executemany("INSERT OR IGNORE INTO done VALUES (?)", [(one.draft_index,) for one in ended])
            self._raise_low_water(connection)
            self._use(connection, [one.material for one in ended if one.material is not None])
            connection.executemany(_SET_ARM, [arm.model_dump(exclude_computed_fields=True) for arm in arms])
            _add(connection, "engine_seconds", engine_seconds)
            _add(connection, "unfinished_completion_tokens", unfinished_completion_tokens)
            if diversity is not None:
                _set(connection, "diversity", diversity.model_dump_json(exclude_computed_fields=True))

    def holds_epoch(self) -> bool:
        """Whether no later run has taken the build over."""
        return meta(self._connection, "epoch") == str(self._epoch)

    def nonce(self) -> str:
        """Eight hex digits, drawn when the build began: two builds of one recipe are two builds."""
        return meta(self._connection, "nonce") or ""

    def identity(self, ours: dict[str, Any] | None) -> dict[str, Any] | None:
        """How the model of the build's first run could be told from another; `ours` where none is recorded yet."""
        recorded = meta(self._connection, "identity")
        if recorded is not None:
            found: dict[str, Any] = json.loads(recorded)
            return found
        if ours is not None:
            with self._transaction() as connection:
                _set(connection, "identity", json.dumps(ours))
        return ours

    def set_provenance(self, provenance: Provenance) -> None:
        """What made the rows, as this run has it: manifests are then written without a backbone, too."""
        with self._transaction() as connection:
            _set(connection, "provenance", provenance.model_dump_json())

    def provenance(self) -> Provenance | None:
        """Of the last run; None where that was one of before it was recorded."""
        return read_provenance(self._connection)

    def created(self) -> datetime:
        """When the build's first run began."""
        return datetime.fromisoformat(meta(self._connection, "created") or "")

    def shards(self) -> tuple[Shard, ...]:
        """The sealed shards, in the order of their plans."""
        query = "SELECT path, config, split, rows, bytes, sha256 FROM shards WHERE sha256 IS NOT NULL ORDER BY number"
        names = Shard.model_fields
        return tuple(Shard(**dict(zip(names, row, strict=True))) for row in self._connection.execute(query))

    def accepted(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM rows").fetchone()[0])

    def passed_over(self) -> int:
        """Of the dropped, those whose material was unfit."""
        query = "SELECT coalesce(sum(drafts), 0) FROM funnel WHERE gate = 'material'"
        return int(self._connection.execute(query).fetchone()[0])

    def dropped(self) -> int:
        query = "SELECT coalesce(sum(drafts), 0) FROM funnel WHERE gate NOT IN ('accepted', 'not_needed')"
        return int(self._connection.execute(query).fetchone()[0])

    def done_drafts(self) -> tuple[int, set[int]]:
        """(the index below which every draft has ended, those that ended above it)."""
        above = {row[0] for row in self._connection.execute("SELECT draft_index FROM done")}
        return int(meta(self._connection, "low_water") or 0), above

    def done_materials(self, mode: str) -> tuple[int, set[int]]:
        """Of a mode: (the number below which every material has been used, those used above it)."""
        query = "SELECT number FROM materials WHERE mode = ?"
        above = {row[0] for row in self._connection.execute(query, (mode,))}
        return int(meta(self._connection, _MATERIAL_LOW_WATER + mode) or 0), above

    def diversity(self) -> Diversity | None:
        """As last recorded."""
        return read_diversity(self._connection)

    def arms(self) -> tuple[Arm, ...]:
        """What became of the drafts that used each choice of the steering."""
        return read_arms(self._connection)

    def signatures(self) -> Iterator[tuple[str, bytes]]:
        """(row id, what it claimed) of every accepted row, in the order of acceptance."""
        yield from self._connection.execute("SELECT id, signature FROM rows ORDER BY seq")

    def embeddings(self) -> Iterator[tuple[str, bytes]]:
        """(row id, embedding of its first turn) of every accepted row that has one, in the order of acceptance."""
        yield from self._connection.execute("SELECT id, vector FROM embeddings JOIN rows USING (seq) ORDER BY seq")

    def unsealed(self) -> dict[tuple[str, str], int]:
        """Rows in no shard yet, by (config, split)."""
        query = "SELECT config, split, count(*) FROM rows WHERE shard IS NULL GROUP BY config, split"
        return {(config, split): count for config, split, count in self._connection.execute(query)}

    def plan_shard(self, config: str, split: str, rows: int, path: str) -> PlannedShard:
        """Fix the oldest unsealed rows, `rows` at most, as the next shard's. It still has to be written and sealed."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO shards (path, config, split) VALUES (?, ?, ?)", (path, config, split)
            )
            taken = connection.execute(
                "UPDATE rows SET shard = ? WHERE seq IN (SELECT seq FROM rows"
                " WHERE shard IS NULL AND config = ? AND split = ? ORDER BY seq LIMIT ?)",
                (cursor.lastrowid, config, split, rows),
            )
            return PlannedShard(int(cursor.lastrowid or 0), path, config, split, taken.rowcount)

    def planned_shards(self) -> list[PlannedShard]:
        """Shards that were planned and never sealed: the run was ended in between."""
        query = (
            "SELECT number, path, config, split, (SELECT count(*) FROM rows WHERE shard = number)"
            " FROM shards WHERE sha256 IS NULL ORDER BY number"
        )
        return [PlannedShard(*row) for row in self._connection.execute(query)]

    def shard_rows(self, shard: PlannedShard) -> Iterator[Conversation]:
        """The rows of a planned shard, in its order, of which a thousand are in memory.

        Between two pages nothing is locked: a run that takes the build over need not wait for a slow disk.
        """
        query = "SELECT seq, body FROM rows WHERE shard = ? AND seq > ? ORDER BY seq LIMIT ?"
        last = 0
        while page := self._connection.execute(query, (shard.number, last, _PAGE_ROWS)).fetchall():
            # Whoever has taken the build over may have sealed this shard, and let go of the text of its rows.
            self.check_epoch()
            for _, body in page:
                yield Conversation.model_validate_json(body)
            last = page[-1][0]

    def seal_shard(self, shard: PlannedShard, sealed: Shard) -> None:
        """The shard is on disk: list it, and let its rows' text go."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE shards SET rows = ?, bytes = ?, sha256 = ? WHERE number = ?",
                (sealed.rows, sealed.bytes, sealed.sha256, shard.number),
            )
            connection.execute("UPDATE rows SET body = NULL WHERE shard = ?", (shard.number,))

    def shard_count(self, config: str, split: str) -> int:
        query = "SELECT count(*) FROM shards WHERE config = ? AND split = ?"
        return int(self._connection.execute(query, (config, split)).fetchone()[0])

    def _take_epoch(self, fields: Fields) -> int:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            stored = meta(connection, "fields")
            if stored is None and (self._path.parent / MANIFEST_NAME).exists():
                raise BuildDirectoryError(
                    f"{self._path.parent} holds a build whose ledger is gone: put {self._path.name} back, or build in"
                    " another output.directory; the sealed shards are left as they are"
                )
            if stored is not None:
                refuse_another(fields, json.loads(stored), self._path.parent)
            epoch = int(meta(connection, "epoch") or 0) + 1
            _set(connection, "epoch", str(epoch))
            if stored is None:
                _set(connection, "fields", json.dumps(fields))
                _set(connection, "created", datetime.now(UTC).replace(microsecond=0).isoformat())
                _set(connection, "nonce", secrets.token_hex(4))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return epoch

    def check_epoch(self) -> None:
        """Raises EpochLostError when another run has taken the build over."""
        if not self.holds_epoch():
            raise EpochLostError(f"{self._path.parent}: another run has taken this build over; this one ends")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        with translated(self._path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                self.check_epoch()
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has already rolled back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _accept(self, connection: sqlite3.Connection, outcome: Accepted) -> None:
        inserted = connection.execute(
            "INSERT INTO rows (id, draft_index, config, split, signature, body) VALUES (?, ?, ?, ?, ?, ?)",
            (
                outcome.row.id,
                outcome.draft_index,
                outcome.config,
                outcome.split,
                outcome.signature,
                outcome.row.model_dump_json(),
            ),
        )
        if outcome.embedding:
            connection.execute("INSERT INTO embeddings VALUES (?, ?)", (inserted.lastrowid, outcome.embedding))

    def _drop(self, connection: sqlite3.Connection, outcome: Dropped) -> None:
        reason = outcome.sample.reason
        query = "SELECT coalesce(sum(drafts), 0) + 1 FROM funnel WHERE reason = ?"
        seen = connection.execute(query, (reason,)).fetchone()[0]
        body = outcome.sample.model_dump_json()
        if seen <= self._dropped_samples:
            connection.execute("INSERT INTO dropped (reason, body) VALUES (?, ?)", (reason, body))
            return
        # Reservoir sampling (Vitter's algorithm R): the n-th drop replaces one of k with probability k/n.
        place = random.Random(f"{reason}:{outcome.draft_index}").randrange(seen)
        if place < self._dropped_samples:
            connection.execute(
                "UPDATE dropped SET body = ? WHERE seq ="
                " (SELECT seq FROM dropped WHERE reason = ? ORDER BY seq LIMIT 1 OFFSET ?)",
                (body, reason, place),
            )

    def _raise_low_water(self, connection: sqlite3.Connection) -> None:
        """Drafts end out of order; keep only those that ended above the first one that has not."""
        ended = connection.execute("SELECT draft_index FROM done ORDER BY draft_index")
        if (low := _raised(connection, "low_water", ended)) is not None:
            connection.execute("DELETE FROM done WHERE draft_index < ?", (low,))

    def _use(self, connection: sqlite3.Connection, materials: list[tuple[str, int]]) -> None:
        """These have been used; kept as draft indices are."""
        connection.executemany("INSERT OR IGNORE INTO materials VALUES (?, ?)", materials)
        for mode in {mode for mode, _ in materials}:
            used = connection.execute("SELECT number FROM materials WHERE mode = ? ORDER BY number", (mode,))
            if (low := _raised(connection, _MATERIAL_LOW_WATER + mode, used)) is not None:
                connection.execute("DELETE FROM materials WHERE mode = ? AND number < ?", (mode, low))


def _set(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value))


def _add(connection: sqlite3.Connection, key: str, value: float) -> None:
    if value:
        _set(connection, key, str(float(meta(connection, key) or 0) + value))


def _raised(connection: sqlite3.Connection, key: str, numbers: Iterable[tuple[int]]) -> int | None:
    """The low-water mark of rising numbers, now that these are done above it; None where it has not risen."""
    low = first = int(meta(connection, key) or 0)
    for (number,) in numbers:
        if number != low:
            break
        low += 1
    if low == first:
        return None
    _set(connection, key, str(low))
    return low


_COUNTS = [name for name in FunnelRow.model_fields if name not in ("mode", "gate", "exchange", "reason")]
_COUNT = (
    f"INSERT INTO funnel ({', '.join(FunnelRow.model_fields)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(f':{name}' for name in FunnelRow.model_fields)})"
    f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in _COUNTS)}"
)


_SET_ARM = (
    f"INSERT OR REPLACE INTO arms ({', '.join(Arm.model_fields)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(f':{name}' for name in Arm.model_fields)})"
)


def _count(connection: sqlite3.Connection, account: FunnelRow) -> None:
    connection.execute(_COUNT, account.model_dump())
