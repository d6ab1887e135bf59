"""Several processes of `iturri train`, forked from one that has imported everything, as a launcher would start them.

Reads scenarios from stdin, a list of JSON objects, and runs one after the other: the `recipe`, `out`, `count`
processes, and `signalled`: once `step` is logged, and `pause` seconds later, `process` is sent the signal `number`.
Writes the exit codes to stdout, what each process said, and the checkpoints' files that are left.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cli.failures import run
from cli.surroundings import quieten
from tests.support.rooms import ROOT

PATIENCE_S = 120


def environment() -> dict[str, str]:
    """One thread: on a busy machine two wait for each other, and the number of threads is part of the arithmetic."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "HF_"))}
    return {**kept, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}


def run_scenarios(scenarios: dict[str, dict[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    """What became of each, by its name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.training_processes"],
        input=json.dumps(list(scenarios.values())),
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(scenarios, json.loads(done.stdout), strict=True))


def main() -> None:
    quieten()
    __import__("training.run")
    json.dump([_ran(scenario) for scenario in json.load(sys.stdin)], sys.stdout)


def _ran(scenario: dict[str, Any]) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as said:
        context = multiprocessing.get_context("fork")
        count = scenario["count"]
        started = [
            context.Process(target=_work, args=(scenario, rank, port, Path(said) / str(rank))) for rank in range(count)
        ]
        for process in started:
            process.start()
        if (signalled := scenario.get("signalled")) is not None:
            _wait_for_step(Path(scenario["out"]) / "log.jsonl", signalled["step"])
            time.sleep(signalled.get("pause", 0))
            os.kill(started[signalled.get("process", 0)].pid or 0, signalled["number"])
        deadline = time.monotonic() + PATIENCE_S
        for process in started:
            process.join(max(0.0, deadline - time.monotonic()))
        hanging = [process for process in started if process.is_alive()]
        for process in hanging:
            process.kill()
            process.join()
        texts = [(Path(said) / str(rank)).read_text() for rank in range(count)]
        checkpoints = Path(scenario["out"]) / "checkpoints"
        return {
            "codes": [process.exitcode for process in started],
            "said": texts,
            "hanging": len(hanging),
            "checkpoints": sorted(path.relative_to(checkpoints).as_posix() for path in checkpoints.rglob("*")),
        }


def _work(scenario: dict[str, Any], rank: int, port: int, said: Path) -> None:
    for stream in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    if scenario["count"] > 1:
        count = str(scenario["count"])
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    from cli import train

    recipe = Path(scenario["recipe"] if rank == 0 else scenario.get("others_recipe", scenario["recipe"]))
    code = run(lambda: train.run(recipe, Path(scenario["out"]), as_json=False, quiet=True))
    sys.stdout.flush()
    os._exit(code)


def _wait_for_step(log: Path, step: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not log.exists() or len(log.read_text().splitlines()) < step:
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)


if __name__ == "__main__":
    main()
