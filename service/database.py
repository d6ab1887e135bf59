"""The database: jobs and queue in one PostgreSQL, reached through one pool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from generators.one_line import one_line
from schemas.errors import ServiceError, SettingsError

_CONNECT_S = 10
_SCHEMA_LOCK = 0x69747572  # several servers may start at once on one database
_JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('build', 'publication')),
    state text NOT NULL
        CHECK (state IN ('queued', 'running', 'cancelling', 'cancelled', 'succeeded', 'failed')),
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    recipe json,
    build_id text REFERENCES jobs (id),
    publication json,
    result json,
    error text,
    queue_id bigint,
    runner text
);
COMMENT ON COLUMN jobs.queue_id IS 'the one entry of the queue that may run this job; any other is out of date';
COMMENT ON COLUMN jobs.runner IS 'the application_name of the server that runs it';
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (queue_id) WHERE state IN ('queued', 'running', 'cancelling');
"""

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


async def prepare(address: str) -> None:
    """Make the tables that are missing. Raises SettingsError for an address that is none, else ServiceError."""
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        # What the parser says quotes the address, password included.
        raise SettingsError("ITURRI_DATABASE_URL is no PostgreSQL address, such as postgresql://host/name") from None
    try:
        async with await AsyncConnection.connect(address, autocommit=True, connect_timeout=_CONNECT_S) as connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", [_SCHEMA_LOCK])
            found = await (await connection.execute("SELECT to_regclass('procrastinate_jobs')")).fetchone()
            if found is None or found[0] is None:
                # One simple query, so PostgreSQL runs it as one transaction.
                await connection.execute(SchemaManager.get_schema())
            await connection.execute(_JOBS)
    except psycopg.Error as error:
        raise ServiceError(f"the database cannot be used: {one_line(error)}") from error


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
