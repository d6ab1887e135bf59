"""API keys for the tests of the service."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from schemas.keys import Key, Scope
from service import keys
from service.database import open_pool, prepare
from service.keys import KeyStore


class Clock:
    """The time by which servers go when they believe what they have read of keys."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        monkeypatch.setattr(keys, "monotonic", lambda: time.monotonic() + self._ahead)

    def pass_on(self, seconds: float = keys.CACHE_S) -> None:
        self._ahead += seconds


@asynccontextmanager
async def key_store(database: str) -> AsyncIterator[KeyStore]:
    """The keys of a database, as one more server sees them."""
    await prepare(database)
    async with open_pool(database, "iturri-test-keys") as pool:
        yield KeyStore(pool)


async def made_key(database: str, name: str, scopes: Sequence[Scope], **options: Any) -> tuple[Key, str]:
    """A key that is made beside the server, and what its holder sends."""
    async with key_store(database) as store:
        return await store.create(name, scopes, **options)


def bearer(given: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {given}"}


def change_key(database: str, name: str, assignment: str) -> None:
    """Change the row of a key, such as to have it expire."""
    with psycopg.connect(database) as connection:
        connection.execute(f"UPDATE keys SET {assignment} WHERE name = %s", [name])  # noqa: S608
