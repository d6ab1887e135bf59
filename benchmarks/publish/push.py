"""A push of many rows, and the same push again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.publish.build import write_build
from tests.support.cli_command import ROOT, environment
from tests.support.hub_process import HubProcess

_REPO = "euskaltzaleak/milioia"


def push(rows: int, folder: Path) -> dict[str, Any]:
    """Makes the build in the folder, which also gets what the Hub keeps."""
    began = time.perf_counter()
    made = write_build(folder / "build", rows)
    told: dict[str, Any] = {
        "rows": made.rows,
        "shards": len(made.shards),
        "megabytes": round(sum(shard.bytes for shard in made.shards) / 1e6, 1),
        "seconds_to_make": round(time.perf_counter() - began, 1),
    }
    with HubProcess(folder) as hub:
        told["first"] = _push(folder / "build", hub)
        told["again"] = _push(folder / "build", hub)
        told["hub_peak_mb"] = round(hub.peak_mb, 1)
        files = hub.state(_REPO)["files"]
    told["as_sealed"] = all(files.get(shard.path) == shard.sha256 for shard in made.shards)
    return told


def _push(build: Path, hub: HubProcess) -> dict[str, Any]:
    before = hub.state()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.publish.pusher", str(build), _REPO, hub.endpoint],
        cwd=ROOT,
        env=environment(HF_HUB_DISABLE_XET="1"),
        stdout=subprocess.PIPE,
        check=True,
    )
    after = hub.state()
    told: dict[str, Any] = json.loads(done.stdout)
    told["commits"] = after["commits"][_REPO] - before["commits"].get(_REPO, 0)
    told["data_bytes"] = after["received_bytes"] - before["received_bytes"]
    told["requests"] = after["requests"] - before["requests"]
    return told
