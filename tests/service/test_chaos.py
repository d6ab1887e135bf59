"""Servers and their workers killed at random moments: every job ends at its target all the same.

`python -m benchmarks.chaos.service` does it a hundred times.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from benchmarks.chaos.account import Account
from benchmarks.chaos.service import chaos
from benchmarks.paced import paced_server
from benchmarks.paced_server import Pace
from benchmarks.service_process import open_folder
from tests.support.service_servers import ROOT, serving, settings, submission


@pytest.mark.timeout(600)
def test_four_kills_of_two_servers_that_share_three_jobs() -> None:
    pace = Pace(64, 60.0, user_tokens=(16, 64), reply_tokens=(64, 256))
    with open_folder() as folder, paced_server(pace) as paced:
        told = chaos(folder, paced, kills=4, jobs=3, conversations=40, seed=3)
    assert sum(told["kills"].values()) == 4 and told["attempts"] > 3


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_a_kill_of_a_server_with_the_engine_in_it(tmp_path: Path, database: str) -> None:
    configured = settings(tmp_path, database, backbones=ROOT / "demo" / "backbones.yaml")
    recipe = submission(backbone="demo", filters={}, target={"conversations": 150}, window=16)
    with serving(configured, tmp_path / "log", PYTHONWARNINGS="default") as server:  # vLLM warns of much
        job_id = server.submit(recipe)
        assert server.begun(job_id)["progress"]["accepted"] < 150
        server.end(signal.SIGKILL)
    with serving(configured, tmp_path / "log", PYTHONWARNINGS="default") as server:
        job = server.ended(job_id)
        assert (job["state"], job["attempts"], job["progress"]["accepted"]) == ("succeeded", 2, 150)
        server.end(signal.SIGTERM)
    account = Account.read(tmp_path / "builds" / job_id)
    account.check()
    assert len(account.rows) == 150 and account.manifest is not None and account.manifest.complete
