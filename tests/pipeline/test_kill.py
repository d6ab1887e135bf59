"""kill -9 at any instant: nothing committed is lost or there twice, and the next run reaches exactly the target."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.reader import BuildReader
from publishers.shard import read_shard
from schemas.backbones import ScriptedBackbone
from schemas.errors import BuildDirectoryError
from schemas.recipe import Recipe
from tests.support.builds import recipe, run

TARGET = 600
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.pipeline.test_kill import wanted
from tests.support.builds import run

if __name__ == "__main__":
    asyncio.run(run(wanted(), Path(sys.argv[1])))
"""


def wanted() -> Recipe:
    scripted = recipe().backbone
    assert isinstance(scripted, ScriptedBackbone)
    slowed = scripted.model_copy(update={"delay_s": 0.01})
    return recipe(backbone=slowed, target={"conversations": TARGET}, output={"shard_rows": 9})


def ids(directory: Path) -> list[str]:
    try:
        return [row.id for _, row in BuildReader(directory).accepted(limit=10_000)]
    except BuildDirectoryError:
        return []


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    directory = tmp_path / "build"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    before: list[str] = []
    kills = 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(directory)], env=environment)
        deadline = time.monotonic() + 60
        while process.poll() is None and len(ids(directory)) <= len(before) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        after = ids(directory)
        assert after[: len(before)] == before, "committed rows stay, in their order"
        before = after
    assert kills >= 2, "the build was killed in its middle"
    assert before
    result = asyncio.run(run(wanted(), directory))
    rows = [row.id for shard in result.manifest.shards for row in read_shard(directory / shard.path)]
    assert len(rows) == len(set(rows)) == TARGET
    assert set(before) <= set(rows)
    assert result.manifest.funnel.accepted == TARGET
    files = {path.relative_to(directory).as_posix() for path in directory.rglob("*.parquet")}
    assert files == {shard.path for shard in result.manifest.shards}
    assert not list(directory.rglob("*.tmp"))
