"""What is done with a job that is there: cancel, pause, resume, retry, publish."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Body, Response

from schemas.job import Job, JobState, PublicationRequest
from schemas.keys import Caller, Scope
from service.access import Publisher, Submitter, check_hub, check_namespace, check_scope
from service.finding import JobId, find, find_build, find_own
from service.job_store import Submission
from service.jobs_routes import IdempotencyKey, Priority, accepted, located
from service.problems import ProblemError, bad_field, documented
from service.state import Service, TheService

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented(401, 403, 404, 409, 413, 422, 429, 503))


@router.post("/{job_id}/cancel", status_code=202, summary="Cancel a job")
async def cancel(service: TheService, caller: Submitter, response: Response, job_id: JobId) -> Job:
    """A job that does not run is cancelled at once; a running one is `cancelling` until it has stopped."""
    await find_own(service, job_id, caller)
    return await _done(service, response, job_id, service.store.cancel(job_id), "it cannot be cancelled")


@router.post("/{job_id}/pause", status_code=202, summary="Pause a job")
async def pause(service: TheService, caller: Submitter, response: Response, job_id: JobId) -> Job:
    """A queued job is paused at once; a running one is `pausing` until it has stopped, its drafts in flight lost."""
    await find_own(service, job_id, caller)
    return await _done(service, response, job_id, service.store.pause(job_id), "it cannot be paused")


@router.post("/{job_id}/resume", status_code=202, summary="Resume a paused job")
async def resume(service: TheService, caller: Submitter, response: Response, job_id: JobId) -> Job:
    """Queue it again; a build goes on with what is there."""
    job = await _find_to_queue(service, job_id, caller)
    asked = service.store.resume(job_id, service.keys.admission(caller, job.kind))
    return await _done(service, response, job_id, asked, "only one that is paused can be resumed")


@router.post("/{job_id}/retry", status_code=202, summary="Run a failed or cancelled job again")
async def retry(service: TheService, caller: Submitter, response: Response, job_id: JobId) -> Job:
    """Queue it again; a build goes on with what is there."""
    job = await _find_to_queue(service, job_id, caller)
    asked = service.store.retry(job_id, service.keys.admission(caller, job.kind))
    return await _done(service, response, job_id, asked, "only one that has failed or was cancelled can be retried")


@router.post("/{job_id}/publish", status_code=202, summary="Publish a build")
async def publish(
    service: TheService,
    caller: Publisher,
    response: Response,
    job_id: JobId,
    wanted: Annotated[PublicationRequest | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
    priority: Priority = 0,
) -> Job:
    """Queue the publication of a build, a job of its own: to the Hub, or to the server's publications folder.

    A build that has not reached its target, but stands still, is published with what it has. The Hub token is the
    server's; a request cannot bring one.
    """
    await find_build(service, job_id)
    build = await find_own(service, job_id, caller)
    request = wanted or PublicationRequest()
    if not build.state.final and build.state is not JobState.PAUSED:
        raise ProblemError(409, f"the build is {build.state}; wait for its end, or pause it")
    if build.funnel is None or not build.funnel.accepted:
        raise ProblemError(409, "the build has no accepted conversations to publish")
    if request.private and request.repo is None:
        raise bad_field("private", "only a repository on the Hub can be private; name one in `repo`")
    if request.tag is not None and request.repo is None:
        raise bad_field("tag", "only a repository on the Hub has tags; name one in `repo`")
    if request.repo is not None:
        check_hub(caller, request.repo, "repo")
    return await accepted(
        service,
        response,
        Submission(caller, build=build, publication=request, priority=priority, idempotency_key=idempotency_key),
    )


async def _find_to_queue(service: Service, job_id: str, caller: Caller) -> Job:
    """The caller's job; one that publishes needs again what publishing needs. Raises ProblemError."""
    job = await find_own(service, job_id, caller)
    if job.publication is not None:
        check_scope(caller, Scope.PUBLISH)
        check_namespace(caller, job.publication.repo)
    wish = ((job.recipe or {}).get("publish")) or {}
    if wish.get("every_shards") is not None or wish.get("every_minutes") is not None:
        check_hub(caller, str(wish.get("repo")), "publish.repo")
    return job


async def _done(service: Service, response: Response, job_id: str, asked: Awaitable[Job | None], refusal: str) -> Job:
    changed = await asked
    if changed is None:
        job = await find(service, job_id)
        raise ProblemError(409, f"the job is {job.state}; {refusal}")
    return located(response, changed)
