"""`iturri show --server`: a build that a server makes or has made."""

from __future__ import annotations

from itertools import islice

from cli.remote import asking, command
from cli.shown import ShownBuild, check_reason, print_build
from schemas.errors import InputError
from schemas.funnel import Funnel
from schemas.job import Job, JobState
from service.client.client import Client


def run(server: str, job_id: str, *, dropped: bool, reason: str | None, number: int, as_json: bool) -> int:
    """Show the build of a job.

    Raises ClientError, and InputError for a publication and for a reason that nothing was dropped for.
    """
    with asking(server) as client:
        job = client.job(job_id)
        if job.kind != "build":
            raise InputError(
                f"job {job.id} is a publication ({job.state}); {command(client, 'show', str(job.build_id))} shows the "
                "build that it publishes"
            )
        if job.funnel is None:
            raise InputError(f"job {job.id} is {job.state}, and there is nothing of it to show")
        check_reason(reason, job.funnel)
        shown = _shown(client, job, job.funnel, dropped, reason, number)
    print_build(shown, as_json)
    return 0


def _shown(client: Client, job: Job, funnel: Funnel, dropped: bool, reason: str | None, number: int) -> ShownBuild:
    recipe = job.recipe or {}
    accepted = [] if dropped else islice(client.conversations(job.id), number)
    drops = islice(client.conversations(job.id, "dropped", reason), number) if dropped else []
    return ShownBuild(
        name=str(recipe.get("name", job.id)),
        place=f"job {job.id} of {client.url}",
        complete=job.state is JobState.SUCCEEDED,
        state=str(job.state),
        dry=bool((recipe.get("filters") or {}).get("dry", False)),
        funnel=funnel,
        shards=client.shards(job.id),
        accepted=list(enumerate(accepted, 1)),
        dropped=list(enumerate(drops, 1)),
        more={"job": job.model_dump(mode="json", exclude={"funnel"})},
    )
