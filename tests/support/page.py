"""What tests of the page share: the service behind it, and people who visit it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request

from tests.support.builds import DEEDS, REPLIES, SUBJECTS
from tests.support.service_servers import ServerProcess, submission

CHROMIUM = shutil.which("chromium") or "chromium"
KEY = "a-key-of-the-tests"
HOSTILE = (
    "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script> Zer moduz zaude gaur?"
)
SPANISH = "Claro que sí, te lo explico ahora mismo con mucho gusto y con todo detalle, paso a paso."
MIXED_REPLY = f"{REPLIES[0]} {SPANISH}"
LOOP = "Joan eta etorri ibiltzen zen, " + "eta gero berriro " * 6 + "etxera."


def backbones() -> dict[str, Any]:
    """`quick` and `slow` say good things and others; `hostile` writes HTML."""
    turns = [f"Zergatik gustatzen zaio jendeari {subject} {deed}?" for subject in SUBJECTS for deed in DEEDS]
    script = {"kind": "scripted", "user_turns": turns, "replies": [*REPLIES, MIXED_REPLY, LOOP]}
    return {
        "quick": script,
        "slow": {**script, "replies": list(REPLIES), "delay_s": 0.1},
        "hostile": {**script, "user_turns": [HOSTILE]},
    }


@dataclass(frozen=True)
class Site:
    """A running service, and the id of a build that it has finished."""

    server: ServerProcess
    done: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def submit(self, **changes: Any) -> str:
        return self.server.submit(submission(**changes))


def finished(server: ServerProcess) -> str:
    """The id of a build of thirty conversations, among whose drafts some were dropped."""
    made = server.submit(
        submission(name="finished", target={"conversations": 30}, filters={"duplicates": {"enabled": False}})
    )
    job = server.ended(made)
    assert job["state"] == "succeeded", job
    return made


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    browser: Browser
    site: Site
    options: dict[str, Any]
    wrong: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    _pages: list[Page] = field(default_factory=list)

    async def open(self, place: str = "", *, key: str | None = KEY) -> Page:
        """The page at the place, such as `#/new`. The key is in the session already, unless it is None."""
        context = await self.browser.new_context(**{"locale": "en-GB", **self.options})
        if key is not None:
            await context.add_init_script(f"sessionStorage.setItem('iturri.key', '{key}')")
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self._heard(f"error: {error}"))
        page.on("console", self._said)
        self._pages.append(page)
        await page.goto(f"{self.site.address}/{place}")
        await page.locator("main h1, dialog[open]").first.wait_for()
        return page

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.site.address).netloc:
            self.wrong.append(f"asked another host: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._heard(f"{message.type}: {message.text}")

    def _heard(self, text: str) -> None:
        if not any(known in text for known in self.expected):
            self.wrong.append(text)

    async def leave(self) -> None:
        for page in self._pages:
            await page.context.close()
        assert not self.wrong, self.wrong
