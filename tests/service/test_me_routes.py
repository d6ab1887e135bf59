"""What a key is told of itself."""

from __future__ import annotations

from pathlib import Path

import psycopg

from schemas.keys import Limits, Scope
from service.app import create_app
from service.quotas import add_usage
from tests.support.service_keys import bearer, key_store
from tests.support.service_servers import client_of, ready, settings, submission


async def test_a_key_sees_its_limits_and_what_it_has_used(tmp_path: Path, database: str) -> None:
    async with key_store(database) as store:
        limits = Limits(unfinished_jobs=1, tokens_a_day=1000)
        key, given = await store.create("ane", [Scope.SUBMIT], ["ours"], limits)
        async with store._pool.connection() as connection:
            await add_usage(connection, key.id, 3, 400)
    async with client_of(create_app(settings(tmp_path, database, backbones=None))) as client:
        answer = await client.get("/v1/me", headers=bearer(given))
        assert answer.json() == {
            "name": "ane",
            "scopes": ["submit"],
            "namespaces": ["ours"],
            "limits": limits.model_dump(),
            "usage": {"unfinished_jobs": 0, "conversations_today": 3, "tokens_today": 400},
            "open": False,
        }


async def test_a_quota_reaches_the_client_as_429_with_a_time(tmp_path: Path, database: str) -> None:
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.SUBMIT], limits=Limits(unfinished_jobs=1))
    held = settings(tmp_path, database)
    async with client_of(create_app(held), headers=bearer(given)) as client:
        slow = submission(backbone="slow", target={"conversations": 100_000})
        assert (await client.post("/v1/jobs", json=slow)).status_code == 202
        answer = await client.post("/v1/jobs", json=slow)
        assert answer.status_code == 429 and answer.headers["retry-after"] == "60"
        assert answer.json()["detail"].startswith("the key ane may have 1 unfinished jobs")
        assert (await client.get("/v1/me")).json()["usage"]["unfinished_jobs"] == 1
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchall() == [(1,)]


async def test_a_dry_run_is_paid_from_the_keys_day(tmp_path: Path, database: str) -> None:
    async with key_store(database) as store:
        _, given = await store.create("ane", [Scope.SUBMIT], limits=Limits(tokens_a_day=1))
    async with ready(settings(tmp_path, database), headers=bearer(given)) as client:
        found = await client.post("/v1/jobs?dry_run=1", json=submission())
        assert found.status_code == 200, found.text
        used = (await client.get("/v1/me")).json()["usage"]
        assert used == {"unfinished_jobs": 0, "conversations_today": 0, "tokens_today": found.json()["tokens"]}
        for query in ("?dry_run=1", ""):
            answer = await client.post(f"/v1/jobs{query}", json=submission())
            assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
