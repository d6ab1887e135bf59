"""Cutting accepted rows into sealed shards, and listing them in the manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipeline.directory import BuildDirectory, on_network_filesystem
from pipeline.ledger import Ledger, PlannedShard
from pipeline.ledger_reading import translated
from pipeline.reader import BuildReader
from publishers.dropped import write_dropped
from publishers.manifest import write_manifest
from publishers.shard import shard_path, write_shard
from schemas.errors import BuildError, StorageError
from schemas.manifest import Manifest, Shard
from schemas.names import MOST
from schemas.recipe import Recipe


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
        size, sha256 = write_shard(self._ledger.shard_rows(shard), self._directory / shard.path)
        sealed = Shard(
            path=shard.path, config=shard.config, split=shard.split, rows=shard.rows, bytes=size, sha256=sha256
        )
        self._ledger.seal_shard(shard, sealed)


def record_manifest(ledger: Ledger, place: BuildDirectory, recipe: Recipe) -> Manifest:
    """Write the manifest of what is sealed now. Raises EpochLostError, StorageError.

    Raises BuildError when no run of this version has recorded what made the rows.
    """
    ledger.check_epoch()
    provenance = ledger.provenance()
    if provenance is None:
        raise BuildError(f"{place.path} was made by an earlier version of Iturri; run the build once more, it goes on")
    manifest = Manifest(
        name=recipe.name,
        language=recipe.language,
        created=ledger.created(),
        updated=datetime.now(UTC).replace(microsecond=0),
        complete=ledger.accepted() >= recipe.target.conversations and not ledger.unsealed(),
        provenance=provenance,
        funnel=BuildReader(place.path).funnel(),
        shards=ledger.shards(),
    )
    write_manifest(manifest, place.path)
    return manifest


def record_dropped(ledger: Ledger, place: BuildDirectory, recipe: Recipe) -> None:
    """Put the sample of dropped drafts beside the manifest where the recipe wants it published.

    Raises EpochLostError, StorageError.
    """
    ledger.check_epoch()
    wanted = BuildReader(place.path).dropped(limit=MOST) if recipe.publish.dropped else []
    write_dropped([sample for _, sample in wanted], place.path)


def seal_what_is_there(directory: Path) -> Manifest:
    """Seal what a build that has stopped, failed or been killed has accepted so far, and list it in the manifest.

    It may end in shards that are not full; a later run goes on after them. Where every accepted row is listed already
    nothing is locked or written. Raises BuildDirectoryError when this is no build or a run holds it, EpochLostError
    when a run takes it over meanwhile, LedgerError, StorageError, and BuildError when a version of before made it.
    """
    place, reader = BuildDirectory(directory), BuildReader(directory)
    manifest = reader.manifest()
    if manifest is not None and manifest.rows == reader.rows():
        return manifest
    with place.locked(take_over=False), translated(place.ledger):
        recipe = reader.recipe()
        ledger = Ledger(
            place.ledger,
            reader.fields(),
            write_ahead=not on_network_filesystem(directory),
            dropped_samples=recipe.output.dropped_samples,
        )
        try:
            sealer = Sealer(ledger, directory, recipe.output.shard_rows)
            sealer.check_sealed()
            sealer.finish_planned()
            sealer.seal(all_rows=True)
            record_dropped(ledger, place, recipe)
            return record_manifest(ledger, place, recipe)
        finally:
            ledger.close()
