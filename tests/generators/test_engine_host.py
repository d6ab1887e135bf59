"""Engine processes end with their parent, however it dies. Real processes, no vLLM."""

from __future__ import annotations

import multiprocessing
import multiprocessing.spawn
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generators.engine_guard import engine_processes
from generators.engine_host import EngineHost
from schemas.errors import BackboneError
from tests.support.generators_processes import parent, wait_until

PARENT = """
import multiprocessing, os, signal, sys, time
from generators.engine_host import EngineHost

def stubborn(depth):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if depth:
        multiprocessing.get_context("spawn").Process(target=stubborn, args=(depth - 1,)).start()
    time.sleep(600)

if __name__ == "__main__":
    host = EngineHost()
    host.open()
    with host.spawning({}):
        multiprocessing.get_context("spawn").Process(target=stubborn, args=(1,)).start()
    while len(host.processes()) < 2:
        time.sleep(0.05)
    print(host._token, host.log, flush=True)
    if sys.argv[1] == "exit":
        os._exit(3)
    time.sleep(600)
"""


@pytest.fixture
def host() -> Iterator[EngineHost]:
    made = EngineHost()
    made.open()
    yield made
    made.close(keep_log=False)


def say_and_wait(text: str) -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(9))
    os.write(1, text.encode())
    os.write(2, b"ValueError: larria\n")
    time.sleep(600)


def spawn(host: EngineHost, environment: dict[str, str] | None = None) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=say_and_wait, args=("kaixo\n",))
    with host.spawning(environment or {}):
        process.start()
    return process  # type: ignore[return-value]


@pytest.mark.parametrize("death", ["kill", "exit"])
def test_children_and_grandchildren_end_within_ten_seconds(tmp_path: Path, death: str) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with parent(script, death) as process:
        assert process.stdout is not None
        token, log = process.stdout.readline().split()
        if death == "kill":
            assert len(engine_processes(token)) == 2
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not engine_processes(token), 10)
    Path(log).unlink()


def test_close_ends_what_is_left(host: EngineHost) -> None:
    process = spawn(host)
    wait_until(lambda: host.processes() == [process.pid], 10)  # it is seen once it has its own environment
    host.close(keep_log=False)
    assert host.processes() == []
    assert not host.log.exists()
    process.join(10)
    assert process.exitcode == -signal.SIGKILL


def test_output_goes_to_the_log_and_the_last_error_is_the_cause(host: EngineHost) -> None:
    assert host.cause() is None
    spawn(host)
    wait_until(lambda: "larria" in host.log.read_text(), 30)
    assert host.log.read_text().startswith("kaixo\n")
    assert host.cause() == "ValueError: larria"
    with host.log.open("a") as log:
        log.write("(EngineCore pid=7) ERROR torch.OutOfMemoryError: no room\n")
        log.write("RuntimeError: Engine core initialization failed. See root cause above.\n")
    assert host.cause() == "OutOfMemoryError: no room"


def test_ctrl_c_does_not_reach_the_engine(host: EngineHost) -> None:
    process = spawn(host)
    wait_until(lambda: "larria" in host.log.read_text(), 30)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join(0.5)
    assert process.is_alive()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_spawning_leaves_this_process_as_it_was(host: EngineHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBA", "lehen")
    executable = multiprocessing.spawn.get_executable()
    before = dict(os.environ)
    with host.spawning({"PROBA": "orain"}):
        assert os.environ["PROBA"] == "orain"
    assert dict(os.environ) == before
    assert os.fsdecode(multiprocessing.spawn.get_executable()) == os.fsdecode(executable)


def test_other_processes_are_not_the_engine_s(host: EngineHost) -> None:
    spawn(host)
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    other.start()
    try:
        host.close(keep_log=False)
        assert other.is_alive()
    finally:
        other.kill()
        other.join()


def test_a_guard_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with pytest.raises(BackboneError, match="guard cannot be started"):
        EngineHost().open()
