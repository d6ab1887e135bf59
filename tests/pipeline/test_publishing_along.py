"""A build is published while it runs: when, what of it, and what becomes of a push that is cut short."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from generators.backbone import SampleRequest
from generators.scripted_backbone import ScriptedBackbone
from pipeline import publishing_along
from pipeline.build import BuildResult, Outcome, build
from pipeline.publishing import Order
from pipeline.publishing_along import SECONDS_BETWEEN, Moments, PublishingAlong
from publishers.manifest import read_manifest
from publishers.publication import read_publication
from publishers.result import PublicationResult
from publishers.reviews import REVIEWS_NAME
from publishers.shard import read_shard
from schemas.backbones import ScriptedBackbone as ScriptedSpec
from schemas.errors import HubAuthError, HubBusyError
from schemas.recipe import Publish, Recipe
from schemas.settings import Settings
from tests.support.builds import REPLIES, recipe
from tests.support.hub_history import added_again, named
from tests.support.hub_server import HubServer
from tests.support.hub_store import Commit, content_of, sha256_of

REPO = "euskaltzaleak/proba"
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.pipeline.test_publishing_along import run_freely

if __name__ == "__main__":
    asyncio.run(run_freely(Path(sys.argv[1])))
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setattr(publishing_along, "SECONDS_BETWEEN", 0.0)
        yield server


def wish(**changes: object) -> Publish:
    return Publish.model_validate({"every_shards": 1, "repo": REPO, "licence": "cc0-1.0", **changes})


def wanted(**publish: object) -> Recipe:
    return recipe(
        modes=[{"mode": "magpie", "exchanges": {"min": 1, "max": 1}}],
        target={"conversations": 20},
        output={"shard_rows": 4},
        publish=wish(**publish).model_dump(),
    )


class Stage:
    """A build whose backbone gives as many first turns as the test allows, and the pushes that it makes."""

    def __init__(self, directory: Path, **publish: object) -> None:
        self.recipe = wanted(**publish)
        self.directory = directory
        self.stop = asyncio.Event()
        self.published: asyncio.Queue[int] = asyncio.Queue()
        self.shards = 0
        self._turns = asyncio.Semaphore(0)

    def allow(self, conversations: int) -> None:
        for _ in range(conversations):
            self._turns.release()

    async def _answer(self, request: SampleRequest) -> str:
        spec = self.recipe.backbone
        assert isinstance(spec, ScriptedSpec)
        if request.role != "user":
            return REPLIES[0]
        await self._turns.acquire()
        return spec.user_turns[sum(map(int, filter(str.isdigit, request.id))) % len(spec.user_turns)]

    def _published(self, shards: int, _: PublicationResult) -> None:
        self.published.put_nowait(shards)

    async def run(self, token: str = HubServer.token) -> tuple[BuildResult, PublicationResult | None]:
        """Build, and publish at the end when it is complete."""
        spec = self.recipe.backbone
        assert isinstance(spec, ScriptedSpec)
        order = Order(build=self.directory, repo=REPO)

        async def the_same() -> Order:
            return order

        along = PublishingAlong(self.recipe.publish, the_same, token, self.stop, self._published)

        def on_sealed(shards: int) -> None:
            self.shards = shards
            along.sealed(shards)

        async with along, ScriptedBackbone(spec, self._answer) as backbone:
            result = await build(
                self.recipe,
                self.directory,
                backbone,
                settings=Settings(workers=1),
                stop=self.stop,
                on_sealed=on_sealed,
            )
            if result.outcome is Outcome.STOPPED:
                return result, None
            return result, await along.finish(len(result.manifest.shards))

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():  # noqa: ASYNC110 there is no event for it
            await asyncio.sleep(0.02)


async def run_freely(directory: Path) -> tuple[BuildResult, PublicationResult | None]:
    """Run a build to its end, a push after each shard."""
    publishing_along.SECONDS_BETWEEN = 0.0
    stage = Stage(directory)
    running = asyncio.create_task(stage.run())
    while not running.done():
        stage.allow(4)
        pushed = asyncio.create_task(stage.published.get())
        await asyncio.wait([pushed, running], return_when=asyncio.FIRST_COMPLETED)
        pushed.cancel()
    return await running


def check_history(hub: HubServer, directory: Path) -> None:
    """Every commit names only what it has, nothing is added twice, and the last one holds each row exactly once."""
    history = hub.repositories[REPO].commits
    for before, after in pairwise(history):
        assert added_again(sums(before), sums(after), after.added) == set()
    for commit in history:
        head = (commit.files.get(name) for name in ("README.md", "manifest.json"))
        assert named(*(None if file is None else content_of(file) for file in head)) <= set(commit.files)
    expected = {file.path: file.sha256 for file in read_publication(directory, REPO).files()}
    assert sums(history[-1]) == expected
    rows = [row.id for shard in read_manifest(directory).shards for row in read_shard(directory / shard.path)]
    assert len(rows) == len(set(rows)) == 20


def sums(commit: Commit) -> dict[str, str]:
    return {path: sha256_of(file) for path, file in commit.files.items() if path != ".gitattributes"}


def pushers(parent: int) -> list[psutil.Process]:
    """The processes that publish for this one."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == ["pipeline.publishing", str(parent)]:
            found.append(process)
    return found


