"""Dry runs: a few drafts of a recipe on the leased backbone, through the whole pipeline, and nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from generators.backbone import Backbone, Completion, SampleRequest
from generators.backbone_before import BackboneBefore
from pipeline.build import Outcome, build
from pipeline.directory import BuildDirectory
from schemas.dry_run import DRAFTS, DryRun
from schemas.errors import BuildError, InputError, IturriError
from schemas.recipe import Output, Recipe, Target
from schemas.settings import Settings
from service.backbones import Backbones
from service.database import Pool
from service.dry_run_reading import Sampled, earlier_builds, estimated, read_drafts
from service.problems import ProblemError, too_many
from service.speeds import Speeds

_log = logging.getLogger(__name__)

LIMIT_S = 120.0
AT_ONCE = 2
_STARTING_S = 15
_BUSY_S = 30
_CLOSE_S = 10.0
_LEFT_BEHIND_S = 3600.0


class DryRuns:
    """The dry runs of one server, two at a time. An async context manager: leaving ends those that are going on."""

    def __init__(self, settings: Settings, pool: Pool, backbones: Backbones, speeds: Speeds) -> None:
        self._settings = settings.model_copy(update={"workers": 1})
        self._pool = pool
        self._backbones = backbones
        self._speeds = speeds
        self._folder = settings.data / "dry-runs"
        self._keys: set[str] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._going_on: dict[asyncio.Task[Sampled | None], asyncio.Event] = {}

    async def run(self, recipe: Recipe, spend: Callable[[int], None], key_id: str | None = None) -> DryRun:
        """Sample five drafts of an admitted recipe, and estimate what its target takes.

        `spend` is told the generated tokens, also when the dry run comes to nothing.

        Raises ProblemError: a 429 while another one of the key is going on; a 503 that says when to try again where the
        backbone does not run or the time is over.
        Raises InputError that names the field for a dataset that cannot be read.
        """
        began, name = time.monotonic(), str(recipe.backbone)
        if (problem := self._backbones.problems().get(name)) is not None:
            raise _later(f"the backbone {name} cannot be used now: {problem}", _STARTING_S)
        try:
            async with asyncio.timeout(LIMIT_S):
                with self._one_of(key_id):
                    sampled = await self._sampled(recipe, spend)
                earlier = await earlier_builds(self._pool, recipe)
                speed = (await self._speeds.all()).get(name)
        except TimeoutError:
            why = "the server is busy, or the recipe's datasets are large"
            raise _later(f"no {DRAFTS} drafts had ended after {LIMIT_S:.0f} s: {why}", _BUSY_S) from None
        except InputError:
            raise
        except IturriError as error:
            raise _later(str(error), _BUSY_S) from error
        return estimated(recipe, sampled, earlier, speed, time.monotonic() - began)

    @contextmanager
    def _one_of(self, key_id: str | None) -> Iterator[None]:
        """One at a time for each key, so that none keeps the others waiting, or spends a day's rest many times over."""
        if key_id is None:
            yield
            return
        if key_id in self._keys:
            raise too_many("a dry run of this key is going on, and there is one at a time", _STARTING_S)
        self._keys.add(key_id)
        try:
            yield
        finally:
            self._keys.discard(key_id)

    async def _sampled(self, recipe: Recipe, spend: Callable[[int], None]) -> Sampled:
        """The drafts. Whoever waits for them may go away: then they are given up, and cleared away all the same."""
        stop = asyncio.Event()
        tokens: Counter[str] = Counter()
        work = asyncio.create_task(self._work(recipe, stop, tokens), name=f"dry run of {recipe.name}")
        self._going_on[work] = stop
        work.add_done_callback(self._going_on.pop)
        try:
            sampled = await asyncio.shield(work)
        finally:
            stop.set()
            spend(tokens.total())
        if sampled is None:
            raise _later("this server is closing", _STARTING_S)
        return sampled

    async def _work(self, recipe: Recipe, stop: asyncio.Event, tokens: Counter[str]) -> Sampled | None:
        """None when `stop` was set before the drafts had ended. `tokens` get what each draft costs as it is sampled."""
        async with self._turns:
            folder = self._folder / secrets.token_hex(8)
            try:
                async with self._backbones.engine(str(recipe.backbone)).lease(stop) as backbone:
                    if backbone is None:
                        return None
                    return await self._build(_shortened(recipe), folder, _Counting(backbone, tokens), stop)
            finally:
                # Not in a thread: whoever cancels this task now would cancel the wait for it.
                shutil.rmtree(folder, ignore_errors=True)

    async def _build(self, recipe: Recipe, folder: Path, counting: _Counting, stop: asyncio.Event) -> Sampled | None:
        try:
            result = await build(recipe, folder, counting, settings=self._settings, stop=stop)
        except BuildError:
            # It gives up after so many drafts, and has written its manifest then. All else is a failure.
            if not BuildDirectory(folder).manifest.is_file():
                raise
        else:
            if result.outcome is Outcome.STOPPED:
                return None
        return await asyncio.to_thread(read_drafts, folder, counting.tokens)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._clear_away)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stop in self._going_on.values():
            stop.set()
        if self._going_on:
            await asyncio.wait(list(self._going_on), timeout=_CLOSE_S)
        for task in list(self._going_on):
            task.cancel()

    def _clear_away(self) -> None:
        """What servers have left that were killed; another server's dry runs may be going on in the same folder."""
        for folder in self._folder.glob("*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _LEFT_BEHIND_S:
                    shutil.rmtree(folder, ignore_errors=True)
                    _log.info("folder=%s of a dry run that was cut short is removed", folder)


class _Counting(BackboneBefore):
    """Counts what each draft has cost: of dropped ones the ledger keeps sums only."""

    def __init__(self, backbone: Backbone, tokens: Counter[str]) -> None:
        super().__init__(backbone)
        self.tokens = tokens

    async def sample(self, request: SampleRequest) -> Completion:
        completion = await self._backbone.sample(request)
        self.tokens[request.id.rpartition(".")[0]] += completion.completion_tokens
        return completion


def _shortened(recipe: Recipe) -> Recipe:
    """The same recipe for a few drafts, of which none is left out where people look at what was dropped."""
    return recipe.model_copy(
        update={
            "target": Target(conversations=DRAFTS, max_drafts=DRAFTS, min_acceptance=0),
            "output": Output(dropped_samples=DRAFTS),
            "window": min(recipe.window or DRAFTS, DRAFTS),
        }
    )


def _later(what: str, seconds: int) -> ProblemError:
    return ProblemError(503, what, headers={"Retry-After": str(seconds)})
