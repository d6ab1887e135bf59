"""Sealed shards: listed as the manifest has them, and downloaded whole or in ranges."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq

from tests.support.service_servers import ended, ready, settings, submission


async def built(client: httpx.AsyncClient) -> tuple[str, list[dict[str, Any]]]:
    """A finished build, and its shards."""
    job = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
    answer = await client.get(f"/v1/jobs/{job['id']}/shards")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["items"]
    return job["id"], items


async def test_a_shard_is_the_file_that_was_sealed(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id, shards = await built(client)
        assert [shard["rows"] for shard in shards] == [8, 8, 4]
        for shard in shards:
            answer = await client.get(shard["url"])
            assert answer.status_code == 200
            assert answer.content == (tmp_path / "builds" / job_id / shard["path"]).read_bytes()
            assert hashlib.sha256(answer.content).hexdigest() == shard["sha256"]
            assert answer.headers["etag"] == f'"{shard["sha256"]}"'
            assert answer.headers["content-type"] == "application/vnd.apache.parquet"
            assert int(answer.headers["content-length"]) == shard["bytes"]
            assert pq.read_table(io.BytesIO(answer.content)).num_rows == shard["rows"]
        assert answer.headers["content-disposition"] == 'attachment; filename="scripted-magpie-eu-train-00002.parquet"'


async def test_a_shard_comes_in_ranges_and_not_again(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        _, (shard, *_) = await built(client)
        url, whole = shard["url"], (await client.get(shard["url"])).content
        part = await client.get(url, headers={"Range": "bytes=4-19"})
        assert (part.status_code, part.content) == (206, whole[4:20])
        assert part.headers["content-range"] == f"bytes 4-19/{len(whole)}"
        tail = await client.get(url, headers={"Range": "bytes=-8", "If-Range": f'"{shard["sha256"]}"'})
        assert (tail.status_code, tail.content) == (206, whole[-8:])
        other = await client.get(url, headers={"Range": "bytes=-8", "If-Range": '"another"'})
        assert (other.status_code, other.content) == (200, whole)
        beyond = await client.get(url, headers={"Range": f"bytes={len(whole)}-"})
        assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
        for refused in (beyond, await client.get(url, headers={"Range": "bytes=nine-"})):
            assert refused.status_code == 416 and refused.headers["content-type"] == "application/problem+json"
            assert f"within its {len(whole)} bytes" in refused.json()["detail"]
        for known in (f'"{shard["sha256"]}"', f'"x", W/"{shard["sha256"]}"', "*"):
            same = await client.get(url, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", f'"{shard["sha256"]}"')
        assert (await client.get(url, headers={"If-None-Match": '"another"'})).status_code == 200
        head = await client.head(url)
        assert (head.status_code, head.content, head.headers["accept-ranges"]) == (200, b"", "bytes")
        assert int(head.headers["content-length"]) == len(whole)


async def test_nothing_but_shards_is_reached(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id, shards = await built(client)
        (tmp_path / "secret").write_text("secret")
        names = [
            "ledger.sqlite",
            "manifest.json",
            "recipe.json",
            "..%2Frecipe.json",
            "data/../manifest.json",
            "data%2F..%2F..%2F..%2Fsecret",
            "%2Fetc%2Fpasswd",
            "data/magpie-eu",
            "data//magpie-eu/train-00000.parquet",
            shards[0]["path"] + "%00",
            shards[0]["path"].upper(),
        ]
        for name in names:
            answer = await client.get(f"/v1/jobs/{job_id}/shards/{name}")
            assert answer.status_code == 404, name
            assert answer.headers["content-type"] == "application/problem+json"


async def test_files_that_are_gone_damaged_or_links_are_not_served(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job_id, shards = await built(client)
        files = [tmp_path / "builds" / job_id / shard["path"] for shard in shards]
        files[0].unlink()
        files[1].write_bytes(b"short")
        files[2].rename(tmp_path / "elsewhere")
        files[2].symlink_to(tmp_path / "elsewhere")
        for shard in shards:
            assert (await client.get(shard["url"])).status_code == 410


async def test_jobs_without_shards(tmp_path: Path, database: str) -> None:
    async with ready(settings(tmp_path, database, jobs_at_once=1)) as client:
        job_id, _ = await built(client)
        assert (await client.get("/v1/jobs/none/shards")).status_code == 404
        publication = await ended(client, (await client.post(f"/v1/jobs/{job_id}/publish")).json()["id"])
        answer = await client.get(f"/v1/jobs/{publication['id']}/shards")
        assert (answer.status_code, job_id in answer.json()["detail"]) == (409, True)
        endless = submission(backbone="slow", target={"conversations": 100_000})
        running = [(await client.post("/v1/jobs", json=endless)).json()["id"] for _ in range(2)]
        assert (await client.get(f"/v1/jobs/{running[1]}/shards")).json() == {"items": []}
