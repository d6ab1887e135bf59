"""The folder of builds: can it be written, do locks and SQLite work there, is there room."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from filelock import FileLock

from cli import figures
from cli.checks.finding import Finding, ok, problem, warning
from cli.checks.probe import ProbeError, probe
from pipeline.directory import on_network_filesystem
from schemas.settings import Settings
from service.storage import NO_ROOM_BYTES

LITTLE_ROOM = 5_000_000_000

_ELSEWHERE = "set ITURRI_BUILDS to a folder on a local disk"

# Another process must be shut out while we hold the ledger's transaction and the build's lock.
_INTRUDER = """
import sqlite3
from filelock import FileLock, Timeout
held = {}
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
    held["sqlite"] = False
except sqlite3.OperationalError:
    held["sqlite"] = True
try:
    FileLock(sys.argv[2], blocking=False).acquire()
    held["lock"] = False
except Timeout:
    held["lock"] = True
answer(held)
"""


def check_storage(settings: Settings) -> list[Finding]:
    """The folder of builds, or where it would be made."""
    place = _existing(settings.builds)
    subject = "builds"
    if not place.is_dir():
        return [problem(subject, f"{place} is no folder", "set ITURRI_BUILDS to a folder")]
    if not os.access(place, os.W_OK | os.X_OK):
        return [problem(subject, f"{place} cannot be written", "set ITURRI_BUILDS to a folder that you may write to")]
    findings = [_filesystem(place), _room(place)]
    try:
        with tempfile.TemporaryDirectory(prefix=".iturri-doctor-", dir=place) as folder:
            findings.append(_locking(Path(folder), network=on_network_filesystem(place)))
            findings.append(_replacing(Path(folder)))
    except (OSError, sqlite3.Error) as error:
        findings.append(problem(subject, f"a trial in {place} failed: {error}", _ELSEWHERE))
    return findings


def _filesystem(place: Path) -> Finding:
    if on_network_filesystem(place):
        return warning("builds", f"{place} is on a network filesystem; ledgers use a slower journal there", _ELSEWHERE)
    return ok("builds", f"{place.resolve()} can be written, on a local filesystem")


def _room(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    text = f"{figures.size(free)} free"
    if free < NO_ROOM_BYTES:
        return problem("disk", text, "make room, or set ITURRI_BUILDS to another disk")
    if free < LITTLE_ROOM:
        return warning("disk", text, "make room before a large build")
    return ok("disk", text)


def _locking(folder: Path, *, network: bool) -> Finding:
    """SQLite's journal and its locks, and the lock of a build directory, tried against another process."""
    ledger, lock = folder / "ledger.sqlite", folder / "build.lock"
    wanted = "delete" if network else "wal"
    connection = sqlite3.connect(ledger, isolation_level=None)
    try:
        (journal,) = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()
        connection.execute("CREATE TABLE trial (number INTEGER)")
        connection.execute("BEGIN IMMEDIATE")
        with FileLock(lock, blocking=False):
            held = probe(_INTRUDER, str(ledger), str(lock))
        connection.execute("ROLLBACK")
    except ProbeError as error:
        return problem("locking", f"could not be tried: {error}", _ELSEWHERE)
    finally:
        connection.close()
    if journal != wanted:
        return problem("locking", f"SQLite's journal mode is {journal}, not {wanted}", _ELSEWHERE)
    if not all(held.values()):
        name = "SQLite's lock" if not held["sqlite"] else "the lock of a build directory"
        return problem("locking", f"{name} does not keep other processes out", _ELSEWHERE)
    return ok("locking", f"SQLite {sqlite3.sqlite_version} ({journal} journal) and file locks keep other processes out")


def _replacing(folder: Path) -> Finding:
    """How shards and manifests get their names: written beside, flushed to the disk, renamed over what is there."""
    name, beside = folder / "manifest.json", folder / "manifest.json.new"
    name.write_text("old", encoding="utf-8")
    with name.open(encoding="utf-8") as reader:
        with beside.open("w", encoding="utf-8") as writer:
            writer.write("new")
            writer.flush()
            os.fsync(writer.fileno())
        beside.replace(name)
        whole = reader.read() == "old" and name.read_text(encoding="utf-8") == "new" and not beside.exists()
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    if not whole:
        return problem("renaming", "a file that is renamed over another one does not replace it whole", _ELSEWHERE)
    return ok("renaming", "files are replaced whole, and can be flushed to the disk")


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
