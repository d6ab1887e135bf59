"""Jobs outlive their servers: what was cut short goes on elsewhere, and nothing runs twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from pipeline.reader import BuildReader
from service.app import create_app
from tests.support.service_servers import begun, client_of, ended, ready, settings, submission


async def test_a_server_that_closes_puts_its_jobs_back(tmp_path: Path, database: str) -> None:
    recipe = submission(backbone="slow", target={"conversations": 60})
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=recipe)).json()["id"]
        before = await begun(client, job_id)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT state, runner FROM jobs").fetchall() == [("queued", None)]
        assert connection.execute("SELECT status::text FROM procrastinate_jobs").fetchall() == [("todo",)]
    async with client_of(create_app(settings(tmp_path, database))) as client:
        job = await ended(client, job_id)
    assert (job["state"], job["attempts"], job["funnel"]["accepted"]) == ("succeeded", 2, 60)
    assert before["funnel"]["accepted"] < 60
    ids = [row.id for _, row in BuildReader(tmp_path / "builds" / job_id).accepted(limit=1000)]
    assert len(set(ids)) == len(ids) == 60


async def test_a_job_of_a_stalled_worker_is_run_by_another(tmp_path: Path, database: str) -> None:
    """As a server leaves it that lost its machine: its connections are seen still, its heartbeat is old."""
    async with ready(settings(tmp_path, database, jobs_at_once=1)) as client:
        first = submission(backbone="slow", target={"conversations": 100_000})
        blocker = (await client.post("/v1/jobs", json=first)).json()["id"]
        await begun(client, blocker)
        job_id = (await client.post("/v1/jobs", json=submission())).json()["id"]
        with psycopg.connect(database, application_name="iturri-stalled") as other:
            entry = other.execute(
                "WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat)"
                "  VALUES (now() - interval '1 hour') RETURNING id)"
                " UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker"
                " WHERE status = 'todo' RETURNING procrastinate_jobs.id"
            ).fetchall()
            assert len(entry) == 1
            other.execute(
                "UPDATE jobs SET state = 'running', attempts = 1, runner = 'iturri-stalled', queue_id = %s"
                " WHERE id = %s",
                [*entry[0], job_id],
            )
            other.commit()
            await client.post(f"/v1/jobs/{blocker}/cancel")
            job = await ended(client, job_id)
    assert (job["state"], job["attempts"], job["funnel"]["accepted"]) == ("succeeded", 2, 20)


async def test_two_servers_run_every_job_once(tmp_path: Path, database: str) -> None:
    configured = settings(tmp_path, database)
    async with ready(configured) as one, ready(configured) as two:
        submitted = [
            (await client.post("/v1/jobs", json=submission())).json()["id"] for client in (one, two) for _ in range(4)
        ]
        jobs = await asyncio.gather(*(ended(two, job_id) for job_id in submitted))
    assert {(job["state"], job["attempts"], job["funnel"]["accepted"]) for job in jobs} == {("succeeded", 1, 20)}


async def test_a_job_goes_on_when_the_database_has_dropped_all_connections(tmp_path: Path, database: str) -> None:
    recipe = submission(backbone="slow", target={"conversations": 80})
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=recipe)).json()["id"]
        await begun(client, job_id)
        with psycopg.connect(database) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        job = await ended(client, job_id)
        assert (job["state"], job["funnel"]["accepted"]) == ("succeeded", 80)
