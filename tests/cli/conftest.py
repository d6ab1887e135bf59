"""A finished build, made once for the tests that only read it, and a Hub to publish to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli_command import iturri, write_recipe
from tests.support.hub_server import HubServer


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `iturri build` has made builds/good: twenty accepted, some dropped as too short."""
    folder = tmp_path_factory.mktemp("built")
    short = ["Bai.", "Zer da mendia, labur esanda?", "Nola egiten da ogia etxean, pausoz pauso?"]
    write_recipe(
        folder / "good.json",
        backbone={"kind": "scripted", "user_turns": short, "replies": ["Ondo da hori, galdetu lasai."]},
        filters={"shape": {"min_chars": 6}, "language": {"enabled": False}, "duplicates": {"enabled": False}},
        publish={"licence": "cc0-1.0", "repo": "euskaltzaleak/proba"},
    )
    done = iturri("build", "-q", "good.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server