@pytest.mark.parametrize(
    ("fields", "events", "due"),
    [
        ({"every_shards": 3}, [(2, 0), (3, 0)], [False, True]),
        ({"every_shards": 1}, [(1, 0), (2, SECONDS_BETWEEN - 1), (2, SECONDS_BETWEEN)], [True, False, True]),
        ({"every_shards": 1}, [(1, 0), (1, 10_000)], [True, False]),
        ({"every_minutes": 5}, [(1, 299), (1, 300), (1, 601), (2, 601)], [False, True, False, True]),
        ({"every_minutes": 1}, [(1, 60), (2, 60 + 119), (2, 60 + 120)], [True, False, True]),
        ({"every_shards": 9, "every_minutes": 5}, [(8, 1), (9, 2), (10, 301), (10, 302)], [False, True, False, True]),
        ({}, [(100, 100_000)], [False]),
    ],
)
def test_moments(fields: dict[str, int], events: list[tuple[int, float]], due: list[bool]) -> None:
    moments, found = Moments(Publish(repo=REPO, licence="cc0-1.0", **fields), 0.0), []
    for sealed, now in events:
        found.append(moments.due(sealed, now))
        if found[-1]:
            moments.begun(sealed, now)
    assert found == due


async def test_what_is_sealed_is_published_while_the_build_runs(tmp_path: Path, hub: HubServer) -> None:
    stage = Stage(tmp_path / "build")
    running = asyncio.create_task(stage.run())
    for shards in (1, 2, 3):
        stage.allow(4)
        assert await stage.published.get() == shards
        assert not running.done()
        assert len(hub.commits(REPO)) == shards
        listed = named(hub.files(REPO)["README.md"], hub.files(REPO)["manifest.json"])
        assert len(listed) == shards and listed < set(hub.files(REPO))
    stage.allow(100)
    result, published = await running
    assert published is not None and published.revision == hub.commits(REPO)[-1].oid
    assert len(result.manifest.shards) == 5
    assert pushers(os.getpid()) == []
    check_history(hub, tmp_path / "build")


async def test_rows_in_no_shard_are_left_to_the_run(tmp_path: Path, hub: HubServer) -> None:
    stage = Stage(tmp_path / "build")
    running = asyncio.create_task(stage.run())
    stage.allow(6)
    assert await stage.published.get() == 1
    assert [shard.rows for shard in read_manifest(tmp_path / "build").shards] == [4]
    stage.allow(100)
    await running
    check_history(hub, tmp_path / "build")


