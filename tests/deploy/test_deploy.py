"""What can be said of the deployment files without Docker, Slurm and a GPU."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import yaml

from schemas.settings import Settings
from tests.support.rooms import ROOMS, ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_has_every_package_of_the_wheel() -> None:
    copied = {source for source, target in re.findall(r"^COPY (\w+) (\w+)$", DOCKERFILE, re.MULTILINE)}
    assert copied == set(ROOMS)
    for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists()


def test_every_setting_that_is_set_exists() -> None:
    known = {f"ITURRI_{name.upper()}" for name in Settings.model_fields}
    compose = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"ITURRI_[A-Z_]+", DOCKERFILE + compose))
    assert named
    assert named <= known


def test_compose_builds_this_dockerfile_and_waits_for_the_database() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["iturri"]
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert set(service["depends_on"]) <= set(compose["services"])


def test_the_slurm_script_is_valid_and_ends_cleanly_at_its_limit() -> None:
    script = ROOT / "deploy" / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text(encoding="utf-8")
    assert "--signal=B:TERM@" in text
    assert text.rstrip().splitlines()[-1].startswith("exec iturri build")
