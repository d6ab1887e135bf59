"""The scenarios of the chaos benchmark side by side, each in a process of its own that forks and kills its runs."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Protocol

from benchmarks.chaos.build import KilledBuild
from benchmarks.chaos.filter import KilledFilter
from benchmarks.chaos.kills import Aim, Apart, CheckError, Found, Life, Runs

# What commands import once they need it, pandas by way of Arrow.
IMPORTED_LATE = ("cli.build", "cli.filter", "pandas")


class Scenario(Protocol):
    """A command over a folder that can be killed at any instant, and what has to be true then.

    What a check returns is handed to the next one in the same folder: `phase` says where the kill hit the run,
    `claims_held` how many repeats of rows committed before the kill before it were dropped since then.
    """

    name: str

    def prepare(self) -> None:
        """Make what the command reads. Not in a process that forks: libraries may start threads for it."""

    def run(self, folder: Path) -> object:
        """The command; in a process of its own."""

    def killed(self, folder: Path, before: Found) -> Found:
        """Raises CheckError when something is not as it must be after a kill."""

    def complete(self, folder: Path, before: Found) -> Found:
        """Raises CheckError when something is not as it must be at the end."""


def chaos(scenario: Scenario, scratch: Path, *, kills: int, seed: int, seconds: float) -> Found:
    """So many kills, in as many folders as it takes to get there; fewer when the time is over. The account of it."""
    began = time.monotonic()
    Apart(scenario.prepare).result()
    whole = _whole(scenario, scratch)
    phases: Counter[str] = Counter()
    failures: list[Found] = []
    done = folders = runs = claims_held = 0
    while done < kills and time.monotonic() - began < seconds:
        ours = seed + folders
        rng = random.Random(ours)
        folder, folders = scratch / f"{scenario.name}-{ours}", folders + 1
        processes = Runs(scratch / f"{scenario.name}-{ours}.log")
        found: Found = {}
        try:
            while not found.get("complete"):
                more = done < kills and time.monotonic() - began < seconds
                aim = Aim.draw(rng, whole) if more else None
                life = processes.run(partial(scenario.run, folder), folder, aim)
                runs += 1
                if life.killed:
                    done += 1
                    found = Apart(partial(scenario.killed, folder, found)).result()
                    phases[found["phase"]] += 1
                elif life.code:
                    raise CheckError(f"exit code {life.code}: {processes.last_words()}")
                else:
                    found = Apart(partial(scenario.complete, folder, found)).result() | {"complete": True}
                claims_held += found["claims_held"]
            processes.check_none_left()
        except CheckError as wrong:
            failures.append({"seed": ours, "folder": str(folder), "wrong": str(wrong)})
        else:
            shutil.rmtree(folder)
    return {
        "kills": done,
        "kills_by_phase": dict(sorted(phases.items())),
        "runs_started": runs,
        "runs_completed": folders - len(failures),
        "repeats_of_rows_committed_before_a_kill_dropped_after_it": claims_held,
        "uninterrupted_seconds": round(whole.seconds, 2),
        "failures": failures,
        "seconds": round(time.monotonic() - began, 1),
    }


def _whole(scenario: Scenario, scratch: Path) -> Life:
    """A run that nothing interrupts: how long it takes, and what the others have to come to."""
    folder = scratch / f"{scenario.name}-whole"
    processes = Runs(scratch / f"{scenario.name}-whole.log")
    life = processes.run(partial(scenario.run, folder), folder)
    if life.code:
        raise CheckError(f"{scenario.name} fails without a kill: exit code {life.code}: {processes.last_words()}")
    Apart(partial(scenario.complete, folder, {})).result()
    return life


def main(description: str | None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=description)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2400)
    asked = parser.parse_args()
    for name in IMPORTED_LATE:
        import_module(name)
    scratch = Path(tempfile.mkdtemp(prefix="iturri-chaos-"))
    scenarios: list[Scenario] = [
        KilledFilter(scratch, "parquet"),
        KilledFilter(scratch, "jsonl"),
        KilledBuild(scratch),
    ]
    half, quarter = asked.kills // 2, asked.kills // 4
    shares = [half - quarter, quarter, asked.kills - half]
    lanes = [
        Apart(partial(chaos, scenario, scratch, kills=share, seed=asked.seed, seconds=asked.seconds))
        for scenario, share in zip(scenarios, shares, strict=True)
    ]
    found = [lane.result() for lane in lanes]
    failed = any(one["failures"] for one in found)
    if not failed:
        shutil.rmtree(scratch)
    about = {
        "kills_asked": asked.kills,
        "kills": sum(one["kills"] for one in found),
        "seed": asked.seed,
        "cores": os.cpu_count(),
        **{scenario.name: one for scenario, one in zip(scenarios, found, strict=True)},
    }
    print(json.dumps(about, indent=2))
    sys.exit(1 if failed else 0)
