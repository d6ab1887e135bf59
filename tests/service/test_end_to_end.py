"""Real server processes on a real port: stopped, killed, started again; and no secret anywhere."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import psycopg
import pytest

from pipeline.reader import BuildReader
from service.guard import MAX_BODY_BYTES
from service.postgres import EmbeddedPostgres
from tests.support.hub_server import HubServer
from tests.support.service_servers import everything, serving, settings, submission

RECIPE = submission(backbone="slow", target={"conversations": 80})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_job_goes_on_when_its_server_has_ended(tmp_path: Path, database: str, number: int) -> None:
    configured = settings(tmp_path, database)
    with serving(configured, tmp_path / "log") as server:
        job_id = server.submit(RECIPE)
        assert server.begun(job_id)["funnel"]["accepted"] < 80
        status = server.end(number)
        assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0), server.said()
    with psycopg.connect(database) as connection:
        expected = "running" if number == signal.SIGKILL else "queued"
        assert connection.execute("SELECT state FROM jobs").fetchall() == [(expected,)]
    with serving(configured, tmp_path / "log") as server:
        job = server.ended(job_id)
        assert (job["state"], job["error"], job["funnel"]["accepted"]) == ("succeeded", None, 80)
        assert job["attempts"] == 2
        assert server.end(signal.SIGTERM) == 0
        assert "Traceback" not in server.said() and "Warning" not in server.said()
    ids = [row.id for _, row in BuildReader(tmp_path / "builds" / job_id).accepted(limit=1000)]
    assert len(set(ids)) == len(ids) == 80


def test_the_embedded_database_outlives_a_kill_and_ends_with_a_clean_stop(open_folder: Path) -> None:
    configured = settings(open_folder, None)
    postmaster = open_folder / "data" / "postgres" / "postmaster.pid"
    with serving(configured, open_folder / "log") as server:
        job_id = server.submit(RECIPE)
        server.begun(job_id)
        server.end(signal.SIGKILL)
    pid = postmaster.read_text().split()[0]
    try:
        with serving(configured, open_folder / "log") as server:
            assert postmaster.read_text().split()[0] == pid
            assert server.ended(job_id)["funnel"]["accepted"] == 80
            assert server.end(signal.SIGTERM) == 0
        assert not postmaster.exists()
    finally:
        leftover = EmbeddedPostgres(open_folder / "data" / "postgres")
        leftover.start()
        leftover.stop()


def test_no_secret_reaches_database_log_answer_or_disk(tmp_path: Path, database: str) -> None:
    key = "the-key-of-this-server"
    with HubServer() as hub:
        secrets = {"HF_TOKEN": hub.token, "HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1"}
        with serving(settings(tmp_path, database, api_key=key), tmp_path / "log", **secrets) as server:
            assert server.client.get("/v1/jobs").status_code == 401
            server.client.headers["Authorization"] = f"Bearer {key}"
            build = server.submit(submission())
            assert server.ended(build)["state"] == "succeeded"
            answers = []
            for repo in ("euskaltzaleak/proba", "euskaltzaleak/forbidden"):
                answer = server.client.post(f"/v1/jobs/{build}/publish", json={"repo": repo})
                answers.append(server.ended(answer.json()["id"]))
                hub.fail("POST /api/repos/create", times=100, status=403)
            assert [answer["state"] for answer in answers] == ["succeeded", "failed"], answers
            assert answers[0]["result"]["target"] == f"{hub.endpoint}/datasets/euskaltzaleak/proba"
            refused = server.client.post("/v1/jobs", json=submission(hf_token=hub.token))
            assert refused.status_code == 422
            seen = everything(database) + server.said() + repr(answers) + refused.text
            assert build in seen
            assert hub.token not in seen and key not in seen
            for path in (tmp_path / "builds").rglob("*"):
                assert not path.is_file() or hub.token.encode() not in path.read_bytes()
            assert server.end(signal.SIGTERM) == 0


def test_a_large_body_is_answered_over_a_real_connection(tmp_path: Path, database: str) -> None:
    with serving(settings(tmp_path, database), tmp_path / "log") as server:
        answer = httpx.post(
            f"http://127.0.0.1:{server.port}/v1/jobs",
            content=b" " * (4 * MAX_BODY_BYTES),
            headers={"content-type": "application/json"},
            timeout=30,
        )
        assert answer.status_code == 413 and answer.json()["status"] == 413
