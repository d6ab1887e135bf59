"""`iturri jobs`: what a server has been asked for, and what is to become of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from cli import consoles, figures, remote
from cli.failures import failure, say
from cli.progress import open_display
from cli.remote import asking, called, left_running, seconds_of, unsuccessful
from schemas.errors import InputError, IturriError
from schemas.job import Job, Kind

_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are listed."""

    state: str | None = None
    kind: Kind | None = None
    name: str | None = None
    language: str | None = None
    mine: bool = False
    number: int = 20


def show_all(server: str, wanted: Wanted, *, as_json: bool) -> int:
    """A line per job, newest first."""
    with asking(server) as client:
        found = client.jobs(
            state=wanted.state,
            kind=wanted.kind,
            name=wanted.name,
            language=wanted.language,
            mine=wanted.mine or None,
        )
        jobs = list(islice(found, wanted.number))
    if as_json:
        _print({"jobs": list(map(_document, jobs))})
    elif jobs:
        consoles.out().print(_table(jobs))
    else:
        sys.stdout.write("no jobs\n")
    return 0


def watch(server: str, job_id: str, *, as_json: bool, quiet: bool) -> int:
    """Show a job until it ends. Raises ClientError, and ServiceError when the job does not succeed."""
    display = open_display(quiet)
    try:
        with display, asking(server, display.log_handler()) as client:
            job = client.job(job_id)
            job = remote.watch(client, job, display)
    except KeyboardInterrupt:
        say(left_running(client, [job_id]))
        raise
    if as_json:
        _print(job.model_dump(mode="json"))
    elif not quiet:
        sys.stdout.write(f"{_sentence(job)}\n")
    if (problem := unsuccessful(client, job)) is not None:
        raise problem
    return 0


def act(server: str, deed: str, job_ids: list[str], *, as_json: bool, priority: int = 0) -> int:
    """Cancel, pause, resume, retry or prioritise each job; the exit code of the first that was refused."""
    with asking(server) as client:
        deeds: dict[str, Callable[[str], Job]] = {
            "cancel": client.cancel,
            "pause": client.pause,
            "resume": client.resume,
            "retry": client.retry,
            "priority": lambda job_id: client.set_priority(job_id, priority),
        }
        changed, code = _each(job_ids, deeds[deed])
    if as_json:
        _print({"jobs": list(map(_document, changed))})
    else:
        for job in changed:
            sys.stdout.write(f"{job.id}: {job.state}\n")
    return code


def delete(server: str, job_ids: list[str], *, sure: bool, as_json: bool) -> int:
    """Delete each job; the exit code of the first that was refused. Raises InputError when nobody can be asked."""
    if not sure:
        if not sys.stdin.isatty():
            raise InputError("what jobs have made is deleted with them: say --yes where there is no terminal to ask at")
        what = f"Delete {len(job_ids)} jobs and all that they have made?" if len(job_ids) > 1 else "Delete the job?"
        if not typer.confirm(what, err=True):
            return 1
    with asking(server) as client:

        def deleted(job_id: str) -> str:
            client.delete(job_id)
            return job_id

        gone, code = _each(job_ids, deleted)
    if as_json:
        _print({"deleted": gone})
    else:
        for job_id in gone:
            sys.stdout.write(f"{job_id}: deleted\n")
    return code


def download(server: str, job_id: str, folder: Path, *, as_json: bool) -> int:
    """Fetch the shards of a build. Raises ClientError, StorageError."""
    with asking(server) as client:
        try:
            files = client.download(job_id, folder)
        except (KeyboardInterrupt, SystemExit):
            say("stopped; the same command goes on from here")
            raise
    if as_json:
        _print({"folder": str(folder), "files": [str(file) for file in files]})
    else:
        size = sum(file.stat().st_size for file in files)
        sys.stdout.write(f"{folder}: {len(files)} files, {figures.size(size)}, every sha256 is right\n")
    return 0


def _each(job_ids: list[str], do: Callable[[str], _Done]) -> tuple[list[_Done], int]:
    """What came of each, and the exit code: one that is refused does not stop the rest."""
    done: list[_Done] = []
    code = 0
    for job_id in job_ids:
        try:
            done.append(do(job_id))
        except IturriError as error:
            found = failure(error)
            say(f"{job_id}: {found.message}")
            code = code or found.exit_code
    return done, code


def _table(jobs: list[Job]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("job", "kind", "state", "name"):
        table.add_column(heading, no_wrap=heading != "name", overflow="fold")
    for heading in ("accepted", "acceptance", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("key", overflow="fold")
    table.add_column("created", no_wrap=True)
    for job in jobs:
        progress = job.progress
        table.add_row(
            job.id,
            job.kind,
            str(job.state),
            Text(called(job)),
            "-" if progress is None else f"{progress.accepted:,}/{progress.target:,}",
            "-" if progress is None or progress.acceptance is None else figures.percent(progress.acceptance),
            figures.duration(None if progress is None else progress.seconds_left),
            Text(job.key),
            f"{job.created.astimezone():%Y-%m-%d %H:%M}",
        )
    return table


def _sentence(job: Job) -> str:
    progress = job.progress
    made = "" if progress is None else f", {progress.accepted:,} of {progress.target:,} conversations"
    return f"{called(job)}: job {job.id} {job.state}{made}, {figures.duration(seconds_of(job))}"


def _document(job: Job) -> dict[str, Any]:
    return job.model_dump(mode="json", exclude={"funnel"})


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
