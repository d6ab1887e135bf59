"""The `iturri` command in a process of its own, as users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.builds import recipe

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("-c", "from cli.main import main; main()")
PATIENCE_S = 120


def environment(**variables: str) -> dict[str, str]:
    """The environment of a user who has set only these variables of ours."""
    ours = ("ITURRI_", "HF_", "PYTHON")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**clean, "PYTHONPATH": str(ROOT), "ITURRI_WORKERS": "1", **variables}


def iturri(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, *PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def start(*arguments: str | Path, cwd: Path, alone: bool = False, **variables: str) -> subprocess.Popen[str]:
    """Start the command, its output in pipes; `alone` in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [sys.executable, *PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=alone,
    )


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a condition; fails after two minutes."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Send a signal and wait. The exit code, stdout and stderr."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def write_recipe(path: Path, **changes: Any) -> Path:
    """A recipe file with a scripted backbone."""
    delay = changes.pop("delay_s", None)
    made = recipe(**{"name": path.stem, **changes})
    if delay is not None:
        assert not isinstance(made.backbone, str)
        made = made.model_copy(update={"backbone": made.backbone.model_copy(update={"delay_s": delay})})
    path.write_text(made.model_dump_json(), encoding="utf-8")
    return path


def one_line(text: str) -> str:
    """The only line of the text, which is what a failing command says."""
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]
