"""Whether what a recipe names on this machine is still what was prepared."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from schemas.training import TrainingData
from training.data_files import kind_of

Stamps = dict[str, tuple[int, int]]
"""Size in bytes and time of the last change in nanoseconds, by absolute path."""


def stamps(data: TrainingData) -> Stamps:
    """Of all local files of the sources: data, manifests and cards. Sources on the Hub, at a commit, have none."""
    found: Stamps = {}
    names = [one.source for one in (*data.conversations, *data.held_out)] + [one.source for one in data.corpus]
    for name in names:
        for path in _local(name):
            try:
                about = path.stat()
            except OSError:  # gone since it was listed; who reads it says so
                continue
            found[str(path.absolute())] = about.st_size, about.st_mtime_ns
    return found


def _local(source: str) -> Iterator[Path]:
    path = Path(source)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError:  # no name of a file
        return
    if is_file:
        yield path
    elif is_folder:
        names = glob.glob("**", root_dir=path, recursive=True)  # noqa: PTH207 - it follows links to folders
        yield from (path / name for name in names if kind_of(name) or Path(name).name == "README.md")
    elif glob.has_magic(source):
        yield from map(Path, glob.glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
