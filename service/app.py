"""The FastAPI app of one server: database, backbones and worker live as long as it does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version

from fastapi import Depends, FastAPI

from schemas.settings import Settings, declared_backbones
from service import (
    conversations_routes,
    events_routes,
    health_routes,
    job_actions_routes,
    jobs_routes,
    me_routes,
    metrics_routes,
    page_routes,
    problems,
    recipes_routes,
    reviews_routes,
    shards_routes,
)
from service.admission import known_backbones
from service.answers import Answers
from service.backbones import Backbones
from service.claims import Claims
from service.database import open_pool, prepare
from service.dry_run import DryRuns
from service.guard import Guard
from service.job_events import JobEvents
from service.job_store import JobStore
from service.keys import KeyStore
from service.metrics import Metrics
from service.observing import Observing
from service.opening import database_of
from service.parameters import only_known
from service.places import forget_deleted
from service.reviews import ReviewStore
from service.runner import Runner
from service.sharing import Shared
from service.speeds import Speeds
from service.state import Service
from service.watch import Watch, watching
from service.work_queue import WorkQueue

_log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The app; its lifespan raises ServiceError or SettingsError when the database cannot be used.

    Raises SettingsError when the backbones cannot be declared.
    """
    specs = declared_backbones(settings)
    if not specs:
        _log.warning("no backbone is declared, so no job can be submitted; name their file in ITURRI_BACKBONES")

    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, Backbones(specs), metrics) as (service, watch):
            app.state.service, app.state.watch = service, watch
            yield

    app = FastAPI(
        title="Iturri",
        version=_version(),
        summary="Instruction datasets for languages that have none: submit recipes, watch, read, publish.",
        lifespan=lifespan,
        docs_url=None,  # page_routes has it, without another host's files
        redoc_url=None,
        redirect_slashes=False,  # a POST that is sent elsewhere is followed by few clients
    )
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observing, metrics=metrics)  # the last one is the outermost
    problems.install(app, hints={"backbone": known_backbones(tuple(sorted(specs)))})
    for routes in (
        jobs_routes,
        job_actions_routes,
        events_routes,
        conversations_routes,
        shards_routes,
        reviews_routes,
        recipes_routes,
        me_routes,
    ):
        app.include_router(routes.router, dependencies=[Depends(only_known)])
    for routes in (health_routes, metrics_routes, page_routes):
        app.include_router(routes.router)
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings, backbones: Backbones, metrics: Metrics) -> AsyncIterator[tuple[Service, Watch]]:
    """All parts of a server, started in order; leaving stops jobs first, then engines, then the database."""
    name = f"iturri-{secrets.token_hex(8)}"
    queue = WorkQueue()
    async with contextlib.AsyncExitStack() as stack:
        address = await stack.enter_async_context(database_of(settings))
        await prepare(address)
        pool = await stack.enter_async_context(open_pool(address, name))
        watch = await stack.enter_async_context(watching(pool, settings, name, metrics))
        await asyncio.to_thread(forget_deleted, settings)
        claims = Claims(pool, queue.enqueue, name)
        events = JobEvents(pool)
        await stack.enter_async_context(backbones)
        reviews, speeds, keys = ReviewStore(pool), Speeds(pool), KeyStore(pool)
        dry_runs = await stack.enter_async_context(DryRuns(settings, pool, backbones, speeds))
        runner = Runner(settings, claims, backbones, reviews, keys, speeds, metrics)
        await stack.enter_async_context(queue.working(pool, claims, runner.run, runner.close, settings.jobs_at_once))
        await stack.enter_async_context(events.polling())
        _log.info("server=%s state=working jobs_at_once=%d", name, settings.jobs_at_once)
        yield (
            Service(
                settings,
                store=JobStore(pool, queue.enqueue),
                events=events,
                shared=Shared(),
                answers=Answers(),
                keys=keys,
                reviews=reviews,
                speeds=speeds,
                dry_runs=dry_runs,
                backbones=backbones,
                queue=queue,
            ),
            watch,
        )
        _log.info("server=%s state=closing", name)


def _version() -> str:
    try:
        return version("iturri")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
