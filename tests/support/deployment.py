"""The files of deploy/, and the tools that check them, which lie beside the tests' own Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.rooms import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
KUBERNETES = DEPLOY / "kubernetes"
SYSTEMD = DEPLOY / "systemd"


def checked(tool: str, *arguments: str | Path) -> None:
    """Run the tool on files of the repository; what it has to say is the failure."""
    program = Path(sys.executable).with_name(tool)
    done = subprocess.run(
        [str(program), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def manifests() -> list[dict[str, Any]]:
    """All Kubernetes objects, the example of a Secret among them."""
    files = sorted(KUBERNETES.glob("*.yaml"))
    return [one for file in files if file.name != "kustomization.yaml" for one in documents(file)]


def files() -> Iterator[Path]:
    """Every file of deploy/."""
    return (path for path in sorted(DEPLOY.rglob("*")) if path.is_file())
