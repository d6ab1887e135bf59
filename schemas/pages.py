"""What a server has several of, in pages or whole; `next` asks for the page after this one and is None on the last."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.conversation import Conversation
from schemas.funnel import DroppedSample
from schemas.job import Job, JobProgress
from schemas.manifest import Shard
from schemas.review import Review
from schemas.segment import Segment


class JobPage(Frozen):
    """Jobs, newest first, without their funnels."""

    items: tuple[Job, ...]
    next: int | None


class AcceptedPage(Frozen):
    """Accepted conversations in the order of their acceptance."""

    verdict: Literal["accepted"] = "accepted"
    items: tuple[Conversation, ...]
    next: int | None


class DroppedDraft(DroppedSample):
    """A dropped draft, and where in it the fault is."""

    segment: Segment | None = Field(description="of the message of its `turn`: what the evidence quotes of it")


class DroppedPage(Frozen):
    """A sample of the dropped drafts, some of each reason."""

    verdict: Literal["dropped"] = "dropped"
    items: tuple[DroppedDraft, ...]
    next: int | None


class ReviewPage(Frozen):
    """Marks, by the ids of their rows."""

    items: tuple[Review, ...]
    next: str | None = Field(description="`after` of the page that follows; null on the last one")


class ListedShard(Shard):
    """A sealed shard, and where it is to be had."""

    url: str = Field(description="on this server")


class Shards(Frozen):
    """The sealed shards of a build, in the order of their sealing. A sealed file never changes."""

    items: tuple[ListedShard, ...]


class ProgressPoint(Frozen):
    """How a build stood at some time."""

    number: int
    at: datetime
    progress: JobProgress


class ProgressHistory(Frozen):
    """How a build got on, evenly spread over its time; at most about a thousand points."""

    items: tuple[ProgressPoint, ...]
