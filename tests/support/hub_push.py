"""A push in a process of its own, to be killed.

    python -m tests.support.hub_push BUILD REPO ENDPOINT FILES_PER_COMMIT

It says "ready", and begins when a line comes on its standard input.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from huggingface_hub import constants

from publishers import hub as publishing
from tests.support.cli_command import ROOT, environment
from tests.support.hub_server import HubServer


def start_push(build: Path, repo: str, hub: HubServer, files_per_commit: int) -> subprocess.Popen[str]:
    """The process, ready to begin."""
    command = [sys.executable, "-m", "tests.support.hub_push", str(build), repo, hub.endpoint, str(files_per_commit)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def main() -> None:
    build, repo, endpoint, files_per_commit = sys.argv[1:]
    constants.HF_HUB_DISABLE_XET = True
    publishing.FILES_PER_COMMIT = int(files_per_commit)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    publishing.publish_to_hub(Path(build), repo, private=False, token=HubServer.token, endpoint=endpoint)


if __name__ == "__main__":
    main()
