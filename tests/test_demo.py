"""`make demo`: two hundred real conversations, from the service to a publication that loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli_command import iturri

ROOT = Path(__file__).resolve().parent.parent


def shown(module: str) -> str:
    """What a part of the demo prints, as `make` starts it."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_the_demo_keeps_its_promise() -> None:
    told = shown("demo.run")
    for line in ("accepted", "Funnel", "datasets.load_dataset(", "Publication", "dropped"):
        assert line in told


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_the_loop_closes() -> None:
    """After the demo above, whose publication it trains on."""
    told = shown("demo.adapt")
    for line in ("95 % interval", "distinct-2", "conversations-eu", "conversations-en", "corpus-eu", "Model"):
        assert line in told


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_the_demo_backbone_mixes_modes(tmp_path: Path) -> None:
    declared = ("--backbones", "demo/backbones.yaml", "--out", str(tmp_path / "build"))
    done = iturri("build", "--json", "-q", "recipes/demo-modes.yaml", *declared, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    accepted = {mode["mode"]: mode["accepted"] for mode in result["funnel"]["modes"]}
    assert accepted.keys() == {"magpie-eu", "prompts-eu", "reverse-eu", "grounded-eu"}
    assert sum(accepted.values()) == 40
    assert min(accepted.values()) >= 3
