"""A publication in a process of its own: it can be ended at any moment, and the next one goes on where it stopped.

Run as a module it reads one request as JSON from stdin, and writes the result as JSON to stdout or one line that says
what went wrong to stderr. The Hub token reaches it in the environment only.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from pipeline.sealing import seal_what_is_there
from publishers.hub import publish_to_hub
from publishers.local import publish_to_folder
from publishers.result import PublicationResult
from publishers.reviews import write_reviews
from schemas.base import Frozen
from schemas.errors import BuildDirectoryError, EpochLostError, IturriError, ProcessDiedError, PublishError
from schemas.review import Review

_END_S = 5.0


class Order(Frozen):
    """What is published where: to the repository, or, without one, to the folder.

    What the build has accepted and not sealed yet is sealed first, and the marks of `reviews` become part of it.
    """

    build: Path
    folder: Path
    repo: str | None
    private: bool
    reviews: tuple[Review, ...] = ()


async def publish(order: Order, stop: asyncio.Event) -> PublicationResult | None:
    """Carry the order out; None when `stop` was set before it was done. Raises PublishError, ProcessDiedError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # a Ctrl-C is the server's to handle
    )
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
    lines = said.decode(errors="replace").strip().splitlines()
    raise PublishError(lines[-1] if lines else f"the publication ended with exit status {process.returncode}")


async def _end(process: asyncio.subprocess.Process, talking: asyncio.Task[tuple[bytes, bytes]]) -> None:
    process.terminate()
    await asyncio.wait([talking], timeout=_END_S)
    if process.returncode is None:
        process.kill()
    await asyncio.wait([talking])


def main() -> int:
    order = Order.model_validate_json(sys.stdin.read())
    try:
        # Where a run holds the build again by now, what that has sealed so far is published.
        with suppress(BuildDirectoryError, EpochLostError):
            seal_what_is_there(order.build)
        write_reviews(order.reviews, order.build)
        if order.repo is None:
            result = publish_to_folder(order.build, order.folder)
        else:
            token = os.environ.get("HF_TOKEN")
            result = publish_to_hub(order.build, order.repo, private=order.private, token=token)
    except IturriError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(result.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
