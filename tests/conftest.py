"""What holds for all tests."""

from __future__ import annotations

import os

# Two workers of the suite share two cores: threads of torch that wait for each other there made training ten times
# slower. It must be said before torch is imported, and the processes that tests start are told as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# Files that take minutes, and would be the last: they have few tests, and pytest-xdist begins with those of many.
_LONGEST = (
    "tests/test_demo.py",
    "tests/test_readme.py",
    "tests/service/test_chaos.py",
    "tests/benchmarks/test_runs.py",
)

# How long an example takes is the machine's business; speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is left with minutes of work when the other is done."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(_LONGEST)))
