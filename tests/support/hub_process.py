"""The tests' Hub as a process of its own, so that the process that publishes can be measured alone.

    python -m tests.support.hub_process FOLDER [--part-bytes N]

prints {"endpoint": ...} as one line and serves until its standard input ends, so that it never outlives who started it.
Its files lie in a temporary folder below FOLDER, and are gone afterwards. `HubProcess` is the other side.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.hub_faults import When
from tests.support.hub_server import PART_BYTES, HubServer
from tests.support.hub_store import MAIN

ROOT = Path(__file__).resolve().parents[2]


class HubProcess:
    """Starts the process and asks it; a context manager."""

    def __init__(self, folder: Path, part_bytes: int = PART_BYTES) -> None:
        command = [sys.executable, "-m", "tests.support.hub_process", str(folder), "--part-bytes", str(part_bytes)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.endpoint: str = json.loads(self._process.stdout.readline())["endpoint"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def state(self, repo: str = "") -> dict[str, Any]:
        """Counts of everything or, of one repository, its commits and files with their sha256."""
        return self._ask(f"state/{repo}" if repo else "state")

    def kill_at(self, process: int, skip: int, when: When) -> None:
        """Have the process killed at the request that comes after the next `skip` ones, and no other any more."""
        self._ask("kills", [{"process": process, "skip": skip, "when": when}])

    def kill_none(self) -> None:
        """A process that has ended before its request came is not to be killed any more."""
        self._ask("kills", [])

    @property
    def peak_mb(self) -> float:
        """The most memory that the process has held so far, in MiB."""
        return peak_mb(self.pid)

    def content(self, repo: str, path: str, revision: str = MAIN) -> bytes:
        """A file as a client gets it."""
        address = f"{self.endpoint}/datasets/{repo}/resolve/{revision}/{path}"
        asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {HubServer.token}"})
        with urllib.request.urlopen(asked) as answer:
            content: bytes = answer.read()
        return content

    def _ask(self, page: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.endpoint}/-/{page}", data) as answer:
            told: dict[str, Any] = json.load(answer)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()  # which ends its standard input


def peak_mb(process: int) -> float:
    """The most memory that a process has held so far, in MiB. Not by getrusage, which counts who started it too."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part-bytes", type=int, default=PART_BYTES)
    options = parser.parse_args()
    with HubServer(options.part_bytes, options.folder) as hub:
        sys.stdout.write(json.dumps({"endpoint": hub.endpoint}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
