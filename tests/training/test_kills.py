"""A run that is killed at any step ends with the weights of one that was not, bit for bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.support.rooms import ROOT
from tests.support.training_models import conversations, recipe, small_model


def command(folder: Path, out: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "train", str(folder / "recipe.yaml"), "--out", str(folder / out)]


def environment() -> dict[str, str]:
    """One thread: on a busy machine two wait for each other, and the number of threads is part of the arithmetic."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "HF_"))}
    return {**kept, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def steps(run: Path) -> int:
    log = run / "log.jsonl"
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


def killed_after(folder: Path, out: str, step: int, number: signal.Signals, pause: float = 0.0) -> int:
    """Starts a run, sends the signal once so many steps are logged, and gives the exit code."""
    process = subprocess.Popen(command(folder, out), env=environment(), cwd=folder, stderr=subprocess.PIPE)
    try:
        while steps(folder / out) < step and process.poll() is None:
            time.sleep(0.002)
        time.sleep(pause)
        process.send_signal(number)
        return process.wait(120)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def finish(folder: Path, out: str) -> None:
    done = subprocess.run(
        command(folder, out), env=environment(), cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with noise on the embeddings, so that the state of the random numbers counts; and an unbroken run."""
    folder = tmp_path_factory.mktemp("kills")
    made = recipe(
        small_model(folder / "small"),
        conversations(folder / "rows.jsonl", 100),
        optimisation={"epochs": 2, "tokens_per_step": 256, "learning_rate": 1e-3, "neftune": 5},
        checkpoints={"every_steps": 3},
    )
    (folder / "recipe.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    finish(folder, "unbroken")
    return folder


def weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


@pytest.mark.timeout(300)
def test_killed_twice_at_random_it_ends_with_the_same_weights(place: Path) -> None:
    total = steps(place / "unbroken")
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for at in sorted(chance.sample(range(2, total), 2)):
        killed_after(place, "killed", at, signal.SIGKILL, chance.random() / 20)
    finish(place, "killed")
    assert weights(place / "killed") == weights(place / "unbroken"), f"seed {seed}"
    logged = (place / "killed" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in logged] == list(range(1, total + 1))
    whole, broken = (json.loads((place / run / "report.json").read_text()) for run in ("unbroken", "killed"))
    assert (broken["losses"], broken["tokens"]) == (whole["losses"], whole["tokens"])


@pytest.mark.timeout(300)
def test_stopped_by_sigterm_it_says_so_and_goes_on_from_there(place: Path) -> None:
    assert killed_after(place, "stopped", 4, signal.SIGTERM) == 143
    at = steps(place / "stopped")
    assert (place / "stopped" / "checkpoints" / f"checkpoint-{at}" / "whole").is_file()
    finish(place, "stopped")
    assert weights(place / "stopped") == weights(place / "unbroken")
