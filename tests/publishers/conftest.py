"""A build, and a Hub to push it to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.support.hub_server import HubServer
from tests.support.publishers_builds import make_build


@pytest.fixture(autouse=True)
def over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def build(tmp_path: Path) -> Path:
    make_build(tmp_path / "build")
    return tmp_path / "build"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits before further tries, which do not happen."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited
