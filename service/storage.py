"""The builds folder as a storage that servers share: each has a marker in it, locked as long as it lives.

A marker that another server cannot see lies on another storage. One that it sees, and can lock while its owner lives,
lies on a storage whose locks do not reach from host to host. Its locks are of both kinds that guard a build: the one of
the build directory, and SQLite's of the ledger.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Final

from generators.one_line import one_line

# With less room than this no job is well begun.
NO_ROOM_BYTES: Final = 500_000_000
_FOLDER: Final = ".servers"
_LOCK, _LEDGER = "lock", "ledger.sqlite"


class Seen(Enum):
    """What is seen of the marker of another server."""

    LOCKED = "locked"
    FREE = "free"
    MISSING = "missing"


class Marker:
    """The marker of this server. Its methods may take as long as the storage does: call them in a thread."""

    def __init__(self, builds: Path, name: str) -> None:
        self.path = builds / _FOLDER / name
        self._lock: int | None = None
        self._ledger: sqlite3.Connection | None = None

    def write(self) -> None:
        """Write the marker anew; and lock it, when it is not there yet or any more. Raises OSError."""
        lock = self._lock
        if lock is None or not self._in_place(lock):
            self._let_go()
            lock = self._take()
        os.pwrite(lock, f"{os.uname().nodename} {os.getpid()}\n".encode(), 0)
        os.fsync(lock)

    def remove(self) -> None:
        """Raises OSError."""
        self._let_go()
        shutil.rmtree(self.path)

    def _take(self) -> int:
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            lock = self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Each call may come from another thread, never two at once.
            self._ledger = sqlite3.connect(
                self.path / _LEDGER, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._ledger.execute("BEGIN EXCLUSIVE")
        except (OSError, sqlite3.Error) as error:
            self._let_go()
            raise OSError(f"its locks cannot be had: {one_line(error)}") from error
        return lock

    def _let_go(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _in_place(self, lock: int) -> bool:
        try:
            return os.path.samestat(os.fstat(lock), (self.path / _LOCK).stat()) and (self.path / _LEDGER).exists()
        except OSError:
            return False


def look_for(builds: Path, name: str) -> Seen:
    """What is seen of that server's marker from here. Raises OSError when the folder cannot be read."""
    marker = builds / _FOLDER / name
    try:
        lock = os.open(marker / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return Seen.MISSING
    except PermissionError:
        # Another user's, as of a server on this machine: it is there, and more cannot be said.
        return Seen.LOCKED
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Seen.LOCKED if _ledger_is_locked(marker / _LEDGER) else Seen.FREE
    else:
        return Seen.FREE
    finally:
        os.close(lock)


def _ledger_is_locked(ledger: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return True
        raise OSError(one_line(error)) from error
    return False


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
            f"the locks that the server {name} on {host} holds in {builds} do not reach this machine:"
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
