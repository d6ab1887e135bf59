"""`make demo`: two hundred real conversations, from the service to a publication that loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli_command import iturri

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_the_demo_keeps_its_promise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.run"], cwd=ROOT, capture_output=True, text=True, timeout=850, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "accepted  " in done.stdout or "accepted" in done.stdout
    for line in ("Funnel", "datasets.load_dataset(", "Publication", "dropped"):
        assert line in done.stdout


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_the_loop_closes() -> None:
    """After the demo above, whose publication it trains on."""
    done = subprocess.run(
        [sys.executable, "-m", "demo.adapt"], cwd=ROOT, capture_output=True, text=True, timeout=850, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for line in ("95 % interval", "distinct-2", "conversations-eu", "conversations-en", "corpus-eu", "Model"):
        assert line in done.stdout


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
