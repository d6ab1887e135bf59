"""`iturri serve` in a process of its own, on a paced server, for the benchmarks of the service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.paced import PacedServer
from benchmarks.paced_text import ROOT

_ITURRI = (sys.executable, "-c", "from cli.main import main; main()")
_STARTS_S = 120.0


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the embedded PostgreSQL can use, which has a user of its own when this one is root."""
    with tempfile.TemporaryDirectory(prefix="iturri-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


class ServiceProcess:
    """One server of a service. Its folder, database and backbones are those of all the others with these arguments."""

    def __init__(self, folder: Path, paced: PacedServer, database: str | None, name: str) -> None:
        self.folder = folder
        self._log = folder / f"{name}.log"
        backbones = folder / "backbones.json"
        backbones.write_text(f'{{"paced": {paced.spec.model_dump_json(exclude_unset=True)}}}')
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ITURRI_", "HF_"))}
        self._environment = kept | {
            "PYTHONPATH": str(ROOT),
            "ITURRI_BACKBONES": str(backbones),
            "ITURRI_BUILDS": str(folder / "builds"),
            "ITURRI_PUBLICATIONS": str(folder / "publications"),
            "ITURRI_DATA": str(folder / name),
            "ITURRI_WORKERS": "1",
        }
        if database is not None:
            self._environment["ITURRI_DATABASE_URL"] = database
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it on a free port, without waiting for it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*_ITURRI, "serve", "--port", str(port)],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _STARTS_S
        while True:
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server has not started: {self._log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=10).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)

    def submit(self, recipe: dict[str, Any]) -> str:
        answer = httpx.post(f"{self.url}/v1/jobs", json=recipe, timeout=30).raise_for_status()
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/v1/jobs/{job_id}", timeout=30).raise_for_status().json()
        return answer

    def wait_until_it_accepts(self, job_id: str) -> None:
        """Until a build has got its first conversation."""
        while not (self.job(job_id)["progress"] or {}).get("accepted"):
            time.sleep(0.2)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        """What it has started: processes of filters, publications."""
        if self.process is None:
            return []
        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """SIGKILL to it and to all processes that it has started."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end(self) -> None:
        """A clean end, or a kill when it takes long."""
        if self.process is not None and self.alive:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
