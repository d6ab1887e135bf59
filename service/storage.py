"""The builds folder as a storage that servers share: each has a marker file in it, locked as long as it lives.

A marker that another server cannot see lies on another storage. One that it sees, and can lock while its owner lives,
lies on a storage whose locks do not reach from host to host; the lock is of the kind that guards a build directory.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from enum import Enum
from pathlib import Path
from typing import Final

from generators.one_line import one_line

# With less room than this no job is well begun.
NO_ROOM_BYTES: Final = 500_000_000
_FOLDER: Final = ".servers"


class Seen(Enum):
    """What is seen of the marker of another server."""

    LOCKED = "locked"
    FREE = "free"
    MISSING = "missing"


class Marker:
    """The marker of this server. Its methods may take as long as the storage does: call them in a thread."""

    def __init__(self, builds: Path, name: str) -> None:
        self.path = builds / _FOLDER / name
        self._held: int | None = None

    def write(self) -> None:
        """Write the marker anew, and lock it when it is not there any more. Raises OSError."""
        if self._held is not None and not self._in_place(self._held):
            self._let_go()
        if self._held is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(held)
                raise
            self._held = held
        os.pwrite(self._held, f"{os.uname().nodename} {os.getpid()}\n".encode(), 0)
        os.fsync(self._held)

    def remove(self) -> None:
        """Raises OSError."""
        self._let_go()
        self.path.unlink(missing_ok=True)

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _in_place(self, held: int) -> bool:
        try:
            return os.path.samestat(os.fstat(held), self.path.stat())
        except OSError:
            return False


def look_for(builds: Path, name: str) -> Seen:
    """What is seen of that server's marker from here. Raises OSError when the folder cannot be read."""
    try:
        marker = os.open(builds / _FOLDER / name, os.O_RDWR)
    except FileNotFoundError:
        return Seen.MISSING
    except PermissionError:
        # Another user's, as of a server on this machine: it is there, and more cannot be said.
        return Seen.LOCKED
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Seen.LOCKED
    else:
        return Seen.FREE
    finally:
        os.close(marker)


def left_by_the_dead(builds: Path, living: frozenset[str]) -> list[Path]:
    """Markers that nobody holds any more and whose servers are not among the living. Raises OSError."""
    others = [marker for marker in (builds / _FOLDER).iterdir() if marker.name not in living]
    return [marker for marker in others if look_for(builds, marker.name) is Seen.FREE]


def told(builds: Path, name: str, host: str, seen: Seen) -> str | None:
    """What is wrong between this machine and that server; None when nothing is."""
    if seen is Seen.MISSING:
        return (
            f"{builds} is not the builds folder of the server {name} on {host}:"
            " set ITURRI_BUILDS of both to one folder on a storage that both see"
        )
    if seen is Seen.FREE:
        return (
            f"the lock that the server {name} on {host} holds in {builds} does not reach this machine:"
            " mount that storage with its locks (NFS: 4, or 3 without `nolock`)"
        )
    return None


def try_out(marker: Marker, builds: Path) -> tuple[str | None, int | None]:
    """Why the folder cannot be used now, None when it can; and how many bytes are free, where that can be told."""
    try:
        marker.write()
        free = shutil.disk_usage(builds).free
    except OSError as error:
        return f"{builds} cannot be written: {error.strerror or one_line(error)}", None
    if free < NO_ROOM_BYTES:
        return f"{free / 1e6:.0f} MB are free in {builds}; make room, {NO_ROOM_BYTES / 1e6:.0f} MB are needed", free
    return None, free
