"""Health, readiness and metrics of a running server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.servers import Servers
from tests.service.test_metrics import Samples
from tests.support.service_servers import ended, ready, settings, submission


async def scraped(client: httpx.AsyncClient) -> Samples:
    answer = (await client.get("/metrics")).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_server_tells_what_it_has_done(database: str, tmp_path: Path) -> None:
    async with ready(settings(tmp_path, database)) as client:
        job = (await client.post("/v1/jobs", json=submission())).json()
        assert (await ended(client, job["id"]))["state"] == "succeeded"
        found = await scraped(client)
    assert found["iturri_jobs", "build", "succeeded"] == 1
    assert found["iturri_ready",] == found["iturri_backbone_ready", "quick"] == 1
    assert found["iturri_http_requests_total", "POST", "/v1/jobs", "202"] == 1
    assert found["iturri_queue_age_seconds",] == 0
    assert found["iturri_drafts_total", "eu", "accepted"] == 20
    assert found["iturri_job_seconds_count", "build", "succeeded"] == 1
    assert found["iturri_usage_tokens_total", "local"] == found["iturri_generated_tokens_total", "quick"] > 0


async def test_readiness_tells_of_the_storage(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"builds": "no room", "servers.iturri-x": "another folder"}
    async with ready(settings(tmp_path, database)) as client:
        monkeypatch.setattr(Servers, "problems", wrong)
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["errors"] == [{"field": field, "message": what} for field, what in wrong.items()]
        assert (await client.get("/healthz")).status_code == 200
        assert (await scraped(client))["iturri_ready",] == 0
