"""What the routes need of the running server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from schemas.settings import Settings
from service.answers import Answers
from service.backbones import Backbones
from service.dry_run import DryRuns
from service.job_events import JobEvents
from service.job_store import JobStore
from service.keys import KeyStore
from service.reviews import ReviewStore
from service.sharing import Shared
from service.speeds import Speeds
from service.work_queue import WorkQueue


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts of one server."""

    settings: Settings
    store: JobStore
    events: JobEvents
    shared: Shared
    answers: Answers
    keys: KeyStore
    reviews: ReviewStore
    speeds: Speeds
    dry_runs: DryRuns
    backbones: Backbones
    queue: WorkQueue


async def _of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


TheService = Annotated[Service, Depends(_of)]
