"""A run that is killed at any step ends with the weights of one that was not, bit for bit."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.training_models import conversations, recipe, small_model
from tests.support.training_processes import run_scenarios

pytestmark = pytest.mark.timeout(300)
STEPS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with noise on the embeddings, so that the state of the random numbers counts."""
    folder = tmp_path_factory.mktemp("kills")
    made = recipe(
        small_model(folder / "small"),
        conversations(folder / "rows.jsonl", 100),
        optimisation={"max_steps": STEPS, "tokens_per_step": 256, "learning_rate": 1e-3, "neftune": 5},
        checkpoints={"every_steps": 3},
    )
    (folder / "recipe.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def seed() -> int:
    return random.randrange(1 << 30)


@pytest.fixture(scope="module")
def ran(folder: Path, seed: int) -> dict[str, dict[str, Any]]:
    chance = random.Random(seed)
    own = {"recipe": str(folder / "recipe.yaml"), "count": 1}
    scenarios: dict[str, dict[str, Any]] = {"unbroken": {**own, "out": str(folder / "unbroken")}}
    for step in sorted(chance.sample(range(1, STEPS), 4)):
        kill = {"step": step, "number": signal.SIGKILL, "pause": chance.random() / 20}
        scenarios[f"killed after {step}"] = {**own, "out": str(folder / "killed"), "signalled": kill}
    scenarios["killed"] = {**own, "out": str(folder / "killed")}
    stop = {"step": 4, "number": signal.SIGTERM}
    scenarios["stopped"] = {**own, "out": str(folder / "stopped"), "signalled": stop}
    scenarios["goes on"] = {**own, "out": str(folder / "stopped")}
    return run_scenarios(scenarios, folder)


def weights(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def test_killed_at_random_it_ends_with_the_same_weights(folder: Path, ran: dict[str, Any], seed: int) -> None:
    assert ran["unbroken"]["codes"] == ran["killed"]["codes"] == [0], ran
    kills = [one["codes"] for name, one in ran.items() if name.startswith("killed after")]
    assert kills == [[-signal.SIGKILL]] * 4, f"seed {seed}"
    assert weights(folder / "killed") == weights(folder / "unbroken"), f"seed {seed}"
    assert steps(folder / "killed") == steps(folder / "unbroken") == list(range(1, STEPS + 1))
    whole, broken = (json.loads((folder / run / "report.json").read_text()) for run in ("unbroken", "killed"))
    assert (broken["losses"], broken["tokens"]) == (whole["losses"], whole["tokens"])


def test_stopped_by_sigterm_it_leaves_a_checkpoint_and_goes_on_from_there(folder: Path, ran: dict[str, Any]) -> None:
    assert (ran["stopped"]["codes"], ran["goes on"]["codes"]) == ([143], [0])
    assert any(name.endswith("/whole") for name in ran["stopped"]["checkpoints"])
    assert weights(folder / "stopped") == weights(folder / "unbroken")
