"""Builds of a server that are published while they run, and releases: who may, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publishers.manifest import parse_manifest
from publishers.reviews import REVIEWS_PATH
from schemas.keys import Scope
from tests.support.hub_server import HubServer
from tests.support.service_keys import bearer, key_store, made_key
from tests.support.service_servers import begun, ended, ready, settings, submission

REPO = "euskaltzaleak/proba"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


def along(**changes: Any) -> dict[str, Any]:
    return submission(publish={"licence": "cc0-1.0", "repo": REPO, "every_shards": 1}, **changes)


def rows(hub: HubServer) -> int:
    return parse_manifest(hub.files(REPO)["manifest.json"], "the Hub").rows


async def test_a_build_is_published_by_the_server_with_its_marks(tmp_path: Path, database: str, hub: HubServer) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=along())).json()["id"]
        job = await ended(client, job_id)
        assert (job["state"], job["error"]) == ("succeeded", None)
        assert job["result"]["publication"]["revision"] == hub.commits(REPO)[-1].oid
        assert rows(hub) == 20
        row = (await client.get(f"/v1/jobs/{job_id}/conversations")).json()["items"][0]["id"]
        assert (await client.put(f"/v1/jobs/{job_id}/reviews/{row}", json={"language": "good"})).status_code == 200
        published = await client.post(f"/v1/jobs/{job_id}/publish", json={"repo": REPO})
        assert (await ended(client, published.json()["id"]))["state"] == "succeeded"
        assert REVIEWS_PATH in hub.files(REPO)


async def test_a_build_that_cannot_be_published_is_published_by_a_retry(
    tmp_path: Path, database: str, hub: HubServer
) -> None:
    hub.limit_commits(0, retry_after=1000)
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=along())).json()["id"]
        job = await ended(client, job_id)
        assert (job["state"], job["funnel"]["accepted"]) == ("failed", 20)
        assert job["error"].startswith("the build is complete, but not all of it is published: the Hub's rate limit")
        hub.lift_limit()
        assert (await client.post(f"/v1/jobs/{job_id}/retry")).status_code == 202
        assert (await ended(client, job_id))["state"] == "succeeded"
        assert rows(hub) == 20


async def test_who_may_not_publish_there_is_refused_at_once(
    tmp_path: Path, database: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, submits = await made_key(database, "ane", [Scope.SUBMIT, Scope.READ], namespaces=["*"])
    _, elsewhere = await made_key(database, "jon", [Scope.SUBMIT, Scope.PUBLISH], namespaces=["ours"])
    _, allowed = await made_key(database, "miren", [Scope.SUBMIT, Scope.PUBLISH], namespaces=["euskaltzaleak"])
    async with ready(settings(tmp_path, database)) as client:
        for key, why in ((submits, "lacks the scope `publish`"), (elsewhere, "may not publish to euskaltzaleak/proba")):
            refused = await client.post("/v1/jobs", json=along(), headers=bearer(key))
            assert (refused.status_code, why in refused.json()["detail"]) == (403, True)
        monkeypatch.delenv("HF_TOKEN")
        refused = await client.post("/v1/jobs", json=along(), headers=bearer(allowed))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "publish.repo")
        without = submission(publish={"licence": "cc0-1.0", "every_minutes": 5})
        refused = await client.post("/v1/jobs", json=without, headers=bearer(allowed))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "publish.repo")
    assert hub.requests == []


async def test_the_builds_of_a_revoked_key_go_on_unpublished(tmp_path: Path, database: str, hub: HubServer) -> None:
    _, given = await made_key(database, "ane", list(Scope), namespaces=["*"])
    wanted = along(backbone="slow", target={"conversations": 40}, output={"shard_rows": 1000})
    async with ready(settings(tmp_path, database, api_key="the-key-of-this-server")) as client:
        client.headers.update(bearer("the-key-of-this-server"))
        job_id = (await client.post("/v1/jobs", json=wanted, headers=bearer(given))).json()["id"]
        await begun(client, job_id)
        async with key_store(database) as store:
            assert await store.revoke("ane")
        job = await ended(client, job_id)
        assert (job["state"], job["funnel"]["accepted"]) == ("failed", 40)
        assert "not all of it is published: the key ane was revoked" in job["error"]
    assert hub.requests == []


async def test_a_publication_is_tagged_and_its_tag_is_part_of_what_was_asked(
    tmp_path: Path, database: str, hub: HubServer
) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=submission())).json()["id"]
        assert (await ended(client, job_id))["state"] == "succeeded"
        where, once = f"/v1/jobs/{job_id}/publish", {"Idempotency-Key": "once"}
        first = await client.post(where, json={"repo": REPO, "tag": "v1.0"}, headers=once)
        job = await ended(client, first.json()["id"])
        assert (job["state"], job["publication"]["tag"], job["result"]["tag"]) == ("succeeded", "v1.0", "v1.0")
        assert hub.repositories[REPO].tags == {"v1.0": hub.commits(REPO)[-1].oid}
        again = await client.post(where, json={"repo": REPO, "tag": "v1.0"}, headers=once)
        assert again.json()["id"] == job["id"] and again.headers["idempotent-replayed"] == "true"
        for other in ({"repo": REPO, "tag": "v2.0"}, {"repo": REPO}):
            assert (await client.post(where, json=other, headers=once)).status_code == 422
        for wrong, field in (({"tag": "v1.0"}, "tag"), ({"repo": REPO, "tag": "no tag"}, "tag")):
            refused = await client.post(where, json=wrong)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
