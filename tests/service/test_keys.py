"""API keys in a real database."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from schemas.errors import InputError, ServiceError
from schemas.keys import Key, Limits, Scope
from service.keys import CACHE_S, KeyStore
from tests.support.service_jobs import jobs_in
from tests.support.service_keys import Clock, change_key, key_store, made_key
from tests.support.service_servers import everything

TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def test_a_key_is_found_by_all_of_itself_only(database: str) -> None:
    async with key_store(database) as store:
        limits = Limits(unfinished_jobs=3, tokens_a_day=1_000_000)
        key, given = await store.create("ane", [Scope.SUBMIT, Scope.READ], ["euskaltzaleak"], limits, TOMORROW)
        assert re.fullmatch(r"itr_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", given)
        assert given.startswith(f"itr_{key.id}_")
        assert (key.scopes, key.namespaces, key.limits) == ((Scope.SUBMIT, Scope.READ), ("euskaltzaleak",), limits)
        assert (key.expires, key.revoked, key.last_used) == (TOMORROW, None, None)
        assert await store.all() == [key]
        found = await store.find(given)
        assert found is not None and found.model_copy(update={"last_used": None}) == key
        other = "A" if given[-1] != "A" else "B"
        for wrong in (
            given[:-1] + other,
            given[:-1],
            f"{given} ",
            f"itr_00000000_{given[-43:]}",
            "",
            "itr",
            "\xff" * 56,
        ):
            assert await store.find(wrong) is None and not store.knows(wrong)
        assert store.knows(given)


async def test_the_database_has_a_digest_and_no_secret(database: str) -> None:
    _, given = await made_key(database, "ane", [Scope.READ])
    assert given[-43:] not in everything(database)
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT digest FROM keys").fetchone()
    assert row == (hashlib.sha256(given.encode()).digest(),)


async def test_a_name_is_free_again_once_its_key_is_revoked(database: str) -> None:
    async with key_store(database) as store:
        first, _ = await store.create("ane", [Scope.READ])
        with pytest.raises(InputError, match="there is a key 'ane' already; revoke it first"):
            await store.create("ane", [Scope.READ])
        revoked = await store.revoke("ane")
        assert revoked is not None and revoked.id == first.id and revoked.revoked is not None
        assert await store.revoke("ane") is None
        second, _ = await store.create("ane", [Scope.READ])
        assert [key.id for key in await store.all()] == [first.id, second.id]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Ane!"}, "name: "),
        ({"name": "local"}, "name: 'local' is what requests without a key are called"),
        ({"scopes": []}, "scopes: must not be empty"),
        ({"namespaces": ["a/b"]}, r"namespaces\.0: "),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "expires: 2020-01-01 00:00 UTC is over already"),
    ],
)
async def test_what_a_key_cannot_be(database: str, changes: dict[str, Any], said: str) -> None:
    async with key_store(database) as store:
        with pytest.raises(InputError, match=said):
            await store.create(**{"name": "ane", "scopes": [Scope.READ], **changes})
        assert await store.all() == [] and not await store.any_made()


async def test_a_revocation_reaches_every_server_when_it_reads_the_key_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CACHE_S <= 5
    clock = Clock(monkeypatch)
    async with key_store(database) as here, key_store(database) as there:
        _, given = await here.create("ane", [Scope.READ])
        assert await there.find(given) is not None
        await here.revoke("ane")
        clock.pass_on()
        for store in (here, there):
            found = await store.find(given)
            assert found is not None and found.revoked is not None


async def test_many_requests_of_a_key_read_it_once(database: str) -> None:
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.READ])
        before = asked(store)
        assert all(await asyncio.gather(*(store.find(given) for _ in range(50))))
        assert asked(store) - before == 2  # the key, and when it was used


async def test_the_last_use_is_written_once_a_minute(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.READ])

        async def used() -> datetime | None:
            clock.pass_on()
            assert await store.find(given) is not None
            (key,) = await store.all()
            return key.last_used

        first = await used()
        assert first is not None and await used() == first
        change_key(database, "ane", "last_used = last_used - interval '61 seconds'")
        again = await used()
        assert again is not None and again >= first


async def test_a_wrong_secret_is_no_use_of_the_key(database: str) -> None:
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.READ])
        assert await store.find(given[:-4] + "AAAA") is None
        assert (await store.all())[0].last_used is None


async def test_once_there_was_a_key_there_always_was_one(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    async with key_store(database) as here, key_store(database) as there:
        assert not await there.any_made() and not await there.any_live()
        await here.create("ane", [Scope.READ])
        assert await there.any_live()
        clock.pass_on()
        assert await there.any_made()
        await here.revoke("ane")
        clock.pass_on()
        assert await there.any_made() and not await there.any_live()
        await here.create("jon", [Scope.READ], expires=TOMORROW)
        assert await there.any_live()
        change_key(database, "jon", "expires = now()")
        assert not await there.any_live()


async def test_a_database_that_is_gone_is_one_error(database: str) -> None:
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.READ])
        await store._pool.close()
        with pytest.raises(ServiceError, match="the database cannot be used"):
            await store.find(given)
        with pytest.raises(ServiceError, match="the database cannot be used"):
            await store.any_made()


def test_a_key_as_it_is_shown_has_no_secret() -> None:
    assert not {"digest", "secret"} & Key.model_fields.keys()


def asked(store: KeyStore) -> int:
    """How often the database was asked for a connection."""
    return store._pool.get_stats()["requests_num"]


async def test_what_a_revoked_key_has_waiting_for_the_hub_is_cancelled(database: str) -> None:
    async with jobs_in(database) as jobs, key_store(database) as keys:
        ane = await jobs.key("ane")
        build, local = await jobs.build(ane), await jobs.build(ane)
        publications = [await jobs.publication(local, repo, ane) for repo in ("ours/one", None)]
        assert await keys.revoke("ane") is not None
        states = [await jobs.state(job) for job in (build, *publications)]
        assert states == ["queued", "cancelled", "queued"]
        told = await jobs.store.get(publications[0].id)
        assert told is not None and told.error == "the key ane was revoked"
        assert (await jobs.events.read(told.id, 0))[-1].state.final
