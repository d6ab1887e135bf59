"""kill -9 at seeded random instants, and whether what looks at the remains would see that something is wrong."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.chaos.build import KilledBuild
from benchmarks.chaos.kills import CheckError
from tests.support.cli_command import ROOT, environment, iturri


def test_five_kills_of_each_scenario(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--kills", "10", "--seed", "11"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 10
    scenarios = [found[name] for name in ("filter-parquet", "filter-jsonl", "build")]
    assert [one["kills"] for one in scenarios] == [3, 2, 5]
    assert all(one["runs_completed"] and not one["failures"] for one in scenarios)
    assert not list(tmp_path.iterdir())


def sql(statement: str) -> Callable[[Path], None]:
    def change(build: Path) -> None:
        with closing(sqlite3.connect(build / "ledger.sqlite")) as ledger:
            assert ledger.execute(statement).rowcount == 1
            ledger.commit()

    return change


def spoil_a_shard(build: Path) -> None:
    shard = min(build.rglob("*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


def leave_a_file(build: Path) -> None:
    shard = min(build.rglob("*.parquet"))
    shutil.copy(shard, shard.with_name(f".{shard.name}.0123.tmp"))


@pytest.fixture(scope="module")
def killed_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[KilledBuild, Path]:
    """The scenario, and a build of it that is complete."""
    scratch = tmp_path_factory.mktemp("chaos")
    scenario = KilledBuild(scratch)
    scenario.prepare()
    done = iturri("build", scratch / "recipe.json", "--out", scratch / "build", cwd=scratch)
    assert done.returncode == 0, done.stderr
    return scenario, scratch / "build"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_a_shard, "is not what was sealed"),
        (leave_a_file, "files that belong to no build"),
        (sql("UPDATE funnel SET drafts = drafts + 1 WHERE gate = 'accepted' AND exchange = 1"), "number of rows"),
        (sql("DELETE FROM dropped WHERE seq = 1"), "drops by the funnel"),
        (sql("UPDATE meta SET value = value - 1 WHERE key = 'low_water'"), "have ended"),
        (sql("UPDATE rows SET draft_index = 100000 WHERE seq = 3"), "ended twice, or not at all"),
        (sql("UPDATE rows SET signature = (SELECT signature FROM rows WHERE seq = 1) WHERE seq = 2"), "claims another"),
        (sql("UPDATE arms SET accepted = accepted - 1 WHERE factor = 'style'"), "by the arms"),
        (sql("UPDATE shards SET sha256 = NULL WHERE number = 1"), "other shards"),
    ],
)
def test_what_is_wrong_with_a_build_is_seen(
    tmp_path: Path, killed_build: tuple[KilledBuild, Path], spoil: Callable[[Path], None], words: str
) -> None:
    scenario, build = killed_build
    before = scenario.complete(build, {})
    assert scenario.complete(build, before)["rows"] == before["rows"]
    spoiled = tmp_path / "build"
    shutil.copytree(build, spoiled)
    spoil(spoiled)
    with pytest.raises(CheckError, match=words):
        scenario.complete(spoiled, before)
