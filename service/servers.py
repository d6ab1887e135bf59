"""The servers of one database: each says that it lives, and finds out whether all have the same builds folder."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, LiteralString

from generators.one_line import one_line
from schemas.errors import ServiceError, SettingsError
from service.database import Pool, transaction
from service.ending import cancelled
from service.storage import Marker, left_by_the_dead, look_for, told, try_out

_log = logging.getLogger(__name__)

_BEAT_S: Final = 3.0
_SILENT_S: Final = 15
# A server that was killed has no connection any more, and one that hangs has not been seen: neither is living. Its name
# is the application_name of its connections.
LIVING: Final[LiteralString] = """
    SELECT name, host FROM servers
    WHERE seen > now() - interval '15 seconds' AND EXISTS (
        SELECT FROM pg_stat_activity WHERE application_name = name AND datname = current_database())
    ORDER BY name
"""
_SEEN: Final[LiteralString] = """
    INSERT INTO servers (name, host) VALUES (%(name)s, %(host)s) ON CONFLICT (name) DO UPDATE SET seen = now()
"""


class Servers:
    """This server among those of its database. `name` is what its connections call themselves."""

    def __init__(self, pool: Pool, builds: Path, name: str) -> None:
        self._pool = pool
        self._builds = builds
        self._name = name
        self._marker = Marker(builds, name)
        self._looked = time.monotonic()
        self._trouble: str | None = None
        self.free_bytes: int | None = None
        self._unseen: Mapping[str, str] = {}

    @asynccontextmanager
    async def registered(self) -> AsyncIterator[None]:
        """Be one of the servers while inside.

        Raises SettingsError when the builds folder cannot be written, or is not the one of the servers that live
        already; ServiceError when the database cannot be used.
        """
        try:
            # First the marker, then the row: who knows of this server finds its marker.
            await asyncio.to_thread(self._marker.write)
        except OSError as error:
            raise SettingsError(f"ITURRI_BUILDS: {self._builds} cannot be written: {_why(error)}") from error
        beating: list[asyncio.Task[None]] = []
        try:
            await self._say_seen()
            if unseen := await self.unseen_servers():
                raise SettingsError(f"ITURRI_BUILDS: {'; '.join(unseen.values())}")
            await self._clear_away()
            beating = [asyncio.create_task(self._beat()), asyncio.create_task(self._watch_storage())]
            yield
        finally:
            await cancelled(*beating)
            with suppress(ServiceError):  # it is not seen any more, and so not among the living
                await self._execute("DELETE FROM servers WHERE name = %(name)s")
            with suppress(OSError):  # the next server that starts clears it away
                await asyncio.to_thread(self._marker.remove)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with the builds folder, as it was last seen: under `builds`, and under `servers.NAME`."""
        silent = time.monotonic() - self._looked
        if silent > _SILENT_S:
            return {"builds": f"{self._builds} has not answered for {silent:.0f} s"}
        own = {} if self._trouble is None else {"builds": self._trouble}
        return own | {f"servers.{name}": what for name, what in self._unseen.items()}

    async def unseen_servers(self) -> dict[str, str]:
        """By name, what is wrong between this server and another living one; empty when all share one storage.

        Raises ServiceError when the database cannot be used.
        """
        found = await self._wrong()
        # One that has just ended took its row along before its marker.
        return found and {name: what for name, what in (await self._wrong()).items() if name in found}

    async def _wrong(self) -> dict[str, str]:
        others = {str(row["name"]): str(row["host"]) for row in await self._living() if row["name"] != self._name}
        return await asyncio.to_thread(wrong_servers, self._builds, others)

    async def _beat(self) -> None:
        """Say again and again that this server lives."""
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._say_seen()
            except ServiceError as error:
                _log.warning("server=%s cannot say that it lives: %s", self._name, error)

    async def _watch_storage(self) -> None:
        """Try the builds folder again and again. Apart from the heartbeat, since a storage can hang."""
        while True:
            before = set(self.problems.values())
            self._trouble, self.free_bytes = await asyncio.to_thread(try_out, self._marker, self._builds)
            with suppress(ServiceError):  # readiness says that of the database itself
                self._unseen = await self.unseen_servers()
            self._looked = time.monotonic()
            for what in set(self.problems.values()) - before:
                _log.error("server=%s storage: %s", self._name, what)
            await asyncio.sleep(_BEAT_S)

    async def _say_seen(self) -> None:
        await self._execute(_SEEN)

    async def _living(self) -> list[dict[str, Any]]:
        async with transaction(self._pool) as connection:
            return await (await connection.execute(LIVING)).fetchall()

    async def _clear_away(self) -> None:
        """What servers left that were killed: their rows, and their markers."""
        await self._execute("DELETE FROM servers WHERE seen < now() - interval '1 hour'")
        living = frozenset(str(row["name"]) for row in await self._living())
        with suppress(OSError):
            for marker in await asyncio.to_thread(left_by_the_dead, self._builds, living):
                await asyncio.to_thread(shutil.rmtree, marker)

    async def _execute(self, query: LiteralString) -> None:
        async with transaction(self._pool) as connection:
            await connection.execute(query, {"name": self._name, "host": os.uname().nodename})


def wrong_servers(builds: Path, servers: Mapping[str, str]) -> dict[str, str]:
    """Of servers that live, host by name: what is wrong between their storage and this builds folder."""
    wrong = {}
    for name, host in servers.items():
        try:
            what = told(builds, name, host, look_for(builds, name))
        except OSError as error:
            what = f"{builds} cannot be read: {_why(error)}"
        if what is not None:
            wrong[name] = what
    return wrong


def _why(error: OSError) -> str:
    return error.strerror or one_line(error)
