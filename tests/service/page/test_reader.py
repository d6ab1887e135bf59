"""Reading conversations, whatever a model has written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.support.page import HOSTILE, SPANISH, Site, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]


async def test_a_dropped_draft_shows_why_and_where(visit: Visit, site: Site) -> None:
    page = await visit().open(f"#/jobs/{site.done}/read?verdict=dropped")
    await page.get_by_label("Reason").select_option("repetition.loop")
    loop = page.get_by_role("listitem").filter(has_text="repetition.loop").first
    await expect(loop.locator("p.objection")).to_contain_text("repetition.loop")
    await expect(loop.locator("p.objection")).to_contain_text("over and over: eta gero berriro")
    await expect(loop.locator("[data-wrong] .role")).to_contain_text("Assistant")
    for place in range(4):
        await expect(loop.locator("mark").nth(place)).to_have_text("eta gero berriro")
    await page.get_by_label("Reason").select_option("language.foreign")
    foreign = page.get_by_role("listitem").filter(has_text="language.foreign").first
    await expect(foreign.locator("mark")).to_have_text(SPANISH)
    await expect(foreign.locator(".text").last).to_have_attribute("lang", "eu")


async def test_accepted_conversations_are_read_page_by_page(visit: Visit, site: Site) -> None:
    page = await visit().open(f"#/jobs/{site.done}")
    await page.get_by_role("link", name="Read 30 conversations").click()
    await expect(page.get_by_role("heading", name="Accepted conversations")).to_be_focused()
    cards = page.locator("ol.reading > li")
    await expect(cards).to_have_count(20)
    await page.get_by_role("button", name="More").click()
    await expect(cards).to_have_count(30)
    await expect(page.get_by_role("button", name="More")).to_be_hidden()
    ids = [await card.get_attribute("data-id") for card in await cards.all()]
    assert len(set(ids)) == 30


async def test_what_a_model_wrote_is_text_and_nothing_else(visit: Visit, site: Site) -> None:
    recipe = {
        "filters": {"language": {"enabled": False}, "duplicates": {"enabled": False}},
        "target": {"conversations": 2},
    }
    made = site.submit(name="hostile", backbone="hostile", **recipe)
    site.server.ended(made)
    page = await visit().open(f"#/jobs/{made}/read")
    await expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert await page.locator("main img, main script, main [onerror]").count() == 0
    await page.goto(f"{site.address}/#/jobs/{made}/review")
    await expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert "hacked" not in await page.title()


async def test_html_that_slipped_in_would_not_run(visit: Visit, site: Site) -> None:
    visitor = visit()
    visitor.expected = ("requires 'TrustedHTML'", "requires 'TrustedScript'", "Content Security Policy")
    page = await visitor.open()
    refused = await page.evaluate(
        """[
            () => { document.body.innerHTML = '<b>x</b>'; },
            () => document.body.setAttribute('onclick', 'document.title = "hacked"'),
            () => document.body.append(document.createElement('iframe').srcdoc = '<b>x</b>'),
            () => document.createElement('script').text = 'document.title = "hacked"',
        ].map((attempt) => { try { attempt(); return null; } catch (error) { return error.name; } })"""
    )
    assert refused == ["TypeError"] * 4
