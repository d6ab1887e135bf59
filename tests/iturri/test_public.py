"""The public face: every name it promises is there, and it and the rooms are light to import."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import iturri
from tests.support.rooms import ROOMS, ROOT

# A module of training/ may be an optimizer, which is torch's; the room itself stays light.
HEAVY = dict.fromkeys(ROOMS, ("torch", "vllm")) | {"training": ("vllm",)}
IMPORTS = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
    for heavy in sys.argv[1].split(","):
        if heavy in sys.modules:
            sys.exit(f"{name} imports {heavy}")
"""


# A script: Alembic runs it, with a context that there is only then.
SCRIPTS = {"service.migrations.env"}


def modules_of(room: str) -> list[str]:
    package = importlib.import_module(room)
    found = pkgutil.walk_packages(package.__path__, f"{room}.")
    return [room, *sorted({module.name for module in found} - SCRIPTS)]


def imported(heavy: tuple[str, ...], *modules: str) -> str:
    """What the imports drag in of the heavy ones, in a process of their own; empty when nothing."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, ",".join(heavy), *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else ""


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_light(room: str) -> None:
    assert imported(("torch", "vllm"), room) == ""
    assert imported(HEAVY[room], *modules_of(room)) == ""


def test_the_test_of_lightness_sees_what_is_heavy() -> None:
    assert imported(("json",), "json") == "json imports json"


def test_the_face_and_the_command_start_with_next_to_nothing() -> None:
    assert imported(("pydantic", "pyarrow", "fastapi"), "iturri") == ""
    assert imported(("pyarrow", "fastapi", "huggingface_hub"), "cli.main") == ""


def test_every_name_is_there() -> None:
    assert len(set(iturri.__all__)) == len(iturri.__all__)
    for name in iturri.__all__:
        assert getattr(iturri, name) is not None
        assert name in dir(iturri)


def test_names_are_those_of_the_rooms() -> None:
    from pipeline.build import build
    from schemas.recipe import Recipe

    assert iturri.Recipe is Recipe
    assert iturri.build is build


def test_errors_are_all_public() -> None:
    from schemas import errors

    assert set(errors.__all__) <= set(iturri.__all__)


def test_version_and_unknown_names() -> None:
    assert iturri.__version__ == version("iturri")
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(iturri, "nonsense")  # noqa: B009
