"""`make demo`: two hundred real conversations, from the service to a publication that loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
