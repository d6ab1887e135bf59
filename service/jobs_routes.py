"""Jobs: submit, list, look at, cancel, publish."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Response
from fastapi.security import HTTPBearer

from pipeline.reader import BuildReader
from schemas.base import Frozen
from schemas.errors import BuildDirectoryError
from schemas.funnel import Funnel
from schemas.job import Job, JobState, PublicationRequest
from schemas.recipe import Recipe
from service.admission import EXAMPLE, SubmittedRecipe, admit
from service.places import build_of
from service.problems import ProblemError, bad_field, documented
from service.state import Service, TheService

# The guard asks for the key; this says so in the API's description.
bearer = Depends(HTTPBearer(auto_error=False, description="the server's ITURRI_API_KEY, when it has one"))
router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=[bearer], responses=documented(401, 413, 422, 503))

JobId = Annotated[str, Path(description="the job's id", max_length=64, pattern="^[0-9A-Za-z_-]+$")]


class JobPage(Frozen):
    """Jobs, newest first, without their funnels."""

    items: tuple[Job, ...]
    next: int | None


@router.post("", status_code=202, summary="Submit a recipe")
async def submit(
    service: TheService,
    response: Response,
    recipe: Annotated[
        SubmittedRecipe, Body(openapi_examples={"first": {"summary": "A first dataset", "value": EXAMPLE}})
    ],
) -> Job:
    """Queue a build of the recipe. The backbone is one that the server declares, by its name."""
    admitted = await asyncio.to_thread(admit, recipe, service.settings, service.backbones.names)
    return _accepted(response, await service.store.create_build(admitted))


@router.get("", summary="List jobs")
async def list_jobs(
    service: TheService,
    cursor: Annotated[int | None, Query(ge=1, lt=1 << 63, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    state: JobState | None = None,
) -> JobPage:
    """A page of jobs, newest first; `next` is the cursor of the page after it, null on the last one."""
    page = await service.store.page(cursor, limit + 1, state)
    more = page[limit - 1][0] if len(page) > limit else None
    return JobPage(items=tuple(job for _, job in page[:limit]), next=more)


@router.get("/{job_id}", summary="Look at a job", responses=documented(404))
async def look(service: TheService, job_id: JobId) -> Job:
    """The job as it stands; for a build with its funnel, live while it runs."""
    job = await find(service, job_id)
    return job if job.kind != "build" else job.model_copy(update={"funnel": await _funnel(service, job)})


@router.post("/{job_id}/cancel", status_code=202, summary="Cancel a job", responses=documented(404, 409))
async def cancel(service: TheService, response: Response, job_id: JobId) -> Job:
    """A queued job is cancelled at once; a running one stops, and is `cancelling` until it has. What is there stays."""
    cancelled = await service.store.cancel(job_id)
    if cancelled is None:
        job = await find(service, job_id)
        raise ProblemError(409, f"the job has {job.state} already")
    return _accepted(response, cancelled)


@router.post("/{job_id}/publish", status_code=202, summary="Publish a build", responses=documented(404, 409))
async def publish(
    service: TheService,
    response: Response,
    job_id: JobId,
    request: Annotated[PublicationRequest, Body()] = PublicationRequest(),  # noqa: B008 a frozen default
) -> Job:
    """Queue the publication of a finished build, a job of its own: to the Hub, or to the server's publications folder.

    The Hub token is the server's; a request cannot bring one.
    """
    job = await find(service, job_id)
    if job.kind != "build":
        raise ProblemError(409, "this job is a publication; publish the build that it names in build_id")
    if job.state is not JobState.SUCCEEDED:
        raise ProblemError(409, f"the build is {job.state}; only one that has succeeded can be published")
    if request.repo is not None and not os.environ.get("HF_TOKEN"):
        raise bad_field("repo", "this server has no Hub token; who runs it sets HF_TOKEN")
    return _accepted(response, await service.store.create_publication(job_id, request))


async def find(service: Service, job_id: str) -> Job:
    """The job. Raises ProblemError, a 404, when there is none."""
    job = await service.store.get(job_id)
    if job is None:
        raise ProblemError(404, f"there is no job {job_id}")
    return job


def _accepted(response: Response, job: Job) -> Job:
    response.headers["Location"] = f"{router.prefix}/{job.id}"
    return job


async def _funnel(service: Service, job: Job) -> Funnel | None:
    """What the ledger says; zeros before there is one, None when the build directory is gone."""
    try:
        return await asyncio.to_thread(lambda: BuildReader(build_of(job.id, service.settings)).funnel())
    except BuildDirectoryError:
        return None if job.state.final else Funnel(target=Recipe.model_validate(job.recipe).target.conversations)
