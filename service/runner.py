"""Runs jobs: a build on the shared backbone, or a publication; and writes down how they ended."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from generators.one_line import one_line
from pipeline.build import Outcome, Progress, build
from pipeline.publishing import Order, publish
from pipeline.publishing_along import PublishingAlong
from pipeline.reader import BuildReader
from publishers.result import PublicationResult
from schemas.errors import (
    BackboneError,
    BuildDirectoryError,
    EpochLostError,
    HubAuthError,
    IturriError,
    LedgerError,
    ProcessDiedError,
    PublishError,
    RecipeError,
    ServiceError,
)
from schemas.funnel import Funnel
from schemas.job import Job
from schemas.manifest import Manifest
from schemas.problems import first_problem
from schemas.recipe import Recipe
from schemas.settings import Settings
from service.backbones import Backbones
from service.claims import Claim, Claims
from service.keys import KeyStore
from service.logs import of_job
from service.metrics import Metrics
from service.noting import Notes
from service.places import build_of, publication_of
from service.reviews import ReviewStore
from service.speeds import Speeds

_log = logging.getLogger(__name__)

_POLL_S = 0.5
_PERSIST_TRIES = 60
_PERSIST_PAUSE_S = 1.0


class Runner:
    """Runs the jobs that the queue hands out, several at once."""

    def __init__(
        self,
        settings: Settings,
        claims: Claims,
        backbones: Backbones,
        reviews: ReviewStore,
        keys: KeyStore,
        speeds: Speeds,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._claims = claims
        self._backbones = backbones
        self._reviews = reviews
        self._keys = keys
        self._speeds = speeds
        self._metrics = metrics
        self._stops: set[asyncio.Event] = set()
        self._closing = False

    def close(self) -> None:
        """Have all running jobs stop, and go back into the queue."""
        self._closing = True
        for stop in self._stops:
            stop.set()

    async def run(self, job: Job, claim: Claim) -> None:
        """Run the job to its end, unless it is paused, cancelled, given to another server, or the server closes."""
        with of_job(job.id):
            await self._run(job, claim)

    async def _run(self, job: Job, claim: Claim) -> None:
        _log.info("job=%s kind=%s state=running attempt=%d", job.id, job.kind, job.attempts)
        stop = asyncio.Event()
        self._stops.add(stop)
        if self._closing:
            stop.set()
        watching = asyncio.create_task(self._watch(claim, stop))
        try:
            await self._run_and_record(job, claim, stop)
        except asyncio.CancelledError:
            with suppress(ServiceError):  # then the entry stays in the queue, and recovery finds it there
                await asyncio.shield(self._claims.stopped(claim.queue_id))
            raise
        finally:
            watching.cancel()
            self._stops.discard(stop)

    async def _run_and_record(self, job: Job, claim: Claim, stop: asyncio.Event) -> None:
        try:
            result = await (self._build(job, claim, stop) if job.kind == "build" else self._publish(job, stop))
        except EpochLostError:
            _log.warning("job=%s is run by another server now; this run has ended", job.id)
            return
        except (ProcessDiedError, BackboneError) as error:
            ended = await self._set_back(job, claim, error)
        except IturriError as error:
            reason = str(error)
            ended = await self._persist(lambda: self._claims.fail(claim, reason))
        except Exception as error:  # noqa: BLE001 logged in full, and the server goes on
            _log.exception("job=%s failed in an unforeseen way", job.id)
            reason = f"unforeseen, the server's log has more: {one_line(error)}"
            ended = await self._persist(lambda: self._claims.fail(claim, reason))
        else:
            if result is None:
                ended = await self._persist(lambda: self._claims.stopped(claim.queue_id))
            else:
                ended = await self._persist(lambda: self._claims.succeed(claim, result))
        if ended is None:
            _log.warning("job=%s belongs to another server now; this run has ended", job.id)
        else:
            _log.info("job=%s state=%s%s", job.id, ended.state, f" error={ended.error!r}" if ended.error else "")
            if ended.started is not None and ended.finished is not None:
                seconds = (ended.finished - ended.started).total_seconds()
                self._metrics.job_ended(job.kind, ended.state, seconds)

    async def _set_back(self, job: Job, claim: Claim, error: IturriError) -> Job | None:
        """What died may be there again for another run; a backbone that gave this one nothing is not tried again."""
        reason = str(error)
        now = await self._persist(lambda: self._claims.get(job.id))
        grew = now is not None and _accepted(now) > _accepted(job)
        if not grew and isinstance(error, BackboneError):
            return await self._persist(lambda: self._claims.fail(claim, reason))
        _log.warning("job=%s run=died error=%r", job.id, reason)
        return await self._persist(lambda: self._claims.set_back(claim, reason, grew=grew))

    async def _build(self, job: Job, claim: Claim, stop: asyncio.Event) -> dict[str, Any] | None:
        """Run or resume the build; what to write down of it, or None when it was stopped before its target."""
        try:
            recipe = Recipe.model_validate(job.recipe)
        except ValidationError as error:
            where, what = first_problem(error)
            raise RecipeError(f"the recipe was taken by another version of Iturri; {where}: {what}") from error
        async with self._along(job, recipe, stop) as along:
            manifest = await self._sample(job, claim, recipe, stop, along.sealed)
            if manifest is None:
                return None
            told: dict[str, Any] = {
                "directory": str(build_of(job.id, self._settings).resolve()),
                "conversations": manifest.rows,
                "shards": len(manifest.shards),
                "fingerprint": manifest.provenance.fingerprint,
            }
            if not recipe.publish.along:
                return told
            published = await _finish(along, len(manifest.shards))
            return None if published is None else {**told, "publication": published.model_dump(mode="json")}

    async def _sample(
        self, job: Job, claim: Claim, recipe: Recipe, stop: asyncio.Event, on_sealed: Callable[[int], None]
    ) -> Manifest | None:
        """Run the build on its backbone; None when it was stopped before its target."""
        async with self._backbones.engine(str(recipe.backbone)).lease(stop) as backbone:
            if backbone is None:
                return None
            directory = build_of(job.id, self._settings)
            notes = Notes(self._claims, claim, self._speeds, str(recipe.backbone))
            before = await _funnel(directory)
            with self._metrics.build_run(str(recipe.backbone), recipe.language, job.key, before) as counted:

                def on_progress(progress: Progress) -> None:
                    notes.put(progress)
                    counted.progress(progress)

                try:
                    async with notes.being_written():
                        result = await build(
                            recipe,
                            directory,
                            backbone,
                            settings=self._settings,
                            stop=stop,
                            on_progress=on_progress,
                            on_sealed=on_sealed,
                            take_over=job.attempts > 1,
                        )
                finally:
                    if (funnel := await _funnel(directory)) is not None:
                        counted.count(funnel)
                        await self._persist(lambda: notes.last(funnel))
        return None if result.outcome is Outcome.STOPPED else result.manifest

    def _along(self, job: Job, recipe: Recipe, stop: asyncio.Event) -> PublishingAlong:
        """The pushes of a build while it runs, which go out for the key that has submitted it."""

        async def order() -> Order:
            if (name := await self._keys.revoked(job.id)) is not None:
                raise HubAuthError(f"the key {name} was revoked")
            return Order(
                build=build_of(job.id, self._settings).resolve(),
                repo=recipe.publish.repo,
                private=recipe.publish.private,
                reviews=await self._reviews.to_publish(job.id),
            )

        return PublishingAlong(recipe.publish, order, os.environ.get("HF_TOKEN"), stop)

    async def _publish(self, job: Job, stop: asyncio.Event) -> dict[str, Any] | None:
        """Publish the build; the result, or None when it was stopped before it was done."""
        if job.build_id is None or job.publication is None:
            raise ServiceError("the job says neither what to publish nor where")
        directory = build_of(job.build_id, self._settings)
        recipe = await asyncio.to_thread(lambda: BuildReader(directory).recipe())
        order = Order(
            build=directory.resolve(),
            folder=publication_of(job.build_id, recipe, self._settings).resolve(),
            repo=job.publication.repo,
            private=job.publication.private,
            tag=job.publication.tag,
            reviews=await self._reviews.to_publish(job.build_id),
        )
        result = await publish(order, stop, os.environ.get("HF_TOKEN"))
        return None if result is None else result.model_dump(mode="json")

    async def _watch(self, claim: Claim, stop: asyncio.Event) -> None:
        """Set `stop` when the job is cancelled or given to another server."""
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                if not await self._claims.goes_on(claim):
                    stop.set()
                    return
            except ServiceError as error:
                _log.warning("job=%s cannot be looked up: %s", claim.job_id, error)

    async def _persist(self, write: Callable[[], Awaitable[Job | None]]) -> Job | None:
        """Write the end down, also when the database is away for a moment. Raises ServiceError when it stays away."""
        for _ in range(_PERSIST_TRIES):
            try:
                return await write()
            except ServiceError as error:
                _log.warning("the end of a job cannot be written yet: %s", error)
                if self._closing:
                    raise
            await asyncio.sleep(_PERSIST_PAUSE_S)
        return await write()


async def _finish(along: PublishingAlong, shards: int) -> PublicationResult | None:
    """Publish all of a build that is complete; None when it was stopped. Raises PublishError, ProcessDiedError."""
    try:
        return await along.finish(shards)
    except ProcessDiedError:
        raise
    except IturriError as error:
        raise PublishError(
            f"the build is complete, but not all of it is published: {error}; a retry goes on"
        ) from error


def _accepted(job: Job) -> int:
    return job.progress.accepted if job.progress is not None else 0


async def _funnel(directory: Path) -> Funnel | None:
    """What the ledger says; None when there is none that can be read, of which the build itself tells more."""
    try:
        return await asyncio.to_thread(lambda: BuildReader(directory).funnel())
    except (BuildDirectoryError, LedgerError):
        return None
