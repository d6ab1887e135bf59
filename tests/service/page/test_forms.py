"""A new job by the form, and a build published."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.support.page import Site, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]


async def test_a_recipe_is_tried_and_submitted(visit: Visit, site: Site) -> None:
    page = await visit().open("#/new")
    await expect(page.get_by_label("Start from")).to_have_value("0")
    await expect(page.get_by_text("Twelve conversations.")).to_be_visible()
    await page.get_by_label("Name").fill("by-hand")
    await page.get_by_label("Conversations").fill("25")
    await page.get_by_role("button", name="Dry run").click()
    found = page.get_by_role("region", name="Dry run")
    await expect(found.locator("ol.reading > li")).to_have_count(5)
    await expect(found).to_contain_text("Tokens in all")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_role("heading", name="by-hand", level=1)).to_be_focused()
    job = site.server.ended(page.url.rpartition("/")[2])
    assert (job["recipe"]["name"], job["recipe"]["target"]["conversations"]) == ("by-hand", 25)


async def test_what_the_server_objects_to_is_said_at_its_field(visit: Visit, site: Site) -> None:
    visitor = visit()
    visitor.expected = ("422",)
    page = await visitor.open("#/new")
    await page.get_by_label("Conversations").fill("0")
    await page.get_by_text("The whole recipe").click()
    whole = page.get_by_label("Recipe, as JSON")
    recipe = json.loads(await whole.input_value())
    assert recipe["target"]["conversations"] == 0
    await page.get_by_role("button", name="Submit").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("target.conversations: must be greater than or equal to 1")
    await alert.get_by_role("link").first.click()
    field = page.get_by_label("Conversations")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(re.compile("must be greater than or equal to 1"))

    await whole.fill('{"name": ')
    await page.get_by_role("button", name="Dry run").click()
    await expect(whole).to_be_focused()
    await expect(whole).to_have_accessible_description(re.compile("No valid JSON"))
    await whole.fill(json.dumps({**recipe, "filters": {"shape": {"longest": 3}}, "target": {"conversations": 7}}))
    await expect(field).to_have_value("7")
    await page.get_by_role("button", name="Dry run").click()
    await expect(alert).to_contain_text("filters.shape.longest: there is no such field")


async def test_a_job_can_be_begun_from_another(visit: Visit, site: Site) -> None:
    page = await visit().open(f"#/jobs/{site.done}")
    await page.get_by_role("button", name="New job from this recipe").click()
    await expect(page.get_by_label("Start from")).to_contain_text("finished, as it was submitted")
    await expect(page.get_by_label("Conversations")).to_have_value("30")


async def test_a_build_is_published(visit: Visit, site: Site) -> None:
    page = await visit().open(f"#/jobs/{site.done}")
    await page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog", name="Publish finished")
    await expect(dialog.get_by_role("radio", name="The server’s publications folder")).to_be_checked()
    await dialog.get_by_role("radio", name="The Hugging Face Hub").check()
    await expect(dialog.get_by_role("textbox", name="Repository")).to_be_visible()
    await expect(dialog.get_by_role("textbox", name="Release")).to_be_visible()
    await dialog.get_by_role("radio", name="The server’s publications folder").check()
    await dialog.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Published to")).to_be_visible()
    await expect(page.locator(".head .badge")).to_have_text("succeeded")
    await page.get_by_role("link", name="of this build").click()
    await expect(page.get_by_role("heading", name="finished", level=1)).to_be_visible()
