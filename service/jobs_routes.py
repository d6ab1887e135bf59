"""Jobs: submit, list, look at, set the priority of, delete."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Response

from schemas.dry_run import DryRun
from schemas.job import PRIORITY, Job, JobChange, JobState, Kind
from schemas.pages import JobPage
from service.access import Reader, Submitter, check_hub
from service.admission import EXAMPLE, SubmittedRecipe, admit
from service.finding import JobId, find, find_own, version_of
from service.job_store import Filter, Submission
from service.places import removed_build
from service.problems import ProblemError, documented
from service.state import Service, TheService

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented(401, 403, 413, 422, 429, 503))

_NO_ZERO = r"^[^\x00]*$"  # which databases do not take
Priority = Annotated[int, Query(ge=-PRIORITY, le=PRIORITY, description="higher ones first, among the jobs of one key")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="of the client's choice: however often the same request comes with it, there is one job",
    ),
]


@router.post(
    "",
    status_code=202,
    summary="Submit a recipe, or try it",
    response_model=Job | DryRun,
    responses={200: {"model": DryRun, "description": "what a dry run has found"}, 202: {"model": Job}},
)
async def submit(
    service: TheService,
    caller: Submitter,
    response: Response,
    recipe: Annotated[
        SubmittedRecipe, Body(openapi_examples={"first": {"summary": "A first dataset", "value": EXAMPLE}})
    ],
    idempotency_key: IdempotencyKey = None,
    priority: Priority = 0,
    dry_run: Annotated[bool, Query(description="make no job: sample five drafts, estimate tokens and time")] = False,
) -> Job | DryRun:
    """Queue a build of the recipe. The backbone is one that the server declares, by its name.

    A recipe with `publish.every_shards` or `publish.every_minutes` is published while it is built, and at its end: the
    key needs what publishing needs.
    """
    admitted = await asyncio.to_thread(admit, recipe, service.settings, service.backbones.names)
    if admitted.publish.along:
        check_hub(caller, str(admitted.publish.repo), "publish.repo")
    if dry_run:
        response.status_code = 200
        async with service.keys.spending(caller) as spend:
            return await service.dry_runs.run(admitted, spend, caller.key_id)
    return await accepted(
        service,
        response,
        Submission(caller, recipe=admitted, priority=priority, idempotency_key=idempotency_key),
    )


@router.get("", summary="List jobs", response_model=JobPage)
async def list_jobs(
    service: TheService,
    caller: Reader,
    cursor: Annotated[int | None, Query(ge=1, lt=1 << 63, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    state: JobState | None = None,
    kind: Kind | None = None,
    name: Annotated[str | None, Query(max_length=64, pattern=_NO_ZERO, description="of the recipe")] = None,
    language: Annotated[str | None, Query(max_length=64, pattern=_NO_ZERO, description="of the recipe")] = None,
    mine: Annotated[bool, Query(description="those of the key that asks")] = False,
) -> Response:
    """A page of jobs, newest first; `next` is the cursor of the page after it, null on the last one."""
    asked = Filter(state, kind, name, language, caller.name if mine else None)
    what = "jobs", cursor, limit, asked
    rows = await service.shared.of(what, lambda: service.store.page(cursor, limit + 1, asked))
    shown, more = rows[:limit], len(rows) > limit

    async def page() -> JobPage:
        jobs = await service.store.several([row.number for row in shown])
        return JobPage(items=tuple(jobs), next=shown[-1].number if more else None)

    return await service.answers.of(what, (tuple(shown), more), page)


@router.get("/{job_id}", summary="Look at a job", response_model=Job, responses=documented(404))
async def look(service: TheService, _: Reader, job_id: JobId) -> Response:
    """The job as it stands; for a build with its funnel, which is a second or two old while it runs."""
    version = await version_of(service, job_id)
    return await service.answers.of(("job", job_id), version, lambda: find(service, job_id))


@router.patch("/{job_id}", summary="Change a job's priority", responses=documented(404, 409))
async def change(service: TheService, caller: Submitter, job_id: JobId, wanted: Annotated[JobChange, Body()]) -> Job:
    """Priorities order the jobs of one key; between keys the turn goes round."""
    job = await find_own(service, job_id, caller)
    changed = await service.store.set_priority(job_id, wanted.priority)
    if changed is None:
        raise ProblemError(409, f"the job has {job.state} already")
    return changed


@router.delete("/{job_id}", status_code=204, summary="Delete a job", responses=documented(404, 409))
async def delete(service: TheService, caller: Submitter, job_id: JobId) -> None:
    """Delete the job and, of a build, all that it has made here. What was published of it stays."""
    await find_own(service, job_id, caller)
    async with removed_build(job_id, service.settings) as remove:
        deleted = await service.store.delete(job_id, remove)
    if not deleted:
        job = await find(service, job_id)
        raise ProblemError(
            409,
            f"the job is {job.state}: cancel it first"
            if job.state is not JobState.PAUSED and not job.state.final
            else "the build is being published; wait for that job, or cancel it",
        )


async def accepted(service: Service, response: Response, submission: Submission) -> Job:
    """Make the job, once for one idempotency key. Raises ProblemError."""
    made = await service.store.create(submission, service.keys.admission(submission.caller, submission.kind))
    if made is None:
        raise ProblemError(422, "Idempotency-Key: it has been used for another request; a new request needs a new one")
    job, new = made
    if not new:
        response.headers["Idempotent-Replayed"] = "true"
    return located(response, job)


def located(response: Response, job: Job) -> Job:
    response.headers["Location"] = f"{router.prefix}/{job.id}"
    return job
