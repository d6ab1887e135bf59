"""Python code that is tried in a process of its own, since what it imports may crash or print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from generators.one_line import one_line

_TIMEOUT_S = 180


class ProbeError(Exception):
    """The probe did not end well; the message is the last line it said."""


def probe(code: str, *arguments: str, offline: bool = False) -> Any:
    """Run the code with these arguments and give what it calls `answer(...)` with, as JSON. Raises ProbeError."""
    prologue = "import json, sys\ndef answer(value): sys.__stdout__.write('\\nANSWER ' + json.dumps(value) + '\\n')\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    if offline:
        environment["HF_HUB_OFFLINE"] = "1"
    try:
        done = subprocess.run(
            [sys.executable, "-c", prologue + code, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(one_line(error)) from error
    answers = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    if done.returncode == 0 and answers:
        return json.loads(answers[-1].removeprefix("ANSWER "))
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode < 0:
        raise ProbeError(f"it crashed with signal {-done.returncode}")
    raise ProbeError(said[-1] if said else f"it ended with exit code {done.returncode}")
