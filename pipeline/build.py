"""One recipe, one build: run it, or go on with it, until its target is reached and sealed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filters.duplicates.memory import Memory
from generators.backbone import Backbone
from generators.modes import open_modes
from languages.pack import LanguagePack
from pipeline.adaptive import AdaptiveMixer
from pipeline.directory import BuildDirectory
from pipeline.feeds import Feed, MaterialReader
from pipeline.fingerprint import recipe_fields, refuse_another
from pipeline.judging import Gates
from pipeline.keeper import Keeper
from pipeline.material_readers import open_reader
from pipeline.materials import FoundDataset, find_materials
from pipeline.mixing import ModeMixer
from pipeline.own_rows import OwnRows
from pipeline.packs import load_packs
from pipeline.reader import BuildReader
from pipeline.references import find_references, read_known
from pipeline.stream import Stream
from pipeline.topics import read_topics
from publishers.shard import config_name
from schemas.errors import BuildError, LedgerError, StorageError
from schemas.filter_report import AgainstDataset
from schemas.funnel import Funnel
from schemas.manifest import Manifest
from schemas.modes import TranslationMode, language_of
from schemas.recipe import Recipe
from schemas.settings import Settings, with_embedder

COMMIT_EVERY_S = 0.25
PROGRESS_EVERY_S = 1.0


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A run that ended without an error."""

    outcome: Outcome
    directory: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run is getting on. Speed is that of this run; `seconds_left` is None before it has accepted anything."""

    funnel: Funnel
    in_flight: int
    tokens_per_second: float
    seconds_left: float | None


def check_directory(recipe: Recipe, directory: Path, settings: Settings) -> None:
    """What can be said before a backbone is started.

    Raises BuildDirectoryError where another recipe's build lies, RecipeError for an embedder that is not declared,
    InputError that names the field for a dataset that cannot be read, DatasetError when the Hub fails.
    """
    recipe = _resolved(recipe, settings)
    packs = load_packs(recipe, settings)
    against = tuple(one.about for one in find_references(recipe.filters.duplicates.against))
    materials = find_materials(recipe)
    if BuildDirectory(directory).ledger.is_file() and BuildDirectory(directory).recipe.is_file():
        theirs = {name: value for name, value in BuildReader(directory).fields().items() if name != "sampled_model"}
        if theirs:
            refuse_another(recipe_fields(recipe, packs, against, materials), theirs, directory)


async def build(
    recipe: Recipe,
    directory: Path,
    backbone: Backbone,
    *,
    settings: Settings,
    stop: asyncio.Event | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_sealed: Callable[[int], None] | None = None,
    take_over: bool = False,
) -> BuildResult:
    """Run or resume the build in `directory` until the recipe's target is accepted and sealed in shards.

    `backbone` is already started and may be shared by several builds of one event loop. When `stop` is set, or the
    task is cancelled, the drafts in flight are given up and all that has ended is in the ledger. `on_sealed` is told
    after every commit how many shards the manifest lists. `take_over` goes on with a build whose run is thought dead
    though it holds the lock: that run's next transaction fails.

    Raises BuildDirectoryError (another recipe, or in use), RecipeError (an embedder that is not declared),
    LanguageError, InputError and DatasetError (a dataset that it names), BackboneError, EmbedderError, BuildError (the
    recipe says to give up, or there is nothing left to make drafts from), StorageError, EpochLostError (another run has
    taken over).
    """
    recipe = _resolved(recipe, settings)
    packs = load_packs(recipe, settings)
    place = BuildDirectory(directory)
    stop = stop or asyncio.Event()
    with place.locked(take_over):
        materials = await asyncio.to_thread(find_materials, recipe)
        against, opened = await asyncio.to_thread(_open_gates, recipe, packs, settings, directory, stop)
        async with Keeper(recipe, place, backbone, packs, against, materials) as keeper, opened as gates:
            steering = AdaptiveMixer(recipe.filters.duplicates, adaptive=recipe.adaptive)
            counts, indices = await keeper.restore(gates, steering)
            topics = await asyncio.to_thread(read_topics, materials)
            modes = open_modes(recipe, packs, await keeper.id_prefix(), topics)

            def changed() -> None:
                stream.changed()  # no feed reads before it is entered, and by then there is one

            feeds = await _feeds(recipe, materials, place, keeper, changed)
            mixer = ModeMixer(modes, [spec.weight for spec in recipe.modes], recipe.seed, feeds, _fed_by(recipe))
            stream = Stream(recipe, keeper.fingerprint, mixer, backbone, gates, steering, counts, indices)
            if not stream.reached:
                async with AsyncExitStack() as reading:
                    for feed in feeds.values():
                        await reading.enter_async_context(feed)
                    await _run_and_keep(stream, keeper, stop, on_progress, on_sealed)
            given_up = stream.exhausted or (stream.used_up and not stop.is_set())
            manifest = await keeper.finish(seal=stream.reached or given_up)
    if given_up and not manifest.complete:
        raise BuildError(_why_given_up(recipe, manifest.funnel, directory, used_up=stream.used_up))
    outcome = Outcome.COMPLETE if manifest.complete else Outcome.STOPPED
    return BuildResult(outcome, directory, manifest)


def _open_gates(
    recipe: Recipe, packs: Mapping[str, LanguagePack], settings: Settings, directory: Path, stop: asyncio.Event
) -> tuple[tuple[AgainstDataset, ...], Gates]:
    """The gates, and what they judge against. Reads language profiles, which takes most of a second, and datasets.

    When `stop` is set meanwhile these are not read to their end: nothing is judged any more.
    """
    duplicates = recipe.filters.duplicates
    found = find_references(duplicates.against)
    known = read_known(found, duplicates, stop.is_set)
    memory = Memory(settings.duplicates_memory_mb, directory)
    own, *others = packs.values()
    gates = Gates(recipe.filters, own, settings.workers, known, memory, others)
    return tuple(one.about for one in found), gates


async def _feeds(
    recipe: Recipe,
    materials: tuple[FoundDataset, ...],
    place: BuildDirectory,
    keeper: Keeper,
    changed: Callable[[], None],
) -> dict[str, Feed]:
    """What the modes are made from, by their names in the funnel, less what earlier runs have used."""
    found = {one.path[1]: one for one in materials if one.feeds}
    feeds: dict[str, Feed] = {}
    for number, spec in enumerate(recipe.modes):
        mode = config_name(spec.mode, language_of(spec, recipe.language))
        reader: MaterialReader
        if number in found:
            reader = open_reader(found[number], place.passages(mode))
        elif isinstance(spec, TranslationMode):
            reader = OwnRows(recipe, place.path, spec.source_language)
        else:
            continue
        feeds[mode] = Feed(reader, *await keeper.done_materials(mode), changed)
    return feeds


def _fed_by(recipe: Recipe) -> dict[str, str]:
    """The modes that live on the conversations of another one, and which."""
    return {
        config_name(spec.mode, recipe.language): config_name("magpie", spec.source_language)
        for spec in recipe.modes
        if isinstance(spec, TranslationMode) and spec.source is None
    }


def _resolved(recipe: Recipe, settings: Settings) -> Recipe:
    """The recipe with its embedder whole, so that what embeds is part of the fingerprint, and its name is not."""
    return recipe.model_copy(update={"filters": with_embedder(recipe.filters, settings)})


async def _run_and_keep(
    stream: Stream,
    keeper: Keeper,
    stop: asyncio.Event,
    on_progress: Callable[[Progress], None] | None,
    on_sealed: Callable[[int], None] | None,
) -> None:
    """Run the stream, and commit what has ended every quarter of a second."""
    keeper.start_clock()
    running = asyncio.create_task(stream.run(stop))
    pace = _Pace(stream)
    try:
        while not running.done():
            await asyncio.wait([running], timeout=COMMIT_EVERY_S)
            await keeper.commit(stream)
            if on_sealed:
                on_sealed(keeper.sealed)
            if on_progress and pace.due():
                on_progress(pace.progress(await keeper.funnel()))
        await running
        await keeper.commit(stream)  # what ended during the last commit
        if on_progress:
            on_progress(pace.progress(await keeper.funnel()))
    except (LedgerError, StorageError):
        raise
    except BaseException:
        await _cancelled(running)
        await asyncio.shield(keeper.commit(stream))
        raise
    finally:
        await _cancelled(running)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


class _Pace:
    """The speed of a run."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._started = self._reported = time.monotonic()
        self._accepted_before = stream.counts.accepted

    def due(self) -> bool:
        return time.monotonic() - self._reported >= PROGRESS_EVERY_S

    def progress(self, funnel: Funnel) -> Progress:
        now = time.monotonic()
        self._reported = now
        seconds = max(now - self._started, 1e-6)
        accepted = funnel.accepted - self._accepted_before
        return Progress(
            funnel=funnel,
            in_flight=self._stream.in_flight,
            tokens_per_second=self._stream.completion_tokens / seconds,
            seconds_left=(funnel.target - funnel.accepted) * seconds / accepted if accepted > 0 else None,
        )


def _why_given_up(recipe: Recipe, funnel: Funnel, directory: Path, *, used_up: bool) -> str:
    so_far = f"{funnel.accepted} of {funnel.target} conversations after {funnel.drafts} drafts"
    if len(funnel.modes) > 1:
        so_far += f" ({', '.join(f'{mode.mode} {mode.accepted} of {mode.drafts}' for mode in funnel.modes)})"
    if reasons := funnel.reasons():
        reason, drops = next(iter(reasons.items()))
        so_far += f"; most often dropped for {reason} ({drops} of {funnel.dropped} drops)"
    if used_up:
        return f"all that the modes are made from is used up: {so_far}; " + (
            f"lower target.conversations to {funnel.accepted} to call it complete"
            if funnel.accepted
            else f"see `iturri show {directory} --dropped`"
        )
    limit = (
        "target.max_drafts"
        if funnel.drafts >= (recipe.target.max_drafts or funnel.drafts + 1)
        else ("target.min_acceptance")
    )
    return f"gave up at {limit}: {so_far}; see `iturri show {directory} --dropped`"
