"""What the commands with `--server` share: the client, how a job is watched, and what to say when one leaves."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from cli import figures
from cli.progress import Display, Standing
from cli.surroundings import log_to_stderr
from schemas.errors import ServiceError
from schemas.job import Job, JobProgress, JobState
from schemas.settings import read_settings
from service.client.client import Client

INTERRUPTED = 130


@contextmanager
def asking(server: str, handler: logging.Handler | None = None) -> Iterator[Client]:
    """The server, asked with the API key of this machine's settings. Raises InputError, SettingsError."""
    settings = read_settings()
    log_to_stderr(settings, handler)
    key = settings.api_key.get_secret_value() if settings.api_key is not None else None
    with Client(server, key) as client:
        yield client


def command(client: Client, *words: str) -> str:
    """The `iturri` command of these words for the same server, as it is typed."""
    return f"`{shlex.join(['iturri', *words, '--server', client.url])}`"


def called(job: Job) -> str:
    """What lines about a job call it."""
    if job.recipe is not None:
        return str(job.recipe.get("name", job.id))
    return f"publication of {job.build_id}"


def watch(client: Client, job: Job, display: Display) -> Job:
    """Show how the job gets on; the job once it has ended. Raises ClientError."""
    name, begun, state = called(job), False, None
    display.waiting(f"{name}: {job.state}", f"{name}: {job.state} as job {job.id} of {client.url}")
    for event in client.events(job.id):
        if state is not None and event.state is not state:
            display.note(f"{name}: {event.state}")
        state = event.state
        if event.progress is not None:
            if not begun:
                display.running(name, event.progress.target)
                begun = True
            display.update(_standing(event.progress))
    return client.job(job.id)


def unsuccessful(client: Client, job: Job) -> ServiceError | None:
    """What to say of a job that has ended, and not well; None of one that has succeeded."""
    if job.state is JobState.SUCCEEDED:
        return None
    again = f"{command(client, 'jobs', 'retry', job.id)} has it go on"
    if job.state is JobState.CANCELLED:
        return ServiceError(f"{called(job)}: job {job.id} was cancelled; {again}")
    return ServiceError(f"{called(job)}: job {job.id} has failed: {job.error}; {again}")


def left_running(client: Client, jobs: list[str]) -> str:
    """What to say when the user stops watching."""
    one = len(jobs) == 1
    watching = command(client, "jobs", "watch", jobs[0])
    return (
        f"{'the job goes' if one else f'{len(jobs)} jobs go'} on; {watching} watches {'it' if one else 'the first'}, "
        f"{command(client, 'jobs', 'cancel', *jobs)} stops {'it' if one else 'them'}"
    )


def seconds_of(job: Job) -> float:
    """How long the job took from its start to its end; 0 when it has not been both."""
    if job.started is None or job.finished is None:
        return 0.0
    return (job.finished - job.started).total_seconds()


def _standing(progress: JobProgress) -> Standing:
    return Standing(
        progress.accepted,
        progress.target,
        progress.acceptance or 0.0,
        progress.tokens_per_second,
        f"{figures.per_accepted(progress.tokens_per_accepted)} tokens per accepted",
        progress.seconds_left,
    )
