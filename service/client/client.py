"""The client of a server of Iturri.

from iturri import Client

with Client("http://127.0.0.1:8000") as client:
    job = client.submit("recipes/small.yaml")
    client.wait(job.id, on_event=print)
    client.download(job.id, "small")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar, overload

from schemas.conversation import Conversation
from schemas.dry_run import DryRun
from schemas.job import Job, JobChange, JobEvent, JobState, Kind, PublicationRequest
from schemas.pages import (
    AcceptedPage,
    DroppedDraft,
    DroppedPage,
    JobPage,
    ListedShard,
    ProgressHistory,
    ProgressPoint,
    ReviewPage,
    Shards,
)
from schemas.review import Mark, Review, ReviewMark
from schemas.server import (
    Languages,
    ListedBackbone,
    ListedBackbones,
    ListedLanguage,
    ListedRecipe,
    Me,
    Ready,
    Recipes,
)
from service.client.download import fetch_all
from service.client.events import follow
from service.client.sending import AnyRecipe, body_of, idempotent, in_path, job_path, recipe_fields, review_path
from service.client.transport import Transport

_PAGE = 200
# Five drafts of a busy backbone take their time, and nothing is sent before they are there.
_DRY_RUN_S = 300.0

_Page = TypeVar("_Page", JobPage, AcceptedPage, DroppedPage, ReviewPage)


class Client:
    """A server, as its users see it. A context manager; threads may share one.

    What fails for now (no connection, 429, 503) is tried again, `retries` times, and no sooner than the server says;
    a request that may have been carried out already only where doing it twice does no harm. `timeout` are the seconds
    without a byte after which a connection counts as lost. The key is an API key of the server; without one only a
    server that asks for none answers.

    Methods raise ClientError, with the server's own words and its `status`; the constructor raises InputError for an
    address or a key that cannot be one.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 30.0, retries: int = 4) -> None:
        self._transport = Transport(url, key, timeout, retries)

    @property
    def url(self) -> str:
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Submitting

    def submit(self, recipe: AnyRecipe, *, idempotency_key: str | None = None, priority: int = 0) -> Job:
        """Queue a build of the recipe; the job.

        A server makes one job of one Idempotency-Key, so that a lost answer does not mean two builds. One is made for
        each call; give your own to have a call that is repeated, by another process even, mean the same job. Of a
        key's jobs those of a higher priority (-100 to 100) go first. Raises RecipeError for a file that is no recipe.
        """
        return self._transport.ask(
            Job,
            "POST",
            "/v1/jobs",
            params={"priority": priority},
            json=recipe_fields(recipe),
            headers=idempotent(idempotency_key),
        )

    def dry_run(self, recipe: AnyRecipe) -> DryRun:
        """What would come of the recipe: as the server takes it, five drafts, and what the target will cost.

        It samples five drafts, and makes no job. Raises RecipeError for a file that is no recipe.
        """
        return self._transport.ask(
            DryRun, "POST", "/v1/jobs", params={"dry_run": 1}, json=recipe_fields(recipe), timeout=_DRY_RUN_S
        )

    # Looking

    def jobs(
        self,
        *,
        state: JobState | str | None = None,
        kind: Kind | None = None,
        name: str | None = None,
        language: str | None = None,
        mine: bool | None = None,
    ) -> Iterator[Job]:
        """All jobs like that, newest first, without their funnels; pages are fetched as they are needed."""
        wanted = {"state": state, "kind": kind, "name": name, "language": language, "mine": mine}
        for page in self._pages(JobPage, "/v1/jobs", "cursor", wanted):
            yield from page.items

    def job(self, job_id: str) -> Job:
        """The job as it stands; of a build with its funnel, live while it runs."""
        return self._transport.ask(Job, "GET", job_path(job_id))

    def events(self, job_id: str, after: int | None = None) -> Iterator[JobEvent]:
        """What has happened to the job after event number `after`, and what happens, until it has ended for good.

        Lost connections and restarts of the server are waited out, for a quarter of an hour, and nothing is told twice.
        """
        return follow(self._transport, in_path(job_id), after or 0)

    def progress(self, job_id: str) -> tuple[ProgressPoint, ...]:
        """How a build got on, for plots; at most about a thousand points, evenly spread over its time."""
        return self._transport.ask(ProgressHistory, "GET", f"{job_path(job_id)}/progress").items

    def wait(self, job_id: str, on_event: Callable[[JobEvent], object] | None = None) -> Job:
        """The job once it has succeeded, failed or been cancelled; a paused one is waited for until it goes on."""
        for event in self.events(job_id):
            if on_event is not None:
                on_event(event)
        return self.job(job_id)

    # Steering

    def cancel(self, job_id: str) -> Job:
        """Have the job stop for good. A running one is `cancelling` until it has; what it has made stays."""
        return self._act(job_id, "cancel")

    def pause(self, job_id: str) -> Job:
        """Have the job stop for now. A running one is `pausing` until it has."""
        return self._act(job_id, "pause")

    def resume(self, job_id: str) -> Job:
        """Queue a paused job again."""
        return self._act(job_id, "resume")

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again; it goes on with what is there."""
        return self._act(job_id, "retry")

    def set_priority(self, job_id: str, priority: int) -> Job:
        """Higher ones first (-100 to 100), among the jobs of one key. Raises InputError."""
        return self._transport.ask(Job, "PATCH", job_path(job_id), json=body_of(JobChange, priority=priority))

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended or is paused, with all that it has made. Publications of it stay."""
        self._transport.send("DELETE", job_path(job_id), repeatable=False)

    # What a build has made

    @overload
    def conversations(self, job_id: str, verdict: Literal["accepted"] = "accepted") -> Iterator[Conversation]: ...

    @overload
    def conversations(
        self, job_id: str, verdict: Literal["dropped"], reason: str | None = None
    ) -> Iterator[DroppedDraft]: ...

    def conversations(
        self, job_id: str, verdict: Literal["accepted", "dropped"] = "accepted", reason: str | None = None
    ) -> Iterator[Conversation] | Iterator[DroppedDraft]:
        """Accepted conversations in the order of their acceptance, or the kept sample of dropped drafts, of one reason
        or all. Of a build that runs those that are there by now.
        """
        wanted = {"verdict": verdict, "reason": reason}
        path = f"{job_path(job_id)}/conversations"
        if verdict == "accepted":
            return (row for page in self._pages(AcceptedPage, path, "after", wanted) for row in page.items)
        return (drop for page in self._pages(DroppedPage, path, "after", wanted) for drop in page.items)

    def shards(self, job_id: str) -> tuple[ListedShard, ...]:
        """The sealed shards of a build so far."""
        return self._transport.ask(Shards, "GET", f"{job_path(job_id)}/shards").items

    def download(self, job_id: str, folder: Path | str) -> list[Path]:
        """Fetch the sealed shards of a build into the folder, under their own paths; the files.

        Files appear whole and with the right sha256, or not at all. What is there already is not fetched again, and
        what was cut off is gone on with, by a later call too. Raises StorageError when the folder cannot be written.
        """
        return fetch_all(self._transport, in_path(job_id), self.shards(job_id), Path(folder))

    def publish(
        self,
        job_id: str,
        repo: str | None = None,
        *,
        private: bool = False,
        tag: str | None = None,
        wait: bool = False,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queue the publication of a build to the Hub repository, or to the server's folder of publications.

        The publication's own job, ended if `wait` is set. The Hub token is the server's. `tag` names what is published
        on the Hub a release, which is never moved. Raises InputError for what cannot be a tag.
        """
        body = body_of(PublicationRequest, repo=repo, private=private, tag=tag)
        headers = idempotent(idempotency_key)
        job = self._transport.ask(Job, "POST", f"{job_path(job_id)}/publish", json=body, headers=headers)
        return self.wait(job.id) if wait else job

    # What people say of it

    def reviews(self, job_id: str, *, mine: bool = False) -> Iterator[Review]:
        """The marks that people gave to conversations of a build, by the ids of the rows."""
        for page in self._pages(ReviewPage, f"{job_path(job_id)}/reviews", "after", {"mine": mine or None}):
            yield from page.items

    def mark(
        self,
        job_id: str,
        row_id: str,
        *,
        language: Mark | None = None,
        content: Mark | None = None,
        note: str | None = None,
    ) -> Review:
        """Say of an accepted conversation whether its language, its content or both are good or bad.

        It takes the place of what this key has said of the row before. Raises InputError for a mark that says nothing.
        """
        body = body_of(ReviewMark, language=language, content=content, note=note)
        return self._transport.ask(Review, "PUT", review_path(job_id, row_id), json=body)

    def unmark(self, job_id: str, row_id: str) -> None:
        """Take back what this key has said of the row."""
        self._transport.send("DELETE", review_path(job_id, row_id), repeatable=False)

    # What the server offers

    def recipes(self) -> tuple[ListedRecipe, ...]:
        """Recipes to start from."""
        return self._transport.ask(Recipes, "GET", "/v1/recipes").items

    def languages(self) -> tuple[ListedLanguage, ...]:
        """The languages that recipes can be in."""
        return self._transport.ask(Languages, "GET", "/v1/languages").items

    def backbones(self) -> tuple[ListedBackbone, ...]:
        """The backbones that recipes can name, whether they run, and how fast they are."""
        return self._transport.ask(ListedBackbones, "GET", "/v1/backbones").items

    def me(self) -> Me:
        """What the client's key may do, and what it has used today, a day of UTC."""
        return self._transport.ask(Me, "GET", "/v1/me")

    def ready(self) -> Ready:
        """The server and all its backbones work; else ClientError 503, whose `errors` say what does not. One try."""
        return self._transport.ask(Ready, "GET", "/readyz", patient=False)

    def _act(self, job_id: str, deed: str) -> Job:
        return self._transport.ask(Job, "POST", f"{job_path(job_id)}/{deed}", repeatable=False)

    def _pages(self, noun: type[_Page], path: str, cursor: str, wanted: Mapping[str, object]) -> Iterator[_Page]:
        """Page after page, until one says that it is the last."""
        params = {name: value for name, value in wanted.items() if value is not None} | {"limit": _PAGE}
        while True:
            page = self._transport.ask(noun, "GET", path, params=params)
            yield page
            if page.next is None:
                return
            params[cursor] = page.next
