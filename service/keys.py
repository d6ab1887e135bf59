"""API keys in the database: made, listed, revoked, and found again by what a caller sends.

A key is `itr_`, its id, `_` and a secret of 256 bits. Only its SHA-256 is stored: nothing slower is needed to guard
what nobody can guess.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Json
from pydantic import ValidationError

from schemas.errors import InputError
from schemas.job import Kind
from schemas.keys import LOCAL, Caller, Key, Limits, Scope, Usage
from schemas.problems import first_problem
from service.database import Pool, transaction
from service.job_rows import change
from service.quotas import add_usage, check_day, check_quota, usage_of

# How long a server goes by what it has read of a key, and so the most that a revocation takes to reach it.
CACHE_S = 3.0
_LAST_USED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"itr_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_COLUMNS: Final = "id, name, scopes, namespaces, limits, created, expires, revoked, last_used"


@dataclass(slots=True)
class _Read:
    """What was read of one key, and when."""

    key: Key
    digest: bytes
    at: float


class KeyStore:
    """All methods raise ServiceError when the database cannot be reached."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading = asyncio.Lock()
        self._known: dict[str, _Read] = {}  # of keys that there are, so that guesses do not fill it
        self._made = False
        self._looked = float("-inf")

    async def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        namespaces: Sequence[str] = (),
        limits: Limits | None = None,
        expires: datetime | None = None,
    ) -> tuple[Key, str]:
        """A new key, and what its holder sends, which nothing can tell again.

        Raises InputError for a name that is taken, and for values that a key cannot have.
        """
        key_id = secrets.token_hex(4)
        given = f"itr_{key_id}_{secrets.token_urlsafe(32)}"
        asked = {
            "id": key_id,
            "name": name,
            "scopes": tuple(dict.fromkeys(scopes)),
            "namespaces": tuple(dict.fromkeys(namespaces)),
            "limits": limits or Limits(),
            "created": datetime.now(UTC),
            "expires": expires,
        }
        try:
            key = Key.model_validate(asked)
        except ValidationError as error:
            where, what = first_problem(error)
            raise InputError(f"{where}: {what}") from error
        if name == LOCAL:
            raise InputError(f"name: {LOCAL!r} is what requests without a key are called; choose another one")
        if expires is not None and expires <= key.created:
            raise InputError(f"expires: {expires:%Y-%m-%d %H:%M} UTC is over already")
        values = {**asked, "digest": _digest(given), "limits": Json(key.limits.model_dump())}
        async with transaction(self._pool) as connection:
            try:
                cursor = await connection.execute(
                    "INSERT INTO keys (id, name, digest, scopes, namespaces, limits, expires)"
                    " VALUES (%(id)s, %(name)s, %(digest)s, %(scopes)s, %(namespaces)s, %(limits)s, %(expires)s)"
                    f" RETURNING {_COLUMNS}",
                    {**values, "scopes": [*key.scopes], "namespaces": [*key.namespaces]},
                )
            except UniqueViolation as error:
                taken = f"name: there is a key {name!r} already; revoke it first, or choose another name"
                raise InputError(taken) from error
            return Key.model_validate(await cursor.fetchone()), given

    async def all(self) -> list[Key]:
        """All keys that were ever made, oldest first."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id")
            return [Key.model_validate(row) for row in await cursor.fetchall()]

    async def revoke(self, name: str) -> Key | None:
        """The key of that name, which every server refuses after CACHE_S seconds; None when there is none to revoke."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"UPDATE keys SET revoked = now() WHERE name = %s AND revoked IS NULL RETURNING {_COLUMNS}",
                [name],
            )
            row = await cursor.fetchone()
            if row is None:
                return None
            key = Key.model_validate(row)
            await _cancel_publications(connection, key)
            return key

    async def opens(self, caller: Caller) -> bool:
        """Whether the key that the caller came with still opens something; always so for who came without one."""
        if caller.key_id is None:
            return True
        read = await self._fresh(caller.key_id)
        return read is not None and read.key.opens(datetime.now(UTC))

    async def revoked(self, job_id: str) -> str | None:
        """The name of the key that the job was submitted with, when that was revoked since; else None."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT keys.name FROM jobs JOIN keys ON keys.id = jobs.key_id"
                " WHERE jobs.id = %s AND keys.revoked IS NOT NULL",
                [job_id],
            )
            row = await cursor.fetchone()
        return None if row is None else str(row["name"])

    async def find(self, given: str) -> Key | None:
        """The key that a caller sends, also when it is revoked or has expired; None when there never was such a key."""
        if (form := _FORM.fullmatch(given)) is None:
            return None
        read = await self._fresh(form[1])
        if read is None or not hmac.compare_digest(read.digest, _digest(given)):
            return None
        now = datetime.now(UTC)
        if read.key.last_used is None or now - read.key.last_used >= _LAST_USED_EVERY:
            read.key = read.key.model_copy(update={"last_used": now})
            async with transaction(self._pool) as connection:
                await connection.execute(
                    "UPDATE keys SET last_used = now()"
                    " WHERE id = %s AND (last_used IS NULL OR last_used <= now() - %s)",
                    [read.key.id, _LAST_USED_EVERY],
                )
        return read.key

    def knows(self, given: str) -> bool:
        """Whether this very key was found here before; asks no database."""
        form = _FORM.fullmatch(given)
        read = self._known.get(form[1]) if form is not None else None
        return read is not None and hmac.compare_digest(read.digest, _digest(given))

    async def any_made(self) -> bool:
        """Whether there ever was a key, revoked ones too. A no is believed for CACHE_S seconds, a yes for ever."""
        if not self._made and monotonic() - self._looked >= CACHE_S:
            async with self._reading:
                if monotonic() - self._looked >= CACHE_S:
                    looked = monotonic()
                    self._made = await self._is_there("true")
                    self._looked = looked
        return self._made

    async def any_live(self) -> bool:
        """Whether there is a key that opens something now."""
        return await self._is_there("revoked IS NULL AND (expires IS NULL OR expires > now())")

    async def usage(self, key_id: str | None) -> Usage:
        """What the key has used; None stands for requests without one, of which only the jobs are counted."""
        async with transaction(self._pool) as connection:
            return await usage_of(connection, key_id)

    @asynccontextmanager
    async def spending(self, caller: Caller) -> AsyncIterator[Callable[[int], None]]:
        """For what is sampled without a job: call what this yields with the tokens; they are booked at the end.

        Raises ProblemError, a 429, before anything is spent when nothing is left of the caller's day.
        """
        async with transaction(self._pool) as connection:
            await check_day(connection, caller)
        spent: list[int] = []
        try:
            yield spent.append
        finally:
            if any(spent):
                async with transaction(self._pool) as connection:
                    await add_usage(connection, caller.key_id, 0, sum(spent))

    def admission(self, caller: Caller, kind: Kind) -> Callable[[AsyncConnection[DictRow]], Awaitable[None]]:
        """What refuses the caller's job, inside the transaction that makes it, when that is more than the key may have.

        It raises ProblemError, a 429.
        """
        return partial(check_quota, caller=caller, kind=kind)

    async def _fresh(self, key_id: str) -> _Read | None:
        """What the database has of the key now, or had CACHE_S seconds ago at most."""
        if (read := self._kept(key_id)) is not None:
            return read
        async with self._reading:  # many requests of one key read it once
            if (read := self._kept(key_id)) is not None:
                return read
            at = monotonic()
            async with transaction(self._pool) as connection:
                cursor = await connection.execute(
                    f"SELECT {_COLUMNS}, digest FROM keys WHERE id = %s",
                    [key_id],
                )
                row = await cursor.fetchone()
            if row is None:
                return None
            self._known[key_id] = read = _read_of(row, at)
            return read

    def _kept(self, key_id: str) -> _Read | None:
        read = self._known.get(key_id)
        return read if read is not None and monotonic() - read.at < CACHE_S else None

    async def _is_there(self, condition: str) -> bool:
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(f"SELECT FROM keys WHERE {condition} LIMIT 1")
            return await cursor.fetchone() is not None


async def _cancel_publications(connection: AsyncConnection[DictRow], key: Key) -> None:
    """Those to the Hub that wait: they would go out with the server's own token, whoever has asked for them."""
    waiting = "state IN ('queued', 'paused')"
    cursor = await connection.execute(
        f"SELECT id FROM jobs WHERE key_id = %s AND publication ->> 'repo' IS NOT NULL AND {waiting}", [key.id]
    )
    for row in await cursor.fetchall():
        await change(
            connection,
            "state = 'cancelled', finished = now(), error = %(error)s",
            f"id = %(id)s AND {waiting}",
            {"id": row["id"], "error": f"the key {key.name} was revoked"},
        )


def _read_of(row: DictRow, at: float) -> _Read:
    digest = bytes(row.pop("digest"))
    return _Read(Key.model_validate(row), digest, at)


def _digest(given: str) -> bytes:
    return hashlib.sha256(given.encode()).digest()
