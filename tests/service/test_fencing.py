"""A server that was thought dead wakes up: what it had was given to another one, and it can write no more."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from pipeline.reader import BuildReader
from publishers.shard import read_shard
from tests.support.service_servers import LIMIT_S, serving, settings, submission

TARGET = 120


def test_a_server_that_sleeps_past_its_heartbeat_and_wakes(tmp_path: Path, database: str) -> None:
    configured = settings(tmp_path, database)
    with serving(configured, tmp_path / "one") as sleeper, serving(configured, tmp_path / "two") as other:
        job_id = sleeper.submit(submission(backbone="slow", target={"conversations": TARGET}))
        servers = {"one": sleeper, "two": other}
        sleeper.begun(job_id)
        owner = next(server for server in servers.values() if f"job={job_id} kind=build" in server.said())
        heir = next(server for server in servers.values() if server is not owner)
        owner.signal(signal.SIGSTOP)
        try:
            deadline = time.monotonic() + LIMIT_S
            while heir.job(job_id)["attempts"] < 2:
                assert time.monotonic() < deadline, heir.said()
                time.sleep(0.1)
        finally:
            owner.signal(signal.SIGCONT)
        job = heir.ended(job_id)
        assert (job["state"], job["attempts"], job["progress"]["accepted"]) == ("succeeded", 2, TARGET)
        fenced = f"job={job_id} is run by another server now", f"job={job_id} belongs to another server now"
        deadline = time.monotonic() + LIMIT_S
        while not any(line in owner.said() for line in fenced):
            assert time.monotonic() < deadline, owner.said()
            time.sleep(0.1)
        assert owner.client.get("/readyz").is_success
        assert owner.job(job_id) == job
        again = owner.ended(owner.submit(submission()))
        assert again["state"] == "succeeded"
    reader = BuildReader(tmp_path / "builds" / job_id)
    rows = {row.id: row for _, row in reader.accepted(limit=2 * TARGET)}
    manifest = reader.manifest()
    assert manifest is not None and manifest.complete and manifest.funnel.accepted == TARGET == len(rows)
    sealed = [row.id for shard in manifest.shards for row in read_shard(tmp_path / "builds" / job_id / shard.path)]
    assert sorted(sealed) == sorted(rows)
