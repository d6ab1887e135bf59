"""Review: marks by keyboard alone, kept at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.page import Site, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]


@pytest.fixture
def reviewed(site: Site) -> str:
    """A build of its own, whose conversations nobody has marked."""
    made = site.submit(name="reviewed", target={"conversations": 6})
    site.server.ended(made)
    return made


def marks(site: Site, job: str) -> list[dict[str, Any]]:
    answer = site.server.client.get(f"/v1/jobs/{job}/reviews").raise_for_status().json()
    items: list[dict[str, Any]] = answer["items"]
    return items


async def pressed(page: Page) -> list[str]:
    """The marks that are set, as screen readers are told of them."""
    groups = ("Language", "Content")
    found = []
    for group in groups:
        for name in ("Good", "Bad"):
            button = page.get_by_role("group", name=group).get_by_role("button", name=re.compile(name))
            if await button.get_attribute("aria-pressed") == "true":
                found.append(f"{group} {name}")
    return found


async def test_marks_are_made_changed_and_taken_back_by_keyboard_alone(visit: Visit, site: Site, reviewed: str) -> None:
    page = await visit().open(f"#/jobs/{reviewed}/review")
    where = page.locator("main .facts").first
    await expect(where).to_contain_text("1 of 6")
    await page.keyboard.press("g")
    await expect(page.get_by_role("status")).to_have_text("Language: good.")
    await page.keyboard.press("n")
    await expect(where).to_contain_text("2 of 6")
    await page.keyboard.press("k")
    await expect(where).to_contain_text("1 of 6")
    assert await pressed(page) == ["Language Good", "Content Bad"]
    await page.keyboard.press("m")
    await page.keyboard.type("Data hori ez da zuzena, j k.")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("status")).to_have_text("Note saved.")
    (kept,) = marks(site, reviewed)
    assert (kept["language"], kept["content"], kept["note"]) == ("good", "bad", "Data hori ez da zuzena, j k.")
    await page.keyboard.press("b")
    async with page.expect_response(
        lambda answer: answer.request.method == "PUT" and '"content":null' in (answer.request.post_data or "")
    ):
        await page.keyboard.press("n")
    await expect(page.get_by_role("status")).to_have_text("Content: mark taken back.")
    assert await pressed(page) == ["Language Bad"]
    await expect(page.get_by_role("textbox", name="Note")).to_have_value("Data hori ez da zuzena, j k.")
    assert [(one["language"], one["content"]) for one in marks(site, reviewed)] == [("bad", None)]


async def test_review_goes_on_where_it_was_left(visit: Visit, site: Site, reviewed: str) -> None:
    page = await visit().open(f"#/jobs/{reviewed}/review")
    where = page.locator("main .facts").first
    for at in range(1, 6):
        await expect(where).to_contain_text(f"{at} of 6")
        await page.keyboard.press("g")
        await page.keyboard.press("h")
    await expect(where).to_contain_text("6 of 6")
    await expect(where).to_contain_text("5 marked by you")
    await page.keyboard.press("j")
    await expect(page.get_by_text("This is the last conversation that there is.").last).to_be_visible()
    await page.reload()
    await expect(where).to_contain_text("6 of 6")
    await page.keyboard.press("b")
    await page.keyboard.press("n")
    await expect(where).to_contain_text("6 marked by you")
    await page.reload()
    await expect(page.get_by_text("You have marked all there are. Thank you.")).to_be_visible()


async def test_keys_are_explained_and_can_be_turned_off(visit: Visit, site: Site, reviewed: str) -> None:
    page = await visit().open(f"#/jobs/{reviewed}/review")
    await page.locator("main .facts").first.wait_for()
    await page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    await expect(help_).to_contain_text("Language: Good")
    await page.keyboard.press("g")  # not behind a dialog
    await page.keyboard.press("Escape")
    await expect(help_).to_be_hidden()
    await page.get_by_role("checkbox", name="Single keys").uncheck()
    await page.keyboard.press("g")
    await page.keyboard.press("j")
    assert await pressed(page) == [] and marks(site, reviewed) == []
    await page.get_by_role("group", name="Content").get_by_role("button", name="Good").press("Space")
    await expect(page.get_by_role("status")).to_have_text("Content: good.")
    assert await pressed(page) == ["Content Good"]
