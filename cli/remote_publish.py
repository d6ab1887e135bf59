"""`iturri publish --server`: the server publishes a build, with its own Hub token, or to its own folder."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from cli.failures import say
from cli.progress import open_display
from cli.published import sentence
from cli.remote import asking, left_running, unsuccessful, watch
from publishers.result import PublicationResult
from schemas.errors import ClientError, InputError
from schemas.job import Job
from service.client.client import Client


def run(server: str, job_id: str, *, repo: str | None, private: bool, tag: str | None, as_json: bool) -> int:
    """Publish, and say what went where. A signal leaves the publication to the server.

    Raises ClientError, InputError for a job that is no build, ServiceError when the publication fails.
    """
    display = open_display(quiet=False)
    job: Job | None = None
    try:
        with display, asking(server, display.log_handler()) as client:
            job = _submitted(client, job_id, repo, private, tag)
            job = watch(client, job, display)
    except (KeyboardInterrupt, SystemExit):
        if job is not None:
            say(left_running(client, [job.id]))
        raise
    if (problem := unsuccessful(client, job)) is not None:
        raise problem
    result = _result(job)
    sys.stdout.write(f"{result.model_dump_json()}\n" if as_json else f"{sentence(result)}\n")
    return 0


def _submitted(client: Client, job_id: str, repo: str | None, private: bool, tag: str | None) -> Job:
    """The publication's job; where it goes is what the user says, or else the recipe."""
    build = client.job(job_id)
    if build.kind != "build":
        raise InputError(f"job {build.id} is a publication already, of the build {build.build_id}")
    wish = (build.recipe or {}).get("publish") or {}
    repo = repo or wish.get("repo")
    private = repo is not None and (private or bool(wish.get("private")))
    return client.publish(build.id, repo, private=private, tag=tag)


def _result(job: Job) -> PublicationResult:
    try:
        return PublicationResult.model_validate(job.result, extra="ignore")
    except ValidationError as error:
        raise ClientError(f"job {job.id} has succeeded, but does not say what went where") from error
