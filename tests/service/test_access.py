"""Which scope each route asks for, and what a key without it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from schemas.keys import Caller, Scope
from service.access import check_namespace
from service.app import create_app
from service.problems import ProblemError
from tests.support.service_keys import bearer, made_key
from tests.support.service_servers import client_of, settings, submission

SCOPES = set(Scope) - {Scope.ADMIN}


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, set[str] | None]]:
    """(Method, path, scopes) of all that the API's description has; None where it names no key."""
    for path, methods in description["paths"].items():
        for method, about in methods.items():
            scopes = [set(one["key"]) for one in about.get("security", ()) if "key" in one]
            yield method.upper(), path.replace("{", "").replace("}", ""), scopes[0] if scopes else None


async def test_every_route_says_its_scope_and_holds_to_it(tmp_path: Path, database: str) -> None:
    """A key with all scopes but the one that a route names is refused there, and told which one is missing."""
    given = {}
    for missing in SCOPES:
        given[missing.value] = (await made_key(database, f"no-{missing}", sorted(SCOPES - {missing})))[1]
    async with client_of(create_app(settings(tmp_path, database))) as client:
        description = (await client.get("/openapi.json")).json()
        assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
        asked = {}
        for method, path, scopes in operations(description):
            assert (scopes is None) == (not path.startswith("/v1/") and path != "/metrics"), path
            for scope in scopes or ():
                answer = await client.request(method, path, headers=bearer(given[scope]))
                assert answer.status_code == 403, (method, path, answer.text)
                assert f"`{scope}`" in answer.json()["detail"]
            asked[method, path] = scopes
    assert asked["POST", "/v1/jobs"] == {"submit"}
    assert asked["GET", "/v1/jobs"] == {"read"}
    assert asked["POST", "/v1/jobs/job_id/publish"] == {"publish"}
    assert asked["GET", "/v1/me"] == set()


async def test_admin_includes_all_scopes(tmp_path: Path, database: str) -> None:
    _, given = await made_key(database, "boss", [Scope.ADMIN])
    async with client_of(create_app(settings(tmp_path, database)), headers=bearer(given)) as client:
        assert (await client.get("/v1/jobs")).status_code == 200
        assert (await client.post("/v1/jobs", json=submission())).status_code == 202


async def test_a_job_of_another_key_is_seen_and_not_changed(tmp_path: Path, database: str) -> None:
    both = [Scope.SUBMIT, Scope.READ]
    ane, jon = [(await made_key(database, name, both))[1] for name in ("ane", "jon")]
    _, boss = await made_key(database, "boss", [Scope.ADMIN])
    async with client_of(create_app(settings(tmp_path, database))) as client:
        job = (await client.post("/v1/jobs", json=submission(), headers=bearer(ane))).json()
        assert job["key"] == "ane"
        place = f"/v1/jobs/{job['id']}"
        assert (await client.get(place, headers=bearer(jon))).status_code == 200
        for method, path in (("POST", f"{place}/cancel"), ("DELETE", place)):
            answer = await client.request(method, path, headers=bearer(jon))
            assert answer.status_code == 403 and "ane" in answer.json()["detail"]
        assert (await client.post(f"{place}/cancel", headers=bearer(boss))).status_code == 202


@pytest.mark.parametrize(
    ("namespaces", "repo", "allowed"),
    [
        (("ours",), "ours/data", True),
        (("ours", "theirs"), "theirs/data", True),
        (("*",), "any/data", True),
        (("ours",), None, True),
        ((), "ours/data", False),
        (("ours",), "ours-too/data", False),
        (("ours",), "Ours/data", False),
        (("our",), "ours/data", False),
    ],
)
def test_a_key_publishes_to_its_namespaces_only(namespaces: tuple[str, ...], repo: str | None, allowed: bool) -> None:
    caller = Caller(key_id="0", name="ane", scopes=(Scope.PUBLISH,), namespaces=namespaces)
    if allowed:
        check_namespace(caller, repo)
        return
    with pytest.raises(ProblemError) as caught:
        check_namespace(caller, repo)
    assert caught.value.status_code == 403
    known = ", ".join(namespaces) or "none"
    assert caught.value.detail == f"the key ane may not publish to {repo}; its namespaces: {known}"


async def test_a_publication_is_queued_again_by_who_may_publish_it_only(tmp_path: Path, database: str) -> None:
    _, given = await made_key(database, "ane", [Scope.ADMIN], namespaces=["ours"])
    _, submits = await made_key(database, "jon", [Scope.SUBMIT, Scope.READ])
    async with client_of(create_app(settings(tmp_path, database)), headers=bearer(given)) as client:
        with psycopg.connect(database) as connection:
            for job_id, repo, owner in (("pub1", "theirs/x", "ane"), ("pub2", "ours/x", "jon")):
                connection.execute(
                    "INSERT INTO jobs (id, kind, state, name, language, key, key_id, recipe, build_id, publication)"
                    " SELECT %s, 'publication', 'failed', 'x', 'eu', name, id, NULL, 'b', %s FROM keys WHERE name = %s",
                    [job_id, Json({"repo": repo, "private": False}), owner],
                )
        refused = await client.post("/v1/jobs/pub1/retry")
        assert (refused.status_code, "may not publish to theirs/x" in refused.text) == (403, True)
        refused = await client.post("/v1/jobs/pub2/retry", headers=bearer(submits))
        assert (refused.status_code, "`publish`" in refused.text) == (403, True)
        assert (await client.post("/v1/jobs/pub2/retry")).status_code == 202
