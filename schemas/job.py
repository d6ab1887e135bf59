"""Jobs: what is asked for over HTTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.funnel import Funnel
from schemas.keys import LOCAL
from schemas.names import Tag
from schemas.recipe import RepoId

Kind = Literal["build", "publication"]
PRIORITY = 100


class JobState(StrEnum):
    """queued -> running -> succeeded | failed; from either of the first two to paused and back, or to cancelled.

    A running job is `pausing` or `cancelling` until its run has acknowledged it.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (JobState.CANCELLED, JobState.SUCCEEDED, JobState.FAILED)

    @property
    def held(self) -> bool:
        """Whether a server runs it now."""
        return self in (JobState.RUNNING, JobState.PAUSING, JobState.CANCELLING)


class PublicationRequest(Frozen):
    """Where a build goes: the Hub repository, or, without one, the server's publications folder."""

    repo: RepoId | None = None
    private: bool = Field(default=False, strict=True)
    tag: Tag | None = Field(default=None, description="on the Hub: the release that the published commit becomes")


class JobChange(Frozen):
    """What can be changed of a job that is there."""

    priority: int = Field(ge=-PRIORITY, le=PRIORITY, description="higher ones first, among the jobs of one key")


class JobProgress(Frozen):
    """How a build stands, in figures. Tokens are generated ones."""

    accepted: int = Field(ge=0)
    target: int = Field(ge=0)
    drafts: int = Field(ge=0, description="that have ended by a verdict")
    tokens: int = Field(ge=0)
    acceptance: float | None = Field(description="accepted by drafts; None before there are any")
    tokens_per_accepted: float | None
    in_flight: int = Field(ge=0)
    tokens_per_second: float = Field(ge=0, description="of the run that is going on, or was the last one")
    seconds_left: float | None = Field(description="None before anything was accepted, and when nothing runs")


class Job(Frozen):
    """A build, or a publication, asked for over HTTP."""

    id: str
    kind: Kind
    state: JobState
    created: datetime
    updated: datetime
    started: datetime | None = Field(default=None, description="when a worker first took it up")
    finished: datetime | None = None
    attempts: int = Field(ge=0, description="how often a worker has taken it up")
    priority: int = 0
    key: str = Field(default=LOCAL, description="the name of the API key that it was submitted with")
    recipe: dict[str, Any] | None = Field(default=None, description="of a build")
    build_id: str | None = Field(default=None, description="of a publication: the job whose build is published")
    publication: PublicationRequest | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    progress: JobProgress | None = Field(default=None, description="of a build that has begun")
    funnel: Funnel | None = Field(default=None, description="of a build, when one job is asked for")


class JobEvent(Frozen):
    """Something that happened to a job: its state changed, or its build got on."""

    number: int = Field(ge=1, description="within the job, counted from 1; progress events are thinned out later on")
    at: datetime
    kind: Literal["state", "progress"]
    state: JobState
    progress: JobProgress | None = None
    error: str | None = None
