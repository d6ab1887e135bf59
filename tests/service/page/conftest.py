"""One browser and one running service for all tests of the page."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Browser, async_playwright, expect

from tests.support.page import CHROMIUM, KEY, Site, Visitor, backbones, finished
from tests.support.service_servers import ServerProcess, settings

# The most that is waited for what should come; a machine may be busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def site(postgres: str) -> Iterator[Site]:
    """A service with a key, a quick, a slow and a hostile backbone, and one build that has ended."""
    # Not below pytest's own folder: as root PostgreSQL runs under another user, who cannot get in there.
    folder = Path(tempfile.mkdtemp(prefix="iturri-page-"))
    (folder / "backbones.yaml").touch()
    declared = settings(folder, postgres, api_key=KEY, recipes=recipes(folder), jobs_at_once=4)
    (folder / "backbones.yaml").write_text(yaml.safe_dump(backbones()), encoding="utf-8")
    server = ServerProcess(declared, folder / "server.log")
    try:
        server.client.headers["Authorization"] = f"Bearer {KEY}"
        server.wait_until_ready()
        yield Site(server, finished(server))
    finally:
        server.end(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


def recipes(folder: Path) -> Path:
    """A folder of recipes to start from."""
    shelf = folder / "recipes"
    shelf.mkdir()
    start = {
        "name": "first", "language": "eu", "backbone": "quick", "modes": [{"mode": "magpie"}],
        "target": {"conversations": 12}, "window": 4, "filters": {"duplicates": {"enabled": False}},
        "publish": {"licence": "cc0-1.0", "title": "A first one", "description": "Twelve conversations."},
    }  # fmt: skip
    (shelf / "first.yaml").write_text(yaml.safe_dump(start), encoding="utf-8")
    return shelf


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, site: Site) -> AsyncIterator[Callable[..., Visitor]]:
    """Opens the page as a visitor of its own; whatever went wrong in it fails the test in the end."""
    visitors: list[Visitor] = []

    def visitor(**options: object) -> Visitor:
        visitors.append(Visitor(browser, site, options))
        return visitors[-1]

    yield visitor
    for one in visitors:
        await one.leave()
