"""Jobs: what is asked for over HTTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.funnel import Funnel
from schemas.recipe import RepoId


class JobState(StrEnum):
    """queued -> running -> succeeded | failed; cancelling -> cancelled from either of the first two."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (JobState.CANCELLED, JobState.SUCCEEDED, JobState.FAILED)


class PublicationRequest(Frozen):
    """Where a finished build goes: the Hub repository, or, without one, the server's publications folder."""

    repo: RepoId | None = None
    private: bool = False


class Job(Frozen):
    """A build, or a publication, asked for over HTTP."""

    id: str
    kind: Literal["build", "publication"]
    state: JobState
    created: datetime
    updated: datetime
    attempts: int = Field(ge=0, description="how often a worker has taken it up")
    recipe: dict[str, Any] | None = Field(default=None, description="of a build")
    build_id: str | None = Field(default=None, description="of a publication: the job whose build is published")
    publication: PublicationRequest | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    funnel: Funnel | None = Field(default=None, description="of a build: as it stands now")
