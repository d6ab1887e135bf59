"""distilabel's `MagpieGenerator`, in an environment of its own that is made when it is first needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.paced_text import ROOT, TOKENIZER
from languages.loader import load_pack

HERE = Path(__file__).resolve().parent
PINNED = HERE / "distilabel.txt"
ENVIRONMENT = ROOT / ".peers" / "distilabel"


@dataclass(frozen=True, slots=True)
class Job:
    """Two exchanges a row, from the server at `url` (without /v1), so many rows at a time."""

    url: str
    rows: int
    batch: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Ran:
    """Seconds from start to end of the process, and the whole rows it made; None: it did not end in time."""

    seconds: float
    rows: int | None


def environment() -> Path:
    """The python of the peer's environment, which is made if it is not there."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*install, "-r", str(PINNED)], check=True, stdout=sys.stderr)
        (ENVIRONMENT / ".ready").touch()
    return python


def run_job(job: Job, limit_s: float) -> Ran:
    """Runs the job in a process group of its own, which is ended when it takes longer than the limit."""
    python = environment()
    prompts = load_pack("eu").steering.system_prompts
    with tempfile.TemporaryDirectory() as folder:
        told = {**asdict(job), "tokenizer": str(TOKENIZER), "system_prompts": list(prompts), "folder": folder}
        command = [str(python), str(HERE / "distilabel_job.py"), json.dumps(told)]
        variables = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": "", "TOKENIZERS_PARALLELISM": "false"}
        log = Path(folder) / "log"
        started = time.perf_counter()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Ran(time.perf_counter() - started, None)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(f"distilabel failed:\n{log.read_text()[-2000:]}")
        return Ran(seconds, json.loads(output.splitlines()[-1])["rows"])
