"""The build directory: one folder that holds everything about one build."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from schemas.errors import BuildDirectoryError, StorageError
from schemas.recipe import Recipe
from schemas.settings import Settings

NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "beegfs", "gpfs", "ceph", "fuse.sshfs", "9p", "afs", "glusterfs"}
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuildDirectory:
    """Where the parts of a build lie. Shards and manifest lie as a publication lays them out."""

    path: Path

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.sqlite"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.json"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    def passages(self, mode: str) -> Path:
        """The index of the passages that a mode reads: a cache."""
        return self.path / "passages" / f"{mode}.index"

    @contextmanager
    def locked(self, take_over: bool) -> Iterator[None]:
        """Hold the directory's lock; it ends with the process, however that ends.

        With `take_over` a lock that another process holds is passed by: its run is thought dead, and the ledger's new
        epoch keeps it from writing. Raises BuildDirectoryError when the directory is in use, StorageError when it
        cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "build.lock", blocking=False, thread_local=False)
            lock.acquire()
        except Timeout as error:
            if not take_over:
                raise BuildDirectoryError(
                    f"{self.path} is in use by another run; wait for it or stop it, or choose another output.directory"
                ) from error
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """One publication at a time, so that none comes with an earlier state than what went before it.

        Waits for the one under way. A directory that cannot be written is not locked: no run changes it either.
        """
        lock = FileLock(self.path / "publish.lock", thread_local=False)
        with suppress(OSError):
            try:
                lock.acquire(blocking=False)
            except Timeout:
                _log.warning("%s: another publication of this build is under way; this one waits for it", self.path)
                lock.acquire()
        try:
            yield
        finally:
            lock.release()


def build_directory(recipe: Recipe, settings: Settings) -> Path:
    """The recipe's own output.directory, or a folder with its name among this machine's builds."""
    return recipe.output.directory or settings.builds / recipe.name


def on_network_filesystem(path: Path) -> bool:
    """Whether `path` lies on a filesystem that other hosts share, where SQLite's WAL mode does not work."""
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    resolved = path.resolve()
    for folder in (resolved, *resolved.parents):
        if folder in mounts:
            return mounts[folder] in NETWORK_FILESYSTEMS
    return False
