"""Key, address and size, before the app reads a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.guard import MAX_BODY_BYTES, is_loopback
from tests.support.service_servers import ready, settings, submission

KEY = "a-key-of-this-test"
BEARER = {"Authorization": f"Bearer {KEY}"}


def is_problem(answer: httpx.Response, status: int) -> bool:
    return (
        answer.status_code == answer.json()["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
    )


async def test_every_route_but_health_asks_for_the_key(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database, api_key=KEY)) as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {KEY}"}, {"Authorization": KEY}):
            for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/nowhere")):
                answer = await client.request(method, path, headers=headers)
                assert is_problem(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
        assert is_problem(await client.get("/v1/jobs", headers={"Authorization": f"Bearer {KEY}x"}), 401)
        assert is_problem(await client.get("/v1/jobs", headers=[(b"authorization", b"Bearer \xff")]), 401)
        assert (await client.get("/v1/jobs", headers=BEARER)).status_code == 200
        assert (await client.post("/v1/jobs", headers=BEARER, json=submission())).status_code == 202
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/healthz", headers={"Host": "iturri.example"})).status_code == 200


async def test_without_a_key_only_this_machine_is_answered(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        for host in ("iturri.example", "localhost.example:8000", "10.0.0.1", "127.0.0.1.example", "", "[::2]:80"):
            assert is_problem(await client.get("/v1/jobs", headers={"Host": host}), 403)
        for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000"):
            assert (await client.get("/v1/jobs", headers={"Host": host})).status_code == 200


async def test_a_body_above_the_limit_is_refused(tmp_path: Path, database: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    async with ready(settings(tmp_path, database)) as client:
        json = {"content-type": "application/json"}
        assert is_problem(await client.post("/v1/jobs", content=b" " * (MAX_BODY_BYTES + 1), headers=json), 413)
        assert is_problem(await client.post("/v1/jobs", content=pieces(), headers=json), 413)
        long = submission(publish={"licence": "cc0-1.0", "description": "a" * (MAX_BODY_BYTES - 2000)})
        assert (await client.post("/v1/jobs", json=long)).status_code == 202


@given(st.ip_addresses(v=4))
def test_loopback_is_what_the_network_says(address: object) -> None:
    assert is_loopback(str(address)) == str(address).startswith("127.")


@pytest.mark.parametrize("name", ["", "0.0.0.0", "::", "localhost.", "example.org", "127.1"])  # noqa: S104
def test_what_is_not_loopback(name: str) -> None:
    assert not is_loopback(name)
