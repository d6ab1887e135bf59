"""Marking conversations over HTTP, and what is published of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from publishers.reviews import REVIEWS_PATH, read_reviews
from tests.support.service_servers import LIMIT_S, begun, ended, ready, settings, submission

GOOD = {"language": "good", "content": "good"}


async def rows_of(client: httpx.AsyncClient, job_id: str) -> list[str]:
    page = (await client.get(f"/v1/jobs/{job_id}/conversations", params={"limit": 200})).json()
    return [row["id"] for row in page["items"]]


async def paused(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job, once its run has acknowledged that it is to pause."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        job: dict[str, Any] = (await client.get(f"/v1/jobs/{job_id}")).json()
        if job["state"] == "paused":
            return job
        assert job["state"] == "pausing" and time.monotonic() < deadline, job
        await asyncio.sleep(0.02)


async def test_marks_are_put_read_and_taken_back(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"]))["id"]
        where, rows = f"/v1/jobs/{job_id}/reviews", sorted(await rows_of(client, job_id))
        for row in rows[:3]:
            answer = await client.put(f"{where}/{row}", json=GOOD)
            assert answer.status_code == 200, answer.text
        mark = answer.json()
        assert (mark["row_id"], mark["reviewer"], mark["language"], mark["note"]) == (rows[2], "local", "good", None)
        changed = await client.put(f"{where}/{rows[2]}", json={"language": "bad", "note": "Kalko bat."})
        assert (changed.json()["language"], changed.json()["content"]) == ("bad", None)

        first = (await client.get(where, params={"limit": 2})).json()
        assert [item["row_id"] for item in first["items"]] == rows[:2]
        second = (await client.get(where, params={"limit": 2, "after": first["next"], "mine": True})).json()
        assert [item["row_id"] for item in second["items"]] == rows[2:3] and second["next"] is None

        assert (await client.delete(f"{where}/{rows[0]}")).status_code == 204
        again = await client.delete(f"{where}/{rows[0]}")
        assert again.status_code == 404 and again.headers["content-type"] == "application/problem+json"
        assert len((await client.get(where)).json()["items"]) == 2


async def test_only_rows_of_the_build_can_be_marked(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        done, other = [
            (await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"]))["id"]
            for _ in range(2)
        ]
        (row, *_) = await rows_of(client, other)
        where = f"/v1/jobs/{done}/reviews"
        for row_id in (row, "none"):
            answer = await client.put(f"{where}/{row_id}", json=GOOD)
            assert (answer.status_code, answer.json()["detail"]) == (404, f"this build has accepted no row {row_id}")
        assert (await client.put(f"/v1/jobs/none/reviews/{row}", json=GOOD)).status_code == 404
        publication = await ended(client, (await client.post(f"/v1/jobs/{done}/publish")).json()["id"])
        for method in ("PUT", "DELETE"):
            body = {"json": GOOD} if method == "PUT" else {}
            answer = await client.request(method, f"/v1/jobs/{publication['id']}/reviews/{row}", **body)  # type: ignore[arg-type]
            assert answer.status_code == 409
        assert (await client.get(f"/v1/jobs/{publication['id']}/reviews")).status_code == 409


@pytest.mark.parametrize(
    ("mark", "field"),
    [
        ({}, "body"),
        ({"note": "Bai."}, "body"),
        ({"language": "fine"}, "language"),
        ({"language": "good", "note": "a" * 2001}, "note"),
        ({"language": "good", "note": "a\0b"}, "note"),
        ({"language": "good", "score": 5}, "score"),
    ],
)
async def test_a_mark_that_says_nothing_or_too_much(
    tmp_path: Path, database: str, mark: dict[str, object], field: str
) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"]))["id"]
        (row, *_) = await rows_of(client, job_id)
        answer = await client.put(f"/v1/jobs/{job_id}/reviews/{row}", json=mark)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert (await client.get(f"/v1/jobs/{job_id}/reviews", params={"after": "row"})).status_code == 422


async def test_marks_are_published_and_published_anew(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"]))["id"]
        rows = await rows_of(client, job_id)

        async def published() -> Path:
            job = await ended(client, (await client.post(f"/v1/jobs/{job_id}/publish")).json()["id"])
            assert job["state"] == "succeeded", job
            return Path(job["result"]["target"])

        target = await published()
        assert not (target / REVIEWS_PATH).exists()
        for row in rows[:2]:
            await client.put(f"/v1/jobs/{job_id}/reviews/{row}", json=GOOD)
        await published()
        assert "2 of the 20 conversations have been read and marked, by 1 person:" in (target / "README.md").read_text()
        found = read_reviews(tmp_path / "builds" / job_id)
        assert found is not None
        assert {(mark.row_id, mark.reviewer) for mark in found.reviews} == {(row, "reviewer-1") for row in rows[:2]}
        assert (target / REVIEWS_PATH).read_bytes() == found.content

        for row in rows[:2]:
            await client.delete(f"/v1/jobs/{job_id}/reviews/{row}")
        await published()
        assert not (target / REVIEWS_PATH).exists()


async def test_a_paused_build_is_published_with_what_it_has_and_goes_on(tmp_path: Path, database: str) -> None:
    recipe = submission(backbone="slow", target={"conversations": 60}, output={"shard_rows": 1000})
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=recipe)).json()["id"]
        await begun(client, job_id)
        assert (await client.post(f"/v1/jobs/{job_id}/pause")).status_code == 202
        job = await paused(client, job_id)
        before = job["funnel"]["accepted"]
        assert 0 < before < 60
        publication = await ended(client, (await client.post(f"/v1/jobs/{job_id}/publish")).json()["id"])
        assert publication["state"] == "succeeded", publication
        shards = (await client.get(f"/v1/jobs/{job_id}/shards")).json()["items"]
        assert [shard["rows"] for shard in shards] == [before]
        card = (Path(publication["result"]["target"]) / "README.md").read_text(encoding="utf-8")
        assert "**Not finished:**" in card

        assert (await client.post(f"/v1/jobs/{job_id}/resume")).status_code == 202
        job = await ended(client, job_id)
        assert (job["state"], job["funnel"]["accepted"]) == ("succeeded", 60)
        shards = (await client.get(f"/v1/jobs/{job_id}/shards")).json()["items"]
        assert [shard["rows"] for shard in shards] == [before, 60 - before]
        publication = await ended(client, (await client.post(f"/v1/jobs/{job_id}/publish")).json()["id"])
        assert (publication["state"], publication["result"]["skipped"]) == ("succeeded", 1)
