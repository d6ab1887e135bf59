"""Submitting, listing, reading, cancelling and publishing jobs."""

from __future__ import annotations

import asyncio
from json import dumps
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.embedding_server import embedding_server
from tests.support.service_servers import begun, ended, ready, settings, submission


def fields(answer: httpx.Response) -> dict[str, str]:
    """The problem's fields with what is said of them."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    return {error["field"]: error["message"] for error in problem["errors"]}


def shards(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


async def test_a_job_from_recipe_to_publication(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        answer = await client.post("/v1/jobs", json=submission())
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
        assert answer.json()["state"] == "queued"

        job = await ended(client, answer.json()["id"])
        assert (job["state"], job["error"], job["attempts"]) == ("succeeded", None, 1)
        assert job["funnel"]["accepted"] == job["result"]["conversations"] == 20
        assert Path(job["result"]["directory"]) == tmp_path / "builds" / job["id"]

        rows: list[dict[str, Any]] = []
        after = 0
        while after is not None:
            page = (await client.get(f"/v1/jobs/{job['id']}/conversations", params={"after": after, "limit": 8})).json()
            rows.extend(page["items"])
            after = page["next"]
        assert len({row["id"] for row in rows}) == len(rows) == 20
        assert rows[0]["messages"][0]["role"] == "user"

        answer = await client.post(f"/v1/jobs/{job['id']}/publish", json={})
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
        publication = await ended(client, answer.json()["id"])
        assert (publication["state"], publication["error"]) == ("succeeded", None)
        assert (publication["kind"], publication["build_id"]) == ("publication", job["id"])
        target = Path(publication["result"]["target"])
        assert target == tmp_path / "publications" / f"scripted-{job['id']}"
        assert (target / "README.md").is_file() and len(shards(target)) == 3

        again = await ended(client, (await client.post(f"/v1/jobs/{job['id']}/publish")).json()["id"])
        assert (again["state"], again["result"]["uploaded"]) == ("succeeded", 0)
        assert (await client.post(f"/v1/jobs/{publication['id']}/publish")).status_code == 409
        assert (await client.get(f"/v1/jobs/{publication['id']}/conversations")).status_code == 409


async def test_dropped_drafts_are_read_by_reason(tmp_path: Path, database: str) -> None:
    recipe = submission(filters={"shape": {"max_chars": 75}, "language": {"enabled": False}})
    async with ready(settings(tmp_path, database)) as client:
        job = await ended(client, (await client.post("/v1/jobs", json=recipe)).json()["id"])
        where = f"/v1/jobs/{job['id']}/conversations"
        dropped = (await client.get(where, params={"verdict": "dropped"})).json()
        reasons = {item["reason"] for item in dropped["items"]}
        assert reasons == {row["reason"] for row in job["funnel"]["rows"]} - {"accepted"}
        for reason in reasons:
            some = (await client.get(where, params={"verdict": "dropped", "reason": reason, "limit": 1})).json()
            assert [item["reason"] for item in some["items"]] == [reason]
        assert "reason" in fields(await client.get(where, params={"reason": "shape.empty"}))
        assert "limit" in fields(await client.get(where, params={"limit": 0}))
        assert "after" in fields(await client.get(where, params={"after": 1 << 63}))


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"backbone": "fast"}, "backbone", "known: quick, slow"),
        ({"backbone": "../quick"}, "backbone", "known: quick, slow"),
        ({"backbone": {"kind": "vllm", "model": "/etc"}}, "backbone", "known: quick, slow"),
        ({"output": {"directory": "/etc"}}, "output.directory", "leave this out"),
        (
            {"filters": {"duplicates": {"against": ["user/earlier", "/etc/passwd.jsonl"]}}},
            "filters.duplicates.against.1.dataset",
            "none of its own files",
        ),
        ({"language": "xx"}, "language", "known: en, eu"),
        ({"target": {"conversations": 0}}, "target.conversations", "greater than or equal to 1"),
        (
            {
                "filters": {
                    "duplicates": {"semantic": {"embedder": {"model": "m", "endpoints": ["http://10.0.0.1/v1"]}}}
                }
            },
            "filters.duplicates.semantic.embedder",
            "must be the name of an embedder that this server declares",
        ),
        ({"hf_token": "hf_secret"}, "hf_token", "there is no such field"),
        ({"publish": {"token": "hf_secret"}}, "publish.token", "there is no such field"),
        (
            {"modes": [{"mode": "magpie", "exchange": {"max": 2}}]},
            "modes.0.exchange",
            "there is no such field; did you mean exchanges?",
        ),
    ],
)
async def test_a_recipe_that_is_not_taken(
    tmp_path: Path, database: str, changes: dict[str, Any], field: str, said: str
) -> None:
    async with ready(settings(tmp_path, database)) as client:
        answer = await client.post("/v1/jobs", json=submission(**changes))
        assert answer.status_code == 422
        assert said in fields(answer)[field]
        assert "hf_secret" not in answer.text
        assert (await client.get("/v1/jobs")).json()["items"] == []


async def test_a_job_with_an_embedder_that_the_server_declares(tmp_path: Path, database: str) -> None:
    with embedding_server() as server:
        chosen = settings(tmp_path, database)
        assert chosen.backbones is not None
        with chosen.backbones.open("a") as file:
            file.write(dumps({"kind": "embeddings", **server.spec(retries=0)}).join(("bektoreak: ", "\n")))
        semantic = {"embedder": "bektoreak", "threshold": 0.9}
        filters = {"language": {"enabled": False}, "duplicates": {"threshold": 1, "semantic": semantic}}
        recipe = submission(filters=filters, target={"conversations": 16})
        async with ready(chosen) as client:
            job = await ended(client, (await client.post("/v1/jobs", json=recipe)).json()["id"])
            assert (job["state"], job["funnel"]["accepted"]) == ("succeeded", 16)
            reasons = {row["reason"] for row in job["funnel"]["rows"]}
            assert reasons & {"duplicates.semantic", "duplicates.in_flight"}
            assert server.url not in dumps(job)
            server.always = 500
            job = await ended(client, (await client.post("/v1/jobs", json=recipe)).json()["id"])
            assert job["state"] == "failed"
            assert job["error"].startswith("filters.duplicates.semantic.embedder.endpoints: ")
            assert (await client.get("/readyz")).status_code == 200, "the backbone is not to blame"


async def test_requests_that_make_no_sense(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        json = {"content-type": "application/json"}
        assert "body" in fields(await client.post("/v1/jobs", content=b"{", headers=json))
        assert (await client.post("/v1/jobs", content=b'{"a": 1}')).status_code == 422
        assert (await client.post("/v1/jobs", json=[])).status_code == 422
        for path in ("/v1/jobs/none", "/v1/jobs/none/conversations", "/nowhere"):
            answer = await client.get(path)
            assert answer.status_code == 404 and fields(answer) == {}
        for path in ("/v1/jobs/none/cancel", "/v1/jobs/none/publish"):
            assert (await client.post(path)).status_code == 404
        assert "body" in fields(await client.post("/v1/jobs", content=b"\xff{}", headers=json))
        other = fields(await client.post("/v1/jobs", content=b"name: scripted", headers={"content-type": "text/yaml"}))
        assert other == {"body": "send JSON, with Content-Type: application/json"}
        faulty = fields(await client.post("/v1/jobs", json=submission(modes=[{"mode": "prompts"}])))
        assert faulty == {"modes.0.prompts": "this field is required"}
        for misspelt, meant in (("dryrun=1", "did you mean dry_run?"), ("wait=1", "there are: ")):
            name, _, _ = misspelt.partition("=")
            assert meant in fields(await client.post(f"/v1/jobs?{misspelt}", json=submission()))[name]
        assert "name" in fields(await client.get("/v1/jobs?name=%00"))
        assert "status" in fields(await client.get("/v1/jobs?status=failed"))
        assert "/docs" in (await client.post("/v1/jobs/", json=submission())).json()["detail"]
        refused = await client.delete("/v1/jobs")
        assert refused.status_code == 405 and refused.headers["Allow"] == "GET, POST"
        assert "job_id" in fields(await client.get("/v1/jobs/%00"))
        half = dumps(submission(publish={"title": "\ud800"})).encode()
        assert "publish.title" in fields(await client.post("/v1/jobs", content=half, headers=json))
        assert (await client.get("/v1/jobs")).json()["items"] == []
        text = {"description": "zero \x00 here"}
        answer = await client.post("/v1/jobs", json=submission(publish={**text, "licence": "cc0-1.0"}))
        assert answer.status_code in (202, 422)


async def test_jobs_are_listed_newest_first_and_paged(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        submitted = [
            (await client.post("/v1/jobs", json=submission(target={"conversations": 1}))).json()["id"] for _ in range(5)
        ]
        for job_id in submitted:
            await ended(client, job_id)
        seen: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = (await client.get("/v1/jobs", params={"limit": 2, **cursor})).json()
            seen.extend(job["id"] for job in page["items"])
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == submitted[::-1]
        assert (await client.get("/v1/jobs", params={"state": "queued"})).json() == {"items": [], "next": None}
        assert "state" in fields(await client.get("/v1/jobs", params={"state": "odd"}))


async def test_cancelling(tmp_path: Path, database: str) -> None:
    endless = submission(backbone="slow", target={"conversations": 100_000})
    async with ready(settings(tmp_path, database, jobs_at_once=1)) as client:
        running = (await client.post("/v1/jobs", json=endless)).json()["id"]
        await begun(client, running)
        waiting = (await client.post("/v1/jobs", json=endless)).json()
        assert waiting["state"] == "queued"

        assert (await client.post(f"/v1/jobs/{running}/publish")).status_code == 409
        answer = await client.post(f"/v1/jobs/{waiting['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
        answer = await client.post(f"/v1/jobs/{running}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")

        stopped = await ended(client, running)
        assert stopped["state"] == "cancelled"
        kept = (await client.get(f"/v1/jobs/{running}/conversations", params={"limit": 200})).json()["items"]
        assert len(kept) == min(stopped["funnel"]["accepted"], 200) > 0
        never = (await client.get(f"/v1/jobs/{waiting['id']}")).json()
        assert (never["state"], never["attempts"]) == ("cancelled", 0)
        assert (await client.get(f"/v1/jobs/{waiting['id']}/conversations")).json()["items"] == []

        assert (await client.post(f"/v1/jobs/{running}/cancel")).json()["state"] == "cancelled"
        done = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
        assert done["state"] == "succeeded"
        assert (await client.post(f"/v1/jobs/{done['id']}/cancel")).status_code == 409


async def test_a_publication_does_not_wait_for_builds(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database, jobs_at_once=1)) as client:
        done = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
        endless = submission(backbone="slow", target={"conversations": 100_000})
        running = (await client.post("/v1/jobs", json=endless)).json()["id"]
        await begun(client, running)
        publication = await ended(client, (await client.post(f"/v1/jobs/{done['id']}/publish")).json()["id"])
        assert publication["state"] == "succeeded"
        assert (await client.get(f"/v1/jobs/{running}")).json()["state"] == "running"


async def test_two_builds_share_one_backbone(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database, jobs_at_once=2)) as client:
        endless = submission(backbone="slow", target={"conversations": 100_000})
        both = [(await client.post("/v1/jobs", json=endless)).json()["id"] for _ in range(2)]
        jobs = await asyncio.gather(*(begun(client, job_id) for job_id in both))
        assert [job["state"] for job in jobs] == ["running", "running"]
        states = [(await client.get(f"/v1/jobs/{job_id}")).json()["state"] for job_id in both]
        assert states == ["running", "running"]
        for job_id in both:
            assert (await client.post(f"/v1/jobs/{job_id}/cancel")).is_success
        assert [(await ended(client, job_id))["state"] for job_id in both] == ["cancelled", "cancelled"]


async def test_a_build_that_gives_up_says_why(tmp_path: Path, database: str) -> None:
    recipe = submission(filters={"shape": {"min_chars": 1000}}, target={"conversations": 5, "max_drafts": 10})
    async with ready(settings(tmp_path, database)) as client:
        job = await ended(client, (await client.post("/v1/jobs", json=recipe)).json()["id"])
        assert job["state"] == "failed"
        assert job["error"].startswith("gave up at target.max_drafts: 0 of 5 conversations after 10 drafts")
        assert (await client.post(f"/v1/jobs/{job['id']}/publish")).status_code == 409


async def test_the_hub_needs_the_servers_token(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    async with ready(settings(tmp_path, database)) as client:
        job = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
        where = f"/v1/jobs/{job['id']}/publish"
        assert "HF_TOKEN" in fields(await client.post(where, json={"repo": "eu/proba"}))["repo"]
        for repo in ("proba", "../..", "a\0/b", "a/b c"):
            assert "repo" in fields(await client.post(where, json={"repo": repo}))
        assert "token" in fields(await client.post(where, json={"repo": "eu/proba", "token": "hf_secret"}))


async def test_a_publication_that_fails_says_why(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
        shards(tmp_path / "builds" / job["id"])[0].write_bytes(b"damaged")
        publication = await ended(client, (await client.post(f"/v1/jobs/{job['id']}/publish")).json()["id"])
        assert publication["state"] == "failed"
        assert publication["error"].startswith("shard ") and "damaged" in publication["error"]


async def test_the_description_has_summaries_and_an_example(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert all(operation["summary"] for path in paths.values() for operation in path.values())
        body = paths["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
        example = body["examples"]["first"]["value"]
        answer = await client.post("/v1/jobs", json={**example, "backbone": "quick"})
        assert answer.status_code == 202
        assert (await client.get("/docs")).status_code == 200
