"""Cutting accepted rows into sealed shards."""

from __future__ import annotations

from pathlib import Path

from pipeline.ledger import Ledger, PlannedShard
from publishers.shard import shard_path, write_shard
from schemas.errors import StorageError
from schemas.manifest import Shard


class Sealer:
    """Seals shards in three steps that a kill may come between: plan (in the ledger), write, seal (in the ledger)."""

    def __init__(self, ledger: Ledger, directory: Path, shard_rows: int) -> None:
        self._ledger = ledger
        self._directory = directory
        self._shard_rows = shard_rows

    def check_sealed(self) -> None:
        """Raise StorageError when a shard that was sealed is gone or cut short: its rows are nowhere else."""
        for shard in self._ledger.shards():
            path = self._directory / shard.path
            try:
                size = path.stat().st_size
            except OSError as error:
                raise StorageError(f"shard {path} cannot be read: {error.strerror}; put it back") from error
            if size != shard.bytes:
                raise StorageError(f"shard {path} has {size} bytes and not {shard.bytes}; put the sealed file back")

    def finish_planned(self) -> None:
        """Write and seal the shards that an earlier run planned and did not get to seal."""
        for shard in self._ledger.planned_shards():
            self._write(shard)

    def seal(self, *, all_rows: bool) -> bool:
        """Seal every full shard, and with `all_rows` the rest too; whether there was any."""
        sealed = False
        for (config, split), rows in self._ledger.unsealed().items():
            full, rest = divmod(rows, self._shard_rows)
            for _ in range(full + (1 if all_rows and rest else 0)):
                path = shard_path(config, split, self._ledger.shard_count(config, split))
                self._write(self._ledger.plan_shard(config, split, self._shard_rows, path))
                sealed = True
        return sealed

    def _write(self, shard: PlannedShard) -> None:
        rows = self._ledger.shard_rows(shard)
        size, sha256 = write_shard(rows, self._directory / shard.path)
        sealed = Shard(
            path=shard.path, config=shard.config, split=shard.split, rows=len(rows), bytes=size, sha256=sha256
        )
        self._ledger.seal_shard(shard, sealed)
