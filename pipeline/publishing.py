"""A publication in a process of its own: it can be ended at any moment, and the next one goes on where it stopped.

Run as `python -m pipeline.publishing PARENT_PID` it reads one order as JSON from stdin, and writes to stdout, as JSON,
the result or what went wrong. It does not outlive its parent: the next run's pushes are not to meet it. The Hub token
reaches it in the environment only.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from pipeline.directory import BuildDirectory
from pipeline.sealing import seal_what_is_there
from publishers.hub import publish_to_hub
from publishers.local import publish_to_folder
from publishers.result import PublicationResult
from publishers.reviews import write_reviews
from schemas import errors
from schemas.base import Frozen
from schemas.errors import BuildDirectoryError, EpochLostError, IturriError, ProcessDiedError, PublishError
from schemas.review import Review

_END_S = 5.0
_POLL_S = 0.2


class Order(Frozen):
    """What is published where: to the repository, or, without one, to the folder.

    With `seal` what the build has accepted and not sealed yet is sealed first; while a run goes on, that is the run's
    to do. The marks of `reviews` become part of the build; None leaves those alone that lie in it.
    """

    build: Path
    folder: Path | None = None
    repo: str | None = None
    private: bool = False
    tag: str | None = None
    seal: bool = True
    reviews: tuple[Review, ...] | None = None


class _Failure(Frozen):
    """An error of ours on its way to the process that gave the order."""

    kind: str
    message: str


async def publish(order: Order, stop: asyncio.Event, token: str | None) -> PublicationResult | None:
    """Carry the order out; None when `stop` was set before it was done.

    When the task is cancelled the process is ended too. Raises what publishing raises, ProcessDiedError, and
    PublishError for a process that ends in an unforeseen way.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(token),
            start_new_session=True,  # a Ctrl-C is for the process that gave the order to handle
        )
    except OSError as error:
        raise ProcessDiedError(f"the publication's process could not be started: {error.strerror or error}") from error
    talking = asyncio.create_task(process.communicate(order.model_dump_json().encode()))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([talking, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not talking.done():
            await _end(process, talking)
    output, said = await talking
    if process.returncode == 0:
        return PublicationResult.model_validate_json(output)
    if stop.is_set():
        return None
    if process.returncode is not None and process.returncode < 0:
        raise ProcessDiedError(
            f"the publication's process was killed by signal {-process.returncode} (out of memory?);"
            " another try goes on where it stopped"
        )
    if output:
        failure = _Failure.model_validate_json(output)
        raise getattr(errors, failure.kind)(failure.message)
    lines = said.decode(errors="replace").strip().splitlines()
    raise PublishError(lines[-1] if lines else f"the publication ended with exit status {process.returncode}")


def _environment(token: str | None) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    path = os.pathsep.join(filter(None, sys.path))
    return {**ours, "PYTHONPATH": path} if token is None else {**ours, "PYTHONPATH": path, "HF_TOKEN": token}


async def _end(process: asyncio.subprocess.Process, talking: asyncio.Task[tuple[bytes, bytes]]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait([talking], timeout=_END_S)
    if process.returncode is None:
        process.kill()
    await asyncio.wait([talking])


def carry_out(order: Order, token: str | None) -> PublicationResult:
    """Publish in this process. Raises StorageError, and what sealing and publishing raise."""
    if order.seal:
        # Where a run holds the build again by now, what that has sealed so far is published.
        with suppress(BuildDirectoryError, EpochLostError):
            seal_what_is_there(order.build)
    with BuildDirectory(order.build).publishing():
        if order.reviews is not None:
            write_reviews(order.reviews, order.build)
        if order.repo is not None:
            return publish_to_hub(order.build, order.repo, private=order.private, token=token, tag=order.tag)
        if order.folder is None:
            raise PublishError("the order says neither a repository nor a folder")
        return publish_to_folder(order.build, order.folder)


def _end_with(parent: int) -> None:
    """A pipe could be held open by an unrelated fork, so the parent's id is looked at."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


def main(parent: int) -> int:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    order = Order.model_validate_json(sys.stdin.read())
    try:
        result = carry_out(order, os.environ.get("HF_TOKEN"))
    except IturriError as error:
        sys.stdout.write(_Failure(kind=type(error).__name__, message=str(error)).model_dump_json())
        return error.exit_code
    sys.stdout.write(result.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
