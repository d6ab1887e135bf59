"""Where on this machine the builds and publications of jobs lie."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from schemas.recipe import Recipe
from schemas.settings import Settings

_DELETED = ".deleted-"
_SURELY_DELETED_S = 3600


def build_of(job_id: str, settings: Settings) -> Path:
    """The build directory of a job."""
    return settings.builds / job_id


def publication_of(job_id: str, recipe: Recipe, settings: Settings) -> Path:
    """The folder of a local publication: one for each build, as two builds of one recipe are two datasets."""
    return settings.publications / f"{recipe.name}-{job_id}"


@asynccontextmanager
async def removed_build(job_id: str, settings: Settings) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What takes a job's build directory out of the way; it comes back when the block fails, else it is deleted."""
    build = build_of(job_id, settings)
    aside = build.with_name(f"{_DELETED}{job_id}")

    moved = False

    async def remove() -> None:
        nonlocal moved
        if build.is_dir():
            await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)  # of a server that died in this place
            await asyncio.to_thread(build.rename, aside)
            moved = True

    try:
        yield remove
    except BaseException:
        if moved:  # not what another request has put there
            aside.rename(build)
        raise
    await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)


def forget_deleted(settings: Settings) -> None:
    """Delete what a server has left that died while it deleted a build."""
    for folder in settings.builds.glob(f"{_DELETED}*"):
        # A younger one may be coming back: its deletion can still fail on another server.
        if time.time() - folder.stat().st_ctime > _SURELY_DELETED_S:
            shutil.rmtree(folder, ignore_errors=True)
