"""The Slurm script and the systemd unit."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import DEPLOY, SYSTEMD, checked

SLURM = DEPLOY / "slurm.sh"
UNIT = SYSTEMD / "iturri.service"
# In tenths of systemd's exposure level, from 0 to 100: `OK` ends at 50, what can be had without reach to devices at 20.
MOST_EXPOSED = 20

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def entries(text: str) -> list[tuple[str, str, str]]:
    """(section, name, value) of each line of a unit."""
    found, section = [], ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section = head[1]
            continue
        name, equals, value = line.partition("=")
        assert equals and section and re.fullmatch(r"[A-Za-z]+", name), line
        found.append((section, name, value))
    return found


def test_the_slurm_script_is_sound_and_ends_cleanly_at_its_limit() -> None:
    checked("shellcheck", SLURM)
    subprocess.run(["bash", "-n", SLURM], check=True)
    text = SLURM.read_text(encoding="utf-8")
    assert "--signal=B:TERM@" in text
    assert "--requeue" in text
    assert text.rstrip().splitlines()[-1].startswith("exec iturri build")


def test_the_unit_says_what_it_must() -> None:
    found = entries(UNIT.read_text(encoding="utf-8"))
    service = {name: value for section, name, value in found if section == "Service"}
    environment = dict(value.split("=", 1) for _, name, value in found if name == "Environment")
    assert service["User"] != "root"
    assert service["ExecStart"].endswith("iturri serve --host 127.0.0.1 --port 8000")
    assert service["EnvironmentFile"].startswith("/etc/"), "keys are in no file that everybody can read"
    state = Path("/var/lib") / service["StateDirectory"]
    assert service["ProtectSystem"] == "strict"
    for name in ("ITURRI_BUILDS", "ITURRI_PUBLICATIONS", "ITURRI_DATA", "HF_HOME", "XDG_CACHE_HOME"):
        assert Path(environment[name]).is_relative_to(state), "elsewhere nothing can be written"
    assert int(service["TimeoutStopSec"]) >= 30, "running builds are stopped and recorded"
    assert {section for section, *_ in found} == {"Unit", "Service", "Install"}


def test_the_gpu_is_opened_in_a_file_of_its_own() -> None:
    drop_in = {(section, name) for section, name, _ in entries((SYSTEMD / "gpu.conf").read_text(encoding="utf-8"))}
    assert ("Service", "DeviceAllow") in drop_in
    assert {section for section, _ in drop_in} == {"Service"}


@needs_systemd
@pytest.mark.parametrize("with_gpu", [False, True])
def test_systemd_takes_the_unit(tmp_path: Path, with_gpu: bool) -> None:
    here = UNIT.read_text(encoding="utf-8").replace("/opt/iturri/bin/iturri", shutil.which("true") or "/bin/true")
    (tmp_path / UNIT.name).write_text(here, encoding="utf-8")
    if with_gpu:
        folder = tmp_path / f"{UNIT.name}.d"
        folder.mkdir()
        shutil.copy(SYSTEMD / "gpu.conf", folder)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / UNIT.name],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert UNIT.stem not in done.stderr, "not a word about this unit"


@needs_systemd
def test_the_unit_leaves_little_open() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", UNIT],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
