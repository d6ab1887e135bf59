"""The database: jobs and queue in one PostgreSQL, reached through one pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from generators.one_line import one_line
from schemas.errors import ServiceError, SettingsError

_CONNECT_S = 10
_SCHEMA_LOCK = 0x69747572  # several servers may start at once on one database
_MIGRATIONS = Path(__file__).parent / "migrations"

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


async def prepare(address: str) -> None:
    """Bring the database's schema up to date. Raises SettingsError for an address that is none, else ServiceError."""
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        # What the parser says quotes the address, password included.
        raise SettingsError("ITURRI_DATABASE_URL is no PostgreSQL address, such as postgresql://host/name") from None
    try:
        await asyncio.to_thread(_migrate, address)
    except (psycopg.Error, SQLAlchemyError) as error:
        raise ServiceError(f"the database cannot be used: {one_line(error)}") from error
    except CommandError as error:
        raise ServiceError(
            f"the database is of a newer Iturri than this one: {one_line(error)}; install that, or a newer one"
        ) from error


def _migrate(address: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(address, connect_timeout=_CONNECT_S),
        poolclass=NullPool,
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@asynccontextmanager
async def open_pool(address: str, application: str) -> AsyncIterator[Pool]:
    """Connections that carry `application` as their name, by which other servers see that this one lives."""
    pool: Pool = AsyncConnectionPool(
        address,
        kwargs={"application_name": application, "connect_timeout": _CONNECT_S, "row_factory": dict_row},
        min_size=2,
        max_size=16,
        timeout=_CONNECT_S,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
    try:
        await pool.open(wait=True, timeout=_CONNECT_S)
    except PoolTimeout as error:
        await pool.close()
        raise ServiceError(f"the database gives no connections: {one_line(error)}") from error
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[AsyncConnection[DictRow]]:
    """A connection whose block is one transaction. Raises ServiceError when the database cannot be reached."""
    try:
        async with pool.connection() as connection:
            yield connection
    except (psycopg.Error, ConnectorException) as error:
        raise ServiceError(f"the database cannot be used: {one_line(error)}") from error
