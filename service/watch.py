"""What watches a server: its metrics, and what it knows of its storage and of the other servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from schemas.settings import Settings
from service.database import Pool, transaction
from service.loop_lag import measure_loop_lag
from service.metrics import Metrics
from service.servers import Servers


@dataclass(frozen=True, slots=True)
class Census:
    """The jobs of a database: how many by (kind, state), and for how long the oldest queued one has waited."""

    jobs: dict[tuple[str, str], int]
    queue_age_seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What watches one server."""

    metrics: Metrics
    servers: Servers
    pool: Pool

    async def census(self) -> Census:
        """Raises ServiceError when the database cannot be used."""
        async with transaction(self.pool) as connection:
            counted = await connection.execute(
                "SELECT kind, state, count(*) AS jobs, extract(epoch FROM now() - min("
                "  CASE WHEN started IS NULL THEN created ELSE updated END))::float AS age"
                " FROM jobs GROUP BY kind, state"
            )
            rows = await counted.fetchall()
        ages = [row["age"] for row in rows if row["state"] == "queued"]
        return Census({(row["kind"], row["state"]): row["jobs"] for row in rows}, max([0.0, *ages]))


@asynccontextmanager
async def watching(pool: Pool, settings: Settings, name: str, metrics: Metrics) -> AsyncIterator[Watch]:
    """Register the server, whose connections are called `name`, and measure its event loop, while inside.

    Raises SettingsError when the builds folder cannot be used, or is not the one of the other servers; ServiceError
    when the database cannot be used.
    """
    servers = Servers(pool, settings.builds, name)
    async with servers.registered():
        lag = asyncio.create_task(measure_loop_lag(metrics), name="event loop lag")
        try:
            yield Watch(metrics, servers, pool)
        finally:
            lag.cancel()


async def _of(request: Request) -> Watch:
    return cast(Watch, request.app.state.watch)


TheWatch = Annotated[Watch, Depends(_of)]
