"""The job that a request is about, and what it is refused for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from schemas.job import Job
from schemas.keys import LOCAL, Caller
from service.problems import ProblemError
from service.state import Service

JobId = Annotated[str, Path(description="the job's id", max_length=64, pattern="^[0-9A-Za-z_-]+$")]


async def find(service: Service, job_id: str) -> Job:
    """The job. Raises ProblemError, a 404, when there is none."""
    job = await service.store.get(job_id)
    if job is None:
        raise ProblemError(404, f"there is no job {job_id}")
    return job


async def version_of(service: Service, job_id: str) -> int:
    """The number of the job's newest event. Raises ProblemError, a 404, when there is no such job."""
    version = await service.shared.of(("version", job_id), lambda: service.store.version(job_id))
    if version is None:
        raise ProblemError(404, f"there is no job {job_id}")
    return version


async def find_build(service: Service, job_id: str) -> Job:
    """The job, which has to be a build. Raises ProblemError, a 404 or a 409."""
    job = await find(service, job_id)
    if job.kind != "build":
        raise ProblemError(409, f"this job is a publication; the build that it publishes is {job.build_id}")
    return job


async def find_own(service: Service, job_id: str, caller: Caller) -> Job:
    """The job, which has to be the caller's to change. Raises ProblemError, a 404 or a 403."""
    job = await find(service, job_id)
    owner = await service.store.owner(job_id)
    if owner is None:
        raise ProblemError(404, f"there is no job {job_id}")
    if not caller.may_change(owner[0]):
        if job.key == LOCAL:
            raise ProblemError(403, "the job was submitted without a key; one with the scope `admin` may change it")
        raise ProblemError(403, f"the job belongs to the key {job.key}; that one may change it, or one with `admin`")
    return job
