"""The Hub token and the keys of callers: in no row, no log line, no answer, no file."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx

from schemas.keys import Scope
from tests.support.hub_server import HubServer
from tests.support.service_keys import bearer, made_key
from tests.support.service_servers import ServerProcess, everything, serving, settings, submission

KEY = "the-key-of-this-server"


def answers(server: ServerProcess, jobs: list[str]) -> Iterator[httpx.Response]:
    """What the server says to everything that can be read of it, of each of the jobs."""
    description = server.client.get("/openapi.json")
    yield description
    for path, methods in description.json()["paths"].items():
        if "get" in methods:
            for job in jobs:
                yield server.client.get(path.replace("{job_id}", job))


def test_no_secret_is_told_or_kept(tmp_path: Path, database: str) -> None:
    _, given = asyncio.run(made_key(database, "ane", list(Scope), namespaces=["*"]))
    with HubServer() as hub:
        secrets = {"HF_TOKEN": hub.token, "HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1"}
        configured = settings(tmp_path, database, api_key=KEY, log_level="debug")
        with serving(configured, tmp_path / "log", ITURRI_LOG_LEVEL="debug", **secrets) as server:
            server.client.headers.update(bearer(given))
            build = server.submit(submission())
            assert server.ended(build)["state"] == "succeeded"
            jobs = [build]
            for repo, state in (("euskaltzaleak/proba", "succeeded"), ("euskaltzaleak/other", "failed")):
                answer = server.client.post(f"/v1/jobs/{build}/publish", json={"repo": repo})
                jobs.append(answer.json()["id"])
                assert server.ended(jobs[-1])["state"] == state
                hub.fail("POST /api/repos/create", times=100, status=403)
            seen = [answer.text for answer in answers(server, jobs)]
            echoes = (
                server.client.post("/v1/jobs", json=submission(hf_token=hub.token)),
                server.client.post("/v1/jobs", json=submission(name=hub.token)),
                server.client.post("/v1/jobs", content=hub.token, headers={"content-type": "application/json"}),
                server.client.get("/v1/jobs", headers=bearer(f"{given[:-1]}?")),
                server.client.post(f"/v1/jobs/{build}/publish", json={"token": hub.token}),
            )
            assert all(answer.is_client_error for answer in echoes), echoes
            assert server.end(signal.SIGTERM) == 0
            seen += [everything(database), server.said(), *(answer.text for answer in echoes)]
        for text in seen:
            assert not [secret for secret in (hub.token, KEY, given[-43:]) if secret in text], text
        assert any(build in text for text in seen)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert not [secret for secret in (hub.token, KEY, given[-43:]) if secret.encode() in path.read_bytes()], (
                path
            )
