"""Ctrl-C and SIGTERM in mid-build: a clean end, the way to go on, and exactly the target after it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pipeline.reader import BuildReader
from publishers.shard import read_shard
from schemas.errors import BuildDirectoryError
from tests.support.cli_command import PATIENCE_S, environment, iturri, start, wait_until, write_recipe

TARGET = 400

STUBBORN = """
import asyncio, subprocess, sys
from cli.interrupts import Interrupts

async def main():
    with Interrupts(lambda: print("heard", flush=True)):
        subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print("running", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe that takes a while."""
    return write_recipe(tmp_path / "slow.json", delay_s=0.05, target={"conversations": TARGET})


def accepted(build: Path) -> int:
    try:
        return len(BuildReader(build).accepted(limit=TARGET))
    except BuildDirectoryError:
        return 0


def in_the_middle(process: subprocess.Popen[str], build: Path) -> None:
    """Wait until the build has something to lose."""
    before = accepted(build)
    wait_until(lambda: accepted(build) > before or process.poll() is not None)
    assert process.poll() is None, "it ended before it could be stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_and_the_same_command_goes_on(
    tmp_path: Path, recipe: Path, number: signal.Signals, code: int
) -> None:
    build = tmp_path / "builds" / "slow"
    process = start("build", "--json", recipe.name, "missing.json", cwd=tmp_path)
    in_the_middle(process, build)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    (slow, _missing) = json.loads(out)["results"]
    assert slow["outcome"] == "stopped"
    assert 0 < slow["funnel"]["accepted"] == accepted(build) < TARGET
    assert "Traceback" not in err
    again = re.search(r"^iturri: stopped; `iturri (.*)` goes on from here$", err, re.MULTILINE)
    assert again is not None
    assert shlex.split(again[1]) == ["build", "slow.json", "missing.json"]
    done = iturri("build", "--json", recipe.name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    manifest = BuildReader(build).manifest()
    assert manifest is not None
    assert manifest.complete
    ids = [row.id for shard in manifest.shards for row in read_shard(build / shard.path)]
    assert len(ids) == len(set(ids)) == TARGET


def test_ctrl_c_as_a_terminal_sends_it_to_all_our_processes(tmp_path: Path, recipe: Path) -> None:
    heavy = write_recipe(
        recipe, delay_s=0.05, target={"conversations": TARGET}, filters={"duplicates": {"enabled": False}}
    )
    build = tmp_path / "builds" / "slow"
    process = start("build", heavy.name, cwd=tmp_path, alone=True)
    in_the_middle(process, build)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "goes on from here" in err


def test_what_was_not_begun_is_said_to_be_so(tmp_path: Path, recipe: Path) -> None:
    write_recipe(tmp_path / "later.json")
    build = tmp_path / "builds" / "slow"
    process = start("build", "--json", recipe.name, "later.json", cwd=tmp_path)
    in_the_middle(process, build)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert [result["outcome"] for result in json.loads(out)["results"]] == ["stopped", "not started"]
    assert process.returncode == 143


def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "heard\n"
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert psutil.wait_procs(children, timeout=PATIENCE_S)[1] == []
