"""The surroundings of engine processes: who ends them when their parent cannot, and where their output goes."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.resource_tracker
import multiprocessing.spawn
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from generators import engine_guard
from schemas.errors import BackboneError

_HERE = Path(__file__).parent
_SWEEP_S = 30
_SPAWNING = threading.Lock()
_CAUSE = re.compile(r"\b([A-Z]\w*(?:\.\w+)*(?:Error|Exception|Interrupt)): (\S.*)$", re.MULTILINE)
# What vLLM says in a process that only saw another one fail.
_NO_CAUSE = ("Engine core initialization failed", "EngineCore encountered an issue", "WorkerProc initialization failed")


class EngineHost:
    """Guards the processes of one engine. `open` starts the guard, `close` ends every process and then the guard.

    Processes that are started inside `spawning` by multiprocessing's spawn method belong to the engine, and so do
    their own children. They do not get Ctrl-C: it is the parent that decides what happens then.
    """

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex
        self._guard: subprocess.Popen[bytes] | None = None
        self.log = Path(tempfile.gettempdir()) / f"iturri-engine-{os.getpid()}-{self._token[:8]}.log"

    def open(self) -> None:
        """Start the guard and the log. Raises BackboneError."""
        try:
            self.log.touch(mode=0o600)
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", engine_guard.__file__, self._token, str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise BackboneError(f"the engine's guard cannot be started: {error}") from error

    @contextlib.contextmanager
    def spawning(self, environment: Mapping[str, str]) -> Iterator[None]:
        """What is spawned inside is guarded, logged and has `environment`; one engine at a time."""
        with _SPAWNING:
            # The tracker is shared by all of this process's children and must not become the engine's.
            multiprocessing.resource_tracker.ensure_running()
            python = os.fsdecode(multiprocessing.spawn.get_executable())
            values = {
                **environment,
                engine_guard.TOKEN_VARIABLE: self._token,
                "ITURRI_ENGINE_LOG": str(self.log),
                "ITURRI_ENGINE_PYTHON": python,
                # setproctitle, which vLLM calls, would write over the token in /proc/PID/environ.
                "SPT_NOENV": "1",
            }
            before = {name: os.environ.get(name) for name in values}
            os.environ.update(values)
            multiprocessing.spawn.set_executable(str(_HERE / "engine_python.sh"))
            # A blocked signal stays blocked in a child, and vLLM's own handler for it never runs.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                multiprocessing.spawn.set_executable(python)
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value

    def processes(self) -> list[int]:
        """The ids of the engine's processes."""
        return engine_guard.engine_processes(self._token)

    def cause(self) -> str | None:
        """The last error in the engine's log, in one line."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        causes = [f"{kind}: {what}" for kind, what in _CAUSE.findall(text) if not what.startswith(_NO_CAUSE)]
        return causes[-1] if causes else None

    def close(self, *, keep_log: bool) -> None:
        """End every process of the engine and wait for it. Raises BackboneError when one cannot be ended."""
        if not engine_guard.sweep(self._token, _SWEEP_S):
            raise BackboneError(f"engine processes {self.processes()} do not end; the guard goes on trying")
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()
            guard.wait()
        if not keep_log:
            self.log.unlink(missing_ok=True)
