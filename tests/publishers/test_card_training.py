"""The commands and the program of a card by which a model is trained on it do what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from publishers.local import publish_to_folder
from tests.support.rooms import ROOT

BACKBONE = ROOT / "demo" / "iturri-demo-eu"


@pytest.fixture
def published(build: Path, tmp_path: Path) -> Path:
    target = tmp_path / "published"
    publish_to_folder(build, target)
    return target


def block(published: Path, kind: str) -> str:
    """The card's block of that kind that trains, or prepares it, with the folder in it."""
    text = (published / "README.md").read_text(encoding="utf-8")
    section = text.partition("## How to train on it")[2]
    (found,) = re.findall(rf"```{kind}\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    assert "path/to/this/folder" in found
    return str(found).replace("path/to/this/folder", str(published))


def run(command: list[str], folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "HF_"))}
    environment |= {
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_a_publication_that_was_downloaded_is_exported_for_other_trainers(published: Path, tmp_path: Path) -> None:
    for line in block(published, "bash").replace("your-model", str(BACKBONE)).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "iturri"
        run([sys.executable, "-m", "cli.main", *arguments], tmp_path)
    told = yaml.safe_load((tmp_path / "proba-axolotl" / "axolotl.yaml").read_text(encoding="utf-8"))
    assert [entry["path"] for entry in told["datasets"]] == ["magpie-eu-train.jsonl"]
    assert told["base_model"] == str(BACKBONE)
    for name in ("dataset_info.json", "llamafactory.yaml"):
        assert (tmp_path / "proba-llamafactory" / name).is_file()
    rows = (tmp_path / "proba-axolotl" / "magpie-eu-train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 6


def test_the_program_trains_the_demo_backbone(published: Path, tmp_path: Path) -> None:
    program = block(published, "python").replace("your-model", str(BACKBONE))
    quick = 'output_dir="trained", max_steps=1, use_cpu=True, report_to="none",'
    short = program.replace('output_dir="trained",', quick)
    assert short != program
    run([sys.executable, "-c", short], tmp_path)
    assert (tmp_path / "trained" / "checkpoint-1" / "model.safetensors").is_file()
