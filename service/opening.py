"""The database of this machine's settings, opened: by a server, or by a command beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.settings import Settings
from service.database import open_pool, prepare
from service.keys import KeyStore
from service.postgres import EmbeddedPostgres


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[str]:
    """The database's address; the embedded one runs as long as anybody is inside. Raises ServiceError."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    postgres = EmbeddedPostgres(settings.data / "postgres")
    try:
        yield await asyncio.to_thread(postgres.start)
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def opened_keys(settings: Settings) -> AsyncIterator[KeyStore]:
    """The keys, whether or not a server runs. Raises SettingsError, ServiceError."""
    async with database_of(settings) as address:
        await prepare(address)
        async with open_pool(address, "iturri-keys") as pool:
            yield KeyStore(pool)
