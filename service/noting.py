"""How a running build stands, written into the database as it gets on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.build import Progress
from schemas.errors import ServiceError
from schemas.funnel import Funnel
from schemas.job import Job, JobProgress
from service.claims import Claim, Claims
from service.ending import cancelled
from service.speeds import Speeds

_log = logging.getLogger(__name__)


def progress_of(funnel: Funnel, running: Progress | None = None) -> JobProgress:
    """The figures of a funnel; of a build that does not run, none is in flight and no time is left."""
    return JobProgress(
        accepted=funnel.accepted,
        target=funnel.target,
        drafts=funnel.drafts,
        tokens=funnel.completion_tokens,
        acceptance=funnel.acceptance if funnel.drafts else None,
        tokens_per_accepted=funnel.tokens_per_accepted,
        in_flight=running.in_flight if running else 0,
        tokens_per_second=running.tokens_per_second if running else 0,
        seconds_left=running.seconds_left if running else None,
    )


class Notes:
    """The newest progress of one job; what the database has not taken yet is replaced by what comes after it."""

    def __init__(self, claims: Claims, claim: Claim, speeds: Speeds, backbone: str) -> None:
        self._claims = claims
        self._claim = claim
        self._speeds = speeds
        self._backbone = backbone
        self._newest: Progress | None = None
        self._there = asyncio.Event()

    def put(self, progress: Progress) -> None:
        self._newest = progress
        self._there.set()

    @asynccontextmanager
    async def being_written(self) -> AsyncIterator[None]:
        """Write while inside."""
        writing = asyncio.create_task(self._write(), name=f"notes of {self._claim.job_id}")
        try:
            yield
        finally:
            await cancelled(writing)

    async def last(self, funnel: Funnel) -> Job | None:
        """How the build stands when its run has ended. Raises ServiceError."""
        return await self._claims.note(self._claim, progress_of(funnel), funnel)

    async def _write(self) -> None:
        while True:
            await self._there.wait()
            self._there.clear()
            try:
                if (progress := self._newest) is not None:
                    await self._claims.note(self._claim, progress_of(progress.funnel, progress), progress.funnel)
                    await self._speeds.note(self._backbone, progress.tokens_per_second)
            except ServiceError as error:
                _log.warning("job=%s cannot be noted: %s", self._claim.job_id, error)
