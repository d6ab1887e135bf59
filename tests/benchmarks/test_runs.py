"""Every benchmark runs at a tiny size and says in JSON what it found."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.drain import difference
from benchmarks.lag import Lag, SlowCallbacks
from benchmarks.longtail import measure as longtail
from benchmarks.paced_server import Pace
from tests.support.cli_command import ROOT, environment


def run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_spend_counts_what_gates_save() -> None:
    found = run("benchmarks.spend", "--paced", "--drafts", "100", "--reply-by-user", "1")["rounds"][0]
    for name in ("natural", "foreign", "foreign_watched"):
        ours, theirs = found[name]["ours"], found[name]["generate_then_filter"]
        assert ours["drafts"] == 100
        assert theirs["tokens"] == 100 * 2 * (96 + 96)
    watched = found["foreign_watched"]["ours"]["tokens"]
    assert watched < found["foreign"]["ours"]["tokens"], "turns that are cut off cost less"
    # Thirty drafts end after their first user turn, thirty after their second.
    best = 100 * (1.7 * 96 + 1.1 * 96)
    assert found["foreign"]["ours"]["tokens"] == pytest.approx(best, rel=0.05)
    assert found["foreign"]["generate_then_filter"]["tokens_to_the_verdict"] == pytest.approx(best, rel=0.05)


def test_scale() -> None:
    found = run("benchmarks.scale", "--drafts", "20", "--window", "8", "--speed", "2000")
    assert found["accepted"] == 20
    assert found["lag_ms"]["ticks"] > 0
    assert found["idle_loop_lag_ms"]["ticks"] > 0


def test_drain() -> None:
    found = run("benchmarks.drain", "--conversations", "10", "--window", "8", "--rounds", "2")
    assert len(found["rounds"]) == 2
    assert all(one["stopped"]["rows"] == 10 <= one["drained"]["rows"] for one in found["rounds"])


def test_overhead_gives_both_sides_the_same() -> None:
    found = run("benchmarks.overhead", "--paced", "--drafts", "4", "--rounds", "1")
    tokens = found["rounds"][0]["tokens"]
    assert tokens["raw"] == tokens["all"]


async def test_the_long_tail_holds_every_side_to_its_own_ideal() -> None:
    pace = Pace(4, 2000.0, (8, 12), (16, 24), slow_share=0.2, slow_factor=20.0)
    (found,) = await longtail(12, 1, pace, ((4, 2),), peer=False)
    assert found["iturri"]["conversations"] == 12
    assert found["stages_of_4"]["conversations"] == 8
    assert all(found[side]["of_ideal"] >= 0.99 for side in ("iturri", "stages_of_4"))


def test_the_interval_of_a_difference() -> None:
    found = difference([(90.0, 100.0), (95.0, 100.0), (100.0, 100.0)])
    assert found["percent"] == 5
    assert found["plus_minus"] == pytest.approx(4.30 * 5 / math.sqrt(3), abs=0.02)


async def test_a_callback_that_blocks_the_loop_is_found() -> None:
    async def blocks() -> None:
        sum(range(20_000_000))

    with SlowCallbacks() as slow:
        async with Lag() as lag:
            await asyncio.sleep(0.03)
            await asyncio.create_task(blocks())
            await asyncio.sleep(0.03)
    assert any("blocks" in name for name in slow.summary())
    assert lag.summary()["max"] > 50


def test_publish_pushes_once_and_survives_kills() -> None:
    found = run("benchmarks.publish", "--rows", "25000", "--kills", "6", "--rounds", "1")
    first, again = found["push"]["first"], found["push"]["again"]
    assert (first["files_uploaded"], first["commits"]) == (6, 1)
    assert first["data_bytes"] == pytest.approx(found["push"]["megabytes"] * 1e6, rel=0.01)
    assert (again["files_uploaded"], again["commits"], again["data_bytes"]) == (0, 0, 0)
    assert found["push"]["as_sealed"]
    assert found["push"]["megabytes"] > 45, "zstd has found something in words at random"
    assert first["peak_mb"] > first["before_mb"] > 20
    killed = found["kills"]
    assert killed["kills"] == sum(killed["killed"].values()) == 6
    assert [killed[name] for name in ("lost", "doubled", "broken", "torn")] == [0, 0, 0, 0]
    assert sum(killed["commits"].values()) == killed["repositories"] > 1
    assert all(int(number) >= 5 for number in killed["commits"])
    written = found["writing"]
    assert written["same_bytes_as_bare"], "the same rows with the same options"
    assert 15e6 < written["table_bytes"] < 30e6
    assert min(written[name] for name in ("write_shard_s", "bare_s", "default_s", "to_table_s")) > 0
