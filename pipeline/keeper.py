"""Keeping the record of a run: the ledger, the shards and the manifest, all on one thread."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from generators.backbone import Backbone
from generators.model_probe import difference
from languages.pack import LanguagePack
from pipeline.adaptive import AdaptiveMixer
from pipeline.directory import BuildDirectory, on_network_filesystem
from pipeline.fingerprint import fingerprint, fingerprint_fields
from pipeline.judging import Gates
from pipeline.ledger import Ledger
from pipeline.ledger_reading import translated
from pipeline.materials import FoundDataset, put
from pipeline.reader import BuildReader
from pipeline.sealing import Sealer, record_dropped, record_manifest
from pipeline.stream import Counts, Indices, Stream
from publishers.atomic import write_bytes
from schemas.errors import BackboneError
from schemas.filter_report import AgainstDataset
from schemas.funnel import Funnel
from schemas.manifest import Manifest, Provenance
from schemas.recipe import Recipe

Result = TypeVar("Result")


class Keeper:
    """The one writer of a build. An async context manager; the event loop never waits for its disk.

    Every method may raise StorageError, LedgerError and EpochLostError; entering also BuildDirectoryError.
    """

    def __init__(
        self,
        recipe: Recipe,
        place: BuildDirectory,
        backbone: Backbone,
        packs: Mapping[str, LanguagePack],
        against: tuple[AgainstDataset, ...],
        materials: tuple[FoundDataset, ...] = (),
    ) -> None:
        fields = fingerprint_fields(recipe, backbone, packs, against, materials)
        self.fingerprint = fingerprint(fields)
        self._fields = fields
        self._recipe = recipe
        self._against = against
        self._materials = materials
        self._place = place
        self._backbone = backbone
        self._packs = packs
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._last_commit = time.monotonic()
        self._listed = 0

    async def __aenter__(self) -> Self:
        try:
            await self._run(self._open)
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._run(self._ledger.close))
        self._thread.shutdown()

    @property
    def sealed(self) -> int:
        """How many shards the manifest lists."""
        return self._listed

    async def restore(self, gates: Gates, steering: AdaptiveMixer) -> tuple[Counts, Indices]:
        """Seal what a kill left half done, claim again what is accepted, and say where the run goes on.

        What was learned of the steering is known again.

        Raises StorageError when a sealed shard is no longer there, EmbedderError when the embedder is another one.
        """
        await self._run(self._sealer.check_sealed)
        await self._run(self._sealer.finish_planned)

        def read() -> tuple[Counts, Indices]:
            if self._ledger.shards():
                self._write_manifest()  # a kill may have come between a shard and its listing
            gates.restore(self._ledger.signatures(), self._ledger.embeddings(), self._ledger.diversity())
            steering.restore(self._ledger.arms(), self._ledger.signatures())
            return Counts(self._ledger.accepted(), self._ledger.dropped(), self._ledger.passed_over()), Indices(
                *self._ledger.done_drafts()
            )

        return await self._run(read)

    async def id_prefix(self) -> str:
        """What the ids of this build's rows begin with; no other build's do, not even another one of its recipe."""
        return f"{self.fingerprint[:8]}-{await self._run(self._ledger.nonce)}"

    async def done_materials(self, mode: str) -> tuple[int, set[int]]:
        """Of a mode, as the funnel calls it: (the number below which every material is used, those used above it)."""
        return await self._run(lambda: self._ledger.done_materials(mode))

    def start_clock(self) -> None:
        """The backbone samples from now on."""
        self._last_commit = time.monotonic()

    async def commit(self, stream: Stream) -> None:
        """Record what has ended since the last time, and seal the shards that are full."""
        outcomes, arms, unfinished = stream.collect(), stream.collect_arms(), stream.collect_unfinished_tokens()
        diversity = stream.diversity() if outcomes else None
        now = time.monotonic()
        seconds, self._last_commit = now - self._last_commit, now

        def write() -> None:
            self._ledger.commit(
                outcomes,
                engine_seconds=seconds,
                unfinished_completion_tokens=unfinished,
                diversity=diversity,
                arms=arms,
            )
            if outcomes and self._sealer.seal(all_rows=False):
                self._write_manifest()

        await self._run(write)

    async def finish(self, *, seal: bool) -> Manifest:
        """Write the manifest; with `seal`, after the rows that fill no shard have got one too."""

        def write() -> Manifest:
            if seal:
                self._sealer.seal(all_rows=True)
            record_dropped(self._ledger, self._place, self._recipe)
            return self._write_manifest()

        return await self._run(write)

    async def funnel(self) -> Funnel:
        return await self._run(BuildReader(self._place.path).funnel)

    def _open(self) -> None:
        self._ledger = Ledger(
            self._place.ledger,
            self._fields,
            write_ahead=not on_network_filesystem(self._place.path),
            dropped_samples=self._recipe.output.dropped_samples,
        )
        self._refuse_another_model()
        self._sealer = Sealer(self._ledger, self._place.path, self._recipe.output.shard_rows)
        self._ledger.set_provenance(self._provenance())
        write_bytes(self._place.recipe, self._recipe.model_dump_json(indent=2).encode())

    def _refuse_another_model(self) -> None:
        """Names are not models: a server may have got other weights since the build's first run."""
        ours = self._backbone.identity
        recorded = self._ledger.identity(ours)
        if ours is not None and recorded is not None and (other := difference(recorded, ours)):
            self._ledger.close()
            raise BackboneError(
                f"{self._place.path}: {self._backbone.name} is another model than in the build's first run: {other};"
                " serve that one again, or build in another output.directory"
            )

    def _write_manifest(self) -> Manifest:
        manifest = record_manifest(self._ledger, self._place, self._recipe)
        self._listed = len(manifest.shards)
        return manifest

    def _provenance(self) -> Provenance:
        return Provenance(
            iturri_version=importlib.metadata.version("iturri"),
            recipe=self._told_recipe(),
            fingerprint=self.fingerprint,
            language_name=self._packs[self._recipe.language].name,
            language_names={code: pack.name for code, pack in self._packs.items()},
            backbone=self._backbone.name,
            backbone_revision=self._backbone.revision,
            backbone_licence=self._backbone.licence,
            template_hash=self._backbone.template.hash,
        )

    def _told_recipe(self) -> dict[str, Any]:
        """The recipe, with the datasets that it names as they were found: their places are not told."""
        recipe = self._recipe.model_dump(mode="json")
        for one in self._materials:
            put(recipe, one.path, one.told())
        recipe["filters"]["duplicates"]["against"] = [
            {
                "dataset": one.dataset if one.revision is not None else Path(one.dataset).name,
                "revision": one.revision,
                "kind": one.kind,
                "columns": list(one.columns),
                "content": one.content,
            }
            for one in self._against
        ]
        return recipe

    async def _run(self, work: Callable[[], Result]) -> Result:
        def translating() -> Result:
            with translated(self._place.ledger):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, translating)