async def test_review_marks_that_lie_in_the_build_stay(tmp_path: Path, hub: HubServer) -> None:
    stage = Stage(tmp_path / "build")
    running = asyncio.create_task(stage.run())
    await stage.until((tmp_path / "build" / "recipe.json").exists)
    marks = tmp_path / "build" / REVIEWS_NAME
    marks.write_bytes(b"")
    stage.allow(4)
    await stage.until(lambda: stage.shards == 1 and not pushers(os.getpid()))
    assert marks.read_bytes() == b""
    marks.unlink()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_hub_that_is_busy_holds_nothing_up(
    tmp_path: Path, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    hub.limit_commits(1, retry_after=1000)
    stage = Stage(tmp_path / "build")
    running = asyncio.create_task(stage.run())
    stage.allow(4)
    assert await stage.published.get() == 1
    stage.allow(4)
    await stage.until(lambda: "not published for now" in caplog.text)
    assert "rate limit" in caplog.text and not running.done()
    hub.lift_limit()
    stage.allow(4)
    assert await stage.published.get() == 3
    stage.allow(100)
    await running
    check_history(hub, tmp_path / "build")


async def test_a_hub_that_is_busy_at_the_end_leaves_the_build_complete(tmp_path: Path, hub: HubServer) -> None:
    hub.limit_commits(0, retry_after=1000)
    stage = Stage(tmp_path / "build", every_shards=100)
    stage.allow(100)
    with pytest.raises(HubBusyError, match="rate limit"):
        await stage.run()
    assert read_manifest(tmp_path / "build").complete
    hub.lift_limit()
    again = Stage(tmp_path / "build", every_shards=100)
    result, published = await again.run()
    assert result.outcome is Outcome.COMPLETE and published is not None
    check_history(hub, tmp_path / "build")


async def test_what_will_not_pass_is_said_once_and_given_up(
    tmp_path: Path, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path / "build")
    running = asyncio.create_task(stage.run(token=HubServer.read_token))
    stage.allow(4)
    await stage.until(lambda: "does not try again" in caplog.text)
    stage.allow(100)
    with pytest.raises(HubAuthError, match="may not write"):
        await running
    assert caplog.text.count("not published") == 1
    assert sum("POST /api/repos/create" in request for request in hub.requests) == 2
    assert read_manifest(tmp_path / "build").complete


async def test_a_stop_ends_the_push_and_pushes_nothing_more(tmp_path: Path, hub: HubServer) -> None:
    stage = Stage(tmp_path / "build")
    loop, released = asyncio.get_running_loop(), threading.Event()

    def hold() -> None:
        loop.call_soon_threadsafe(stage.stop.set)
        released.wait(60)

    hub.drop("/commit/", "before", skip=1, action=hold)
    running = asyncio.create_task(stage.run())
    stage.allow(4)
    assert await stage.published.get() == 1
    stage.allow(6)
    result, published = await running
    released.set()
    assert (result.outcome, published) == (Outcome.STOPPED, None)
    assert pushers(os.getpid()) == []
    assert len(hub.commits(REPO)) == 1
    await run_freely(tmp_path / "build")
    check_history(hub, tmp_path / "build")


@pytest.mark.parametrize(("commit", "when"), [(0, "before"), (1, "after")])
def test_a_build_that_is_killed_in_mid_push(tmp_path: Path, hub: HubServer, commit: int, when: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    directory = tmp_path / "build"
    running = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(directory)], env=environment)
    hub.drop("/commit/", "before" if when == "before" else "after", skip=commit, action=running.kill)
    assert running.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while pushers(running.pid):
        assert time.monotonic() < deadline, "the publication outlived the build"
        time.sleep(0.05)
    result, published = asyncio.run(run_freely(directory))
    assert result.outcome is Outcome.COMPLETE and published is not None
    check_history(hub, directory)
