"""A publication in a process of its own: what it seals first, and what it leaves alone."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from pipeline.build import Outcome
from pipeline.directory import BuildDirectory
from pipeline.publishing import Order, publish
from pipeline.reader import BuildReader
from publishers.manifest import read_manifest
from publishers.reviews import read_reviews
from schemas.errors import ProcessDiedError, PublishError
from schemas.recipe import Recipe
from schemas.review import Review
from tests.support.builds import recipe, run


def order(folder: Path, *reviews: Review) -> Order:
    return Order(build=folder / "build", folder=folder / "published", repo=None, private=False, reviews=reviews)


async def stopped(directory: Path, wanted: Recipe, rows: int) -> int:
    """A build that is stopped once it has accepted so many rows; how many it has."""
    stop, there = asyncio.Event(), asyncio.Event()

    async def watching() -> None:
        while not there.is_set():
            await asyncio.sleep(0.02)
            if (directory / "recipe.json").exists() and BuildReader(directory).rows() >= rows:
                there.set()
        stop.set()

    watcher = asyncio.create_task(watching())
    result = await run(wanted, directory, stop=stop)
    there.set()
    await watcher
    assert result.outcome is Outcome.STOPPED
    return BuildReader(directory).rows()


def slow(shard_rows: int) -> Recipe:
    scripted = recipe().model_dump()["backbone"]
    return recipe(
        backbone={**scripted, "delay_s": 0.02}, target={"conversations": 10_000}, output={"shard_rows": shard_rows}
    )


async def test_rows_in_no_shard_yet_are_sealed_first(tmp_path: Path) -> None:
    rows = await stopped(tmp_path / "build", slow(1000), 5)
    mark = Review(
        row_id=BuildReader(tmp_path / "build").accepted()[0][1].id,
        reviewer="reviewer-1",
        language="good",
        content=None,
        note=None,
        at=datetime(2026, 11, 5, tzinfo=UTC),
    )
    result = await publish(order(tmp_path, mark), asyncio.Event(), None)
    assert result is not None and result.files == 5
    assert read_manifest(tmp_path / "published").rows == rows
    found = read_reviews(tmp_path / "build")
    assert found is not None and found.reviews == (mark,)


async def test_of_a_build_that_runs_again_what_is_sealed_is_published(tmp_path: Path) -> None:
    rows = await stopped(tmp_path / "build", slow(4), 6)
    with FileLock(tmp_path / "build" / "build.lock"):
        assert await publish(order(tmp_path), asyncio.Event(), None) is not None
    assert read_manifest(tmp_path / "published").rows == rows // 4 * 4
    assert read_manifest(tmp_path / "build").rows == rows // 4 * 4


async def test_nothing_accepted_is_nothing_to_publish(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    await run(recipe(), tmp_path / "build", stop=stop)
    with pytest.raises(PublishError, match="has no sealed shards yet"):
        await publish(order(tmp_path), asyncio.Event(), None)


async def test_a_process_that_is_killed_is_told_from_one_that_fails(tmp_path: Path) -> None:
    wanted = recipe(target={"conversations": 5})
    await run(wanted, tmp_path / "build")
    publishing = asyncio.create_task(publish(order(tmp_path), asyncio.Event(), None))
    # It takes a second to import what it needs.
    while not (mine := [one for one in psutil.Process().children() if "pipeline.publishing" in one.cmdline()]):  # noqa: ASYNC110 there is no event for it
        await asyncio.sleep(0.01)
    mine[0].kill()
    with pytest.raises(ProcessDiedError, match="was killed by signal 9"):
        await publishing
    published = await publish(order(tmp_path), asyncio.Event(), None)
    assert published is not None and len(read_manifest(tmp_path / "published").shards) == 1


def test_a_publication_that_waits_for_another_one_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "build").mkdir()
    said, order_of_events = threading.Event(), []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.set()

    def second() -> None:
        with BuildDirectory(tmp_path / "build").publishing():
            order_of_events.append("second")

    logging.getLogger("pipeline.directory").addHandler(handler := Heard())
    try:
        with BuildDirectory(tmp_path / "build").publishing():
            waiting = threading.Thread(target=second)
            waiting.start()
            assert said.wait(60)
            order_of_events.append("first")
        waiting.join(60)
    finally:
        logging.getLogger("pipeline.directory").removeHandler(handler)
    assert order_of_events == ["first", "second"]
    assert "another publication of this build is under way" in caplog.text
