"""Checkpoints that are whole: a run goes on from the newest one that was written to its end."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_WHOLE = "whole"  # the mark, written when everything else is on disk


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint; what a kill has left unfinished is removed."""
    for path in folder.glob("checkpoint-*"):
        if not (path / _WHOLE).is_file():
            shutil.rmtree(path)
    return max(folder.glob("checkpoint-*"), key=step_of, default=None)


def step_of(path: Path) -> int:
    """After which step it was written."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise ValueError(f"{path.name} is no checkpoint's name")
    return int(named[1])


def seal(path: Path, keep: int) -> None:
    """Marks a checkpoint as whole once it is on disk, and removes those before the newest `keep`. OSError."""
    for file in sorted(path.rglob("*")):
        if file.is_file():
            _sync(file)
    (path / _WHOLE).touch()
    _sync(path)
    _sync(path.parent)
    older = sorted(path.parent.glob("checkpoint-*"), key=step_of)[:-keep]
    for one in older:
        (one / _WHOLE).unlink(missing_ok=True)
        shutil.rmtree(one)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
