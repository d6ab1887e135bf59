"""What is kept off the user's terminal, and what is not."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from cli.surroundings import _ROOMS, log_to_stderr, quieten
from schemas.settings import Settings
from tests.support.cli_command import environment


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Logging and warnings belong to pytest again after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in (*_ROOMS, "vllm"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def said(settings: Settings) -> list[str]:
    stream = io.StringIO()
    log_to_stderr(settings, logging.StreamHandler(stream))
    logging.getLogger("vllm").setLevel(logging.DEBUG)
    for name in ("publishers.hub", "somebodys.library"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(level, "%s %s", name, logging.getLevelName(level))
    return stream.getvalue().splitlines()


def test_libraries_are_quiet_and_we_are_as_loud_as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ITURRI_DEBUG", raising=False)
    ours = ["publishers.hub INFO", "publishers.hub WARNING", "publishers.hub ERROR"]
    assert said(Settings(log_level="info")) == [*ours, "somebodys.library ERROR"]
    assert said(Settings(log_level="error")) == [*ours[2:], "somebodys.library ERROR"]


def test_json_where_it_is_asked_for() -> None:
    (line, *_) = said(Settings(log_level="error", log_format="json"))
    read = json.loads(line)
    assert (read["level"], read["logger"], read["message"]) == ("ERROR", "publishers.hub", "publishers.hub ERROR")


def test_debugging_lets_libraries_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITURRI_DEBUG", "1")
    assert said(Settings(log_level="error"))[1:] == ["somebodys.library WARNING", "somebodys.library ERROR"]


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ITURRI_DEBUG", raising=False)
    monkeypatch.setattr(os, "environ", {"VLLM_LOGGING_LEVEL": "INFO"})
    quieten()
    assert os.environ["VLLM_LOGGING_LEVEL"] == "INFO"
    assert os.environ["VLLM_NO_USAGE_STATS"] == os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


# What an engine leaves that is ended from outside: the tracker of multiprocessing outlives it, and removes it.
LEFT = """
import os
from cli.surroundings import quieten
quieten()
from multiprocessing import shared_memory
shared_memory.SharedMemory(create=True, size=8)
os._exit(0)
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_what_an_engine_leaves_is_removed_without_a_word(debug: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT],
        env=environment(ITURRI_DEBUG=debug),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ("leaked shared_memory objects" in done.stderr) == bool(debug)
