"""The wheel in a clean environment: our names are ours, and the base install works without vLLM and PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.builds import recipe
from tests.support.rooms import ROOMS, ROOT

OWNERS = """
import importlib.metadata, json
print(json.dumps({name: sorted(set(found)) for name, found in importlib.metadata.packages_distributions().items()}))
"""


def call(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ITURRI_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and what it depends on, in the pinned versions."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("iturri-*.whl")
    uv = Path(sys.executable).with_name("uv")
    call(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    pinned = ROOT / "requirements" / "cpu.txt"
    call(uv, "pip", "install", "--quiet", "--python", python, "--constraint", pinned, wheel, cwd=folder)
    return python


def test_every_room_is_in_the_wheel_and_no_dependency_takes_its_name(clean: Path) -> None:
    owners = json.loads(call(clean, "-c", OWNERS, cwd=clean.parent))
    assert {room: owners.get(room) for room in ROOMS} == {room: ["iturri"] for room in ROOMS}


def test_the_pinned_environment_does_not_take_our_names_either() -> None:
    owners = json.loads(call(sys.executable, "-c", OWNERS, cwd=ROOT / "tests"))
    taken = {room: sorted(set(owners.get(room, ())) - {"iturri"}) for room in ROOMS}
    assert taken == {room: [] for room in ROOMS}


def test_the_base_install_builds_without_vllm_and_torch(clean: Path, tmp_path: Path) -> None:
    installed = call(
        clean, "-c", "import importlib.util as u; print(u.find_spec('vllm'), u.find_spec('torch'))", cwd=tmp_path
    )
    assert installed.split() == ["None", "None"]
    fields = recipe(target={"conversations": 10}).model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(fields), encoding="utf-8")
    iturri = clean.with_name("iturri")
    (result,) = json.loads(call(iturri, "build", "recipe.yaml", "--out", "out", "--json", cwd=tmp_path))["results"]
    assert result["funnel"]["accepted"] == 10
    call(iturri, "publish", "out", "--to", "published", cwd=tmp_path)
    assert (tmp_path / "published" / "README.md").is_file()


def test_the_page_is_in_the_wheel(clean: Path) -> None:
    shown = call(
        clean, "-c", "from service.page_routes import page_files; print(*page_files())", cwd=clean.parent
    ).split()
    there = {str(file.relative_to(ROOT / "service/page")) for file in (ROOT / "service/page").rglob("*.*")}
    assert there <= set(shown) and "swagger/swagger-ui-bundle.js" in shown
