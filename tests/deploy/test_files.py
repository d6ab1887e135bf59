"""What holds for all files of deploy/."""

from __future__ import annotations

import json
import re

import pytest

from schemas.settings import Settings
from tests.support.deployment import COMPOSE, DEPLOY, DOCKERFILE, checked, files, manifests
from tests.support.rooms import ROOT

# A version in full, or a digest: what is built or started next year is what was built today.
PINNED = re.compile(r"[\w./-]+(:v?\d+\.\d+(\.\d+)?[\w.-]*|@sha256:[0-9a-f]{64})")


def test_every_setting_that_is_set_exists() -> None:
    known = {f"ITURRI_{name.upper()}" for name in Settings.model_fields}
    named = {path: set(re.findall(r"ITURRI_[A-Z_]+", path.read_text(encoding="utf-8"))) for path in files()}
    assert {path: names - known for path, names in named.items() if names - known} == {}
    for path in (DOCKERFILE, COMPOSE, DEPLOY / "kubernetes" / "iturri.yaml", DEPLOY / "systemd" / "iturri.service"):
        assert "ITURRI_BUILDS" in named[path] | named[DOCKERFILE]


def test_yaml_is_tidy() -> None:
    checked("yamllint", "--strict", "--config-file", DEPLOY / ".yamllint.yaml", DEPLOY)


def test_json_can_be_read() -> None:
    read = [json.loads(path.read_text(encoding="utf-8")) for path in files() if path.suffix == ".json"]
    assert read


def test_images_are_pinned() -> None:
    images = re.findall(r"^\s*(?:- )?image: (\S+)$", COMPOSE.read_text(encoding="utf-8"), re.MULTILINE)
    images += [
        container["image"]
        for manifest in manifests()
        if manifest["kind"] == "Deployment"
        for container in manifest["spec"]["template"]["spec"]["containers"]
        if container["image"] != "iturri"  # kustomization.yaml says which one that is
    ]
    images += re.findall(r"^FROM (\S+[:@]\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(images) >= 7
    assert [image for image in images if not PINNED.fullmatch(image)] == []


@pytest.mark.parametrize("name", ["README.md"])
def test_files_that_are_named_exist(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    named = re.findall(r"`([\w./-]+\.(?:yaml|yml|sh|service|json|md|conf|env)|Dockerfile|\w+/)`", text)
    assert named
    assert [one for one in named if not (DEPLOY / one).exists() and not (ROOT / one).exists()] == []
