"""Key, address, pace and size, before the app reads a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from json import dumps
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ServiceError
from schemas.keys import Limits, Scope
from service import guard
from service.app import create_app
from service.authentication import FAILURES_A_MINUTE, is_loopback
from service.guard import MAX_BODY_BYTES
from tests.support.service_keys import Clock, bearer, change_key, made_key
from tests.support.service_servers import client_of, settings, submission

KEY = "a-key-of-this-test"
OPEN_PATHS = ("/healthz", "/readyz", "/docs", "/openapi.json", "/", "/assets/none.js")


def is_problem(answer: httpx.Response, status: int) -> bool:
    return (
        answer.status_code == answer.json()["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
    )


def told_to_wait(answer: httpx.Response) -> bool:
    return is_problem(answer, 429) and 1 <= int(answer.headers["retry-after"]) <= 60


@asynccontextmanager
async def asking(app: FastAPI, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """One more client of a running app, at an address of its own."""
    transport = httpx.ASGITransport(app, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_every_route_but_health_and_page_asks_for_the_key(tmp_path: Path, database: str) -> None:
    async with client_of(create_app(settings(tmp_path, database, api_key=KEY))) as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {KEY}"}, {"Authorization": KEY}):
            for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/metrics"), ("GET", "/nowhere")):
                answer = await client.request(method, path, headers=headers)
                assert is_problem(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
        assert is_problem(await client.get("/v1/jobs", headers=bearer(f"{KEY}x")), 401)
        assert is_problem(await client.get("/v1/jobs", headers=[(b"authorization", b"Bearer \xff")]), 401)
        assert (await client.get("/v1/jobs", headers=bearer(KEY))).status_code == 200
        assert (await client.post("/v1/jobs", headers=bearer(KEY), json=submission())).status_code == 202
        for path in OPEN_PATHS:
            assert (await client.get(path)).status_code in (200, 404, 503)
        assert (await client.get("/healthz", headers={"Host": "iturri.example"})).status_code == 200
        me = (await client.get("/v1/me", headers=bearer(KEY))).json()
        assert (me["name"], me["scopes"], me["open"]) == ("local", ["admin"], False)


async def test_an_open_server_answers_this_machine_only(tmp_path: Path, database: str) -> None:
    async with client_of(create_app(settings(tmp_path, database))) as client:
        for host in ("iturri.example", "localhost.example:8000", "10.0.0.1", "127.0.0.1.example", "", "[::2]:80"):
            assert is_problem(await client.get("/v1/jobs", headers={"Host": host}), 403)
        for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000"):
            assert (await client.get("/v1/jobs", headers={"Host": host})).status_code == 200
        reached_elsewhere = await client.get("http://192.0.2.1/v1/jobs", headers={"Host": "localhost"})
        assert is_problem(reached_elsewhere, 403)
        assert (await client.get("/v1/me")).json()["open"] is True


async def test_an_open_server_takes_nothing_from_pages_of_other_sites(tmp_path: Path, database: str) -> None:
    async with client_of(create_app(settings(tmp_path, database))) as client:
        for origin in (
            "http://[x",
            "https://iturri.example",
            "http://localhost:3000",
            "null",
            "http://localhost.example",
        ):
            answer = await client.post("/v1/jobs", headers={"Origin": origin}, json=submission())
            assert is_problem(answer, 403) and "other sites" in answer.json()["detail"]
        own = await client.post("/v1/jobs", headers={"Origin": "http://localhost"}, json=submission())
        assert own.status_code == 202
        assert len((await client.get("/v1/jobs")).json()["items"]) == 1


async def test_a_server_closes_with_the_first_key_and_stays_closed(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    async with client_of(create_app(settings(tmp_path, database))) as client:
        assert (await client.get("/v1/jobs")).status_code == 200
        _, given = await made_key(database, "ane", [Scope.READ])
        clock.pass_on()
        assert is_problem(await client.get("/v1/jobs"), 401)
        assert (await client.get("/v1/jobs", headers=bearer(given))).status_code == 200
        assert (await client.get("/v1/jobs", headers=bearer(given) | {"Host": "iturri.example"})).status_code == 200
        change_key(database, "ane", "revoked = now()")
        clock.pass_on()
        for headers in ({}, bearer(given)):
            assert is_problem(await client.get("/v1/jobs", headers=headers), 401)
    async with client_of(create_app(settings(tmp_path, database))) as client:
        assert is_problem(await client.get("/v1/jobs"), 401)


async def test_what_is_said_of_keys_that_open_nothing(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    _, given = await made_key(database, "ane", [Scope.READ])
    wrong = given[:-4] + "AAAA"
    async with client_of(create_app(settings(tmp_path, database))) as client:

        async def said(key: str) -> str:
            clock.pass_on()
            answer = await client.get("/v1/jobs", headers=bearer(key))
            assert is_problem(answer, 401) and "Retry-After" not in answer.headers
            assert given[-43:] not in answer.text
            return str(answer.json()["detail"])

        assert await said(wrong) == await said("itr_00000000_" + "A" * 43) == await said("anything")
        change_key(database, "ane", "expires = '2026-01-01T00:00:00Z'")
        assert await said(given) == "the API key ane expired at 2026-01-01 00:00 UTC"
        change_key(database, "ane", "revoked = now()")
        assert await said(given) == "the API key ane was revoked"
        assert "revoked" not in await said(wrong)


async def test_a_key_beyond_its_pace_waits_and_no_other(tmp_path: Path, database: str) -> None:
    slow = (await made_key(database, "slow", [Scope.READ], limits=Limits(requests_a_minute=3)))[1]
    quick = (await made_key(database, "quick", [Scope.READ]))[1]
    async with client_of(create_app(settings(tmp_path, database))) as client:
        codes = [(await client.get("/v1/jobs", headers=bearer(slow))).status_code for _ in range(3)]
        assert codes == [200] * 3
        answer = await client.get("/v1/jobs", headers=bearer(slow))
        assert told_to_wait(answer)
        assert answer.json()["detail"] == "the key slow may make 3 requests a minute"
        for _ in range(5):
            assert (await client.get("/v1/jobs", headers=bearer(quick))).status_code == 200
        assert (await client.get("/healthz", headers=bearer(slow))).status_code == 200


async def test_an_address_with_many_wrong_keys_waits(tmp_path: Path, database: str) -> None:
    known = (await made_key(database, "known", [Scope.READ]))[1]
    fresh = (await made_key(database, "fresh", [Scope.READ]))[1]
    app = create_app(settings(tmp_path, database))
    async with client_of(app), asking(app, "10.0.0.9") as client:
        assert (await client.get("/v1/jobs", headers=bearer(known))).status_code == 200
        codes = {(await client.get("/v1/jobs", headers=bearer(f"guess-{n}"))).status_code for n in range(29)}
        assert codes == {401} and FAILURES_A_MINUTE == 30
        assert is_problem(await client.get("/v1/jobs"), 401)  # none at all is no guess
        assert is_problem(await client.get("/v1/jobs", headers=bearer("the thirtieth")), 401)
        assert told_to_wait(await client.get("/v1/jobs", headers=bearer("one more")))
        # Who comes from there with a key that has been good before goes on; one that was never seen is not looked up.
        assert (await client.get("/v1/jobs", headers=bearer(known))).status_code == 200
        assert told_to_wait(await client.get("/v1/jobs", headers=bearer(fresh)))
        async with asking(app, "10.0.0.10") as elsewhere:
            assert (await elsewhere.get("/v1/jobs", headers=bearer(fresh))).status_code == 200
            assert is_problem(await elsewhere.get("/v1/jobs", headers=bearer("guess")), 401)


async def test_the_addresses_of_one_ipv6_network_are_one(tmp_path: Path, database: str) -> None:
    app = create_app(settings(tmp_path, database, api_key=KEY))
    async with client_of(app):
        for number in range(FAILURES_A_MINUTE):
            async with asking(app, f"2001:db8::{number:x}") as client:
                assert is_problem(await client.get("/v1/jobs", headers=bearer("guess")), 401)
        async with asking(app, "2001:db8::ffff") as client:
            assert told_to_wait(await client.get("/v1/jobs", headers=bearer("guess")))
        async with asking(app, "2001:db8:0:1::1") as client:
            assert is_problem(await client.get("/v1/jobs", headers=bearer("guess")), 401)


async def test_without_the_database_nobody_is_let_in(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> bool:
        raise ServiceError("the database cannot be used: it is away")

    app = create_app(settings(tmp_path, database))
    async with client_of(app) as client:
        monkeypatch.setattr(app.state.service.keys, "any_made", away)
        answer = await client.get("/v1/jobs")
        assert is_problem(answer, 503) and int(answer.headers["retry-after"]) > 0
        assert (await client.get("/healthz")).status_code == 200


async def test_a_body_above_the_limit_is_refused(tmp_path: Path, database: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    async with client_of(create_app(settings(tmp_path, database))) as client:
        json = {"content-type": "application/json"}
        assert is_problem(await client.post("/v1/jobs", content=b" " * (MAX_BODY_BYTES + 1), headers=json), 413)
        assert is_problem(await client.post("/v1/jobs", content=pieces(), headers=json), 413)
        blanks = dumps(submission()).encode() + b" " * (MAX_BODY_BYTES - 2000)
        assert (await client.post("/v1/jobs", content=blanks, headers=json)).status_code == 202


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begun() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr(guard, "_BODY_S", 0.05)
    async with client_of(create_app(settings(tmp_path, database))) as client:
        assert is_problem(await client.post("/v1/jobs", content=begun()), 408)
        assert (await client.post("/healthz", content=begun())).status_code == 405


@given(st.ip_addresses(v=4))
def test_loopback_is_what_the_network_says(address: object) -> None:
    assert is_loopback(str(address)) == str(address).startswith("127.")


@pytest.mark.parametrize("name", ["", "0.0.0.0", "::", "localhost.", "example.org", "127.1"])  # noqa: S104
def test_what_is_not_loopback(name: str) -> None:
    assert not is_loopback(name)


async def test_json_that_is_no_recipe_is_never_the_servers_fault(tmp_path: Path, database: str) -> None:
    bodies = (b"[" * 200_000, b'{"a":' * 100_000, b"9" * 100_000, b"\xff\xfe", b"", b"null", b'{"name": "\\ud800"}')
    async with client_of(create_app(settings(tmp_path, database))) as client:
        for body in bodies:
            answer = await client.post("/v1/jobs", content=body, headers={"content-type": "application/json"})
            assert answer.is_client_error, (body[:20], answer.text)
            assert is_problem(answer, answer.status_code)
