"""Several processes train one model together: as one would, and ending together."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.training_models import conversations, recipe, small_model
from tests.support.training_processes import environment, run_scenarios

pytestmark = pytest.mark.timeout(300)

# On a machine without GPUs, which `--cpu` would start one process on.
LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of as many sequences as two processes can share: 40, 4 to a step."""
    folder = tmp_path_factory.mktemp("processes")
    rows = conversations(folder / "rows.jsonl", 50)
    made = recipe(
        small_model(folder / "small"),
        rows,
        context={"max_length": 128, "packing": False},
        optimisation={"epochs": 1, "tokens_per_step": 136, "learning_rate": 1e-2, "neftune": 0},
        checkpoints={"every_steps": 3},
    )
    made["data"]["conversations"][0]["rows"] = 40
    (folder / "recipe.yaml").write_text(yaml.safe_dump(made))
    (folder / "none.yaml").write_text(yaml.safe_dump({**made, "model": str(folder / "none")}))
    return folder


@pytest.fixture(scope="module")
def launched(folder: Path) -> Path:
    """By the launcher, as users do."""
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split()]
    command = [*launcher, "-m", "cli.main", "train", "-q", "recipe.yaml", "--out", "launched"]
    done = subprocess.run(
        command, env=environment(), cwd=folder, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "launched"


@pytest.fixture(scope="module")
def ran(folder: Path, launched: Path) -> dict[str, dict[str, Any]]:
    """Exit codes and words of the scenarios, by name."""
    (folder / "file").write_text("")
    own = {"recipe": str(folder / "recipe.yaml"), "count": 2}
    stop = {"step": 4, "process": 1, "number": signal.SIGTERM}
    scenarios = {
        "alone": {**own, "count": 1, "out": str(folder / "alone")},
        "again": {**own, "out": str(launched)},
        "stopped": {
            **own,
            "out": str(folder / "stopped"),
            "signalled": stop,
        },
        "goes on": {**own, "out": str(folder / "stopped")},
        "first fails": {**own, "out": str(folder / "file")},
        "second fails": {**own, "out": str(folder / "second"), "others_recipe": str(folder / "none.yaml")},
    }
    return run_scenarios(scenarios, folder)


def log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def report(run: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((run / "report.json").read_text())
    return told


def ended(one: dict[str, Any]) -> tuple[list[int], list[str], int]:
    return one["codes"], one["said"], one["hanging"]


def weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def test_two_processes_learn_what_one_learns(folder: Path, launched: Path, ran: dict[str, Any]) -> None:
    assert ran["alone"]["codes"] == [0], ran["alone"]
    one, two = log(folder / "alone"), log(launched)
    assert len(one) == len(two) >= 8
    for mine, theirs in zip(one, two, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
        assert mine["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-3)
        assert (mine["tokens"], mine["learning_rate"]) == (theirs["tokens"], theirs["learning_rate"])
    assert one[-1]["loss"] < one[0]["loss"] - 0.5
    alone, together = report(folder / "alone"), report(launched)
    assert [loss["tokens"] for loss in alone["losses"]] == [loss["tokens"] for loss in together["losses"]]
    for name in ("before", "after"):
        assert alone["losses"][0][name] == pytest.approx(together["losses"][0][name], abs=1e-4)


def test_they_write_one_model(launched: Path) -> None:
    assert not list(launched.glob(".*")) and not (launched / "checkpoints").exists()
    assert {path.name for path in launched.iterdir()} >= {"model", "report.json", "curve.png"}


def test_a_finished_run_is_finished_for_all(ran: dict[str, Any]) -> None:
    assert ended(ran["again"]) == ([0, 0], ["", ""], 0)


def test_a_signal_that_one_of_them_hears_stops_all_after_the_same_step_and_they_go_on(
    folder: Path, launched: Path, ran: dict[str, Any]
) -> None:
    assert ended(ran["stopped"]) == ([143, 143], ["", ""], 0)
    last = max(int(name.split("-")[1].split("/")[0]) for name in ran["stopped"]["checkpoints"])
    for name in ("rng_state_0.pth", "rng_state_1.pth", "whole"):
        assert f"checkpoint-{last}/{name}" in ran["stopped"]["checkpoints"]
    assert ended(ran["goes on"]) == ([0, 0], ["", ""], 0)
    assert weights(folder / "stopped") == weights(launched) != weights(folder / "alone")  # in the last bits
    assert [one["step"] for one in log(folder / "stopped")] == [one["step"] for one in log(launched)]


def test_what_fails_in_the_first_ends_the_others_and_is_said_once(ran: dict[str, Any]) -> None:
    one = ran["first fails"]
    assert (one["codes"], one["hanging"]) == ([1, 1], 0)
    assert "file cannot be written" in one["said"][0] and one["said"][1] == ""


def test_what_fails_in_another_ends_the_first_and_is_said_once(ran: dict[str, Any]) -> None:
    one = ran["second fails"]
    assert (one["codes"], one["hanging"]) == ([2, 2], 0)
    assert one["said"][0] == "" and "model: there is no folder" in one["said"][1]
