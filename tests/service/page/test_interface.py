"""Languages, the key, a phone, the keyboard, screen readers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.support.page import KEY, Site, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]
PLACES = ("#/", "#/new", "#/jobs/{done}", "#/jobs/{done}/read?verdict=dropped", "#/jobs/{done}/review")
# What axe looks at: WCAG 2.2 A and AA, and the practices that its makers call best.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def test_the_language_is_the_browsers_until_one_is_chosen(visit: Visit) -> None:
    page = await visit(locale="eu-ES").open()
    await expect(page.get_by_role("heading", name="Lanak", level=1)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "eu")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    await expect(page.get_by_role("button", name="English")).to_be_focused()
    await page.reload()
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_numbers_are_written_as_the_language_writes_them(visit: Visit) -> None:
    page = await visit(locale="eu-ES").open()
    said = await page.evaluate(
        """async () => {
            const { compact, number, percent, duration } = await import('/assets/i18n.js');
            return [number(12345), number(1.5, 1), percent(0.425), compact(1234567), duration(4000), duration(180000)];
        }"""
    )
    assert said == ["12.345", "1,5", "%\u00a043", "1,2\u202fM", "1 h 7 min", "2 egun 2 h"]


async def test_the_key_is_asked_for_and_kept_in_the_tab(visit: Visit) -> None:
    visitor = visit()
    visitor.expected = ("401",)
    page = await visitor.open(key=None)
    dialog = page.get_by_role("dialog", name="API key")
    await expect(dialog.get_by_label("Key")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("does not take this key")
    await page.keyboard.type(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    assert await page.evaluate("[sessionStorage.getItem('iturri.key'), localStorage.length, document.cookie]") == [
        KEY,
        0,
        "",
    ]
    await page.reload()
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    await page.get_by_role("button", name="Forget the key").click()
    await expect(dialog).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "eu-ES"])
async def test_a_phone_shows_every_place_without_scrolling_sideways(visit: Visit, site: Site, locale: str) -> None:
    visitor = visit(locale=locale, viewport={"width": 340, "height": 700}, has_touch=True, is_mobile=True)
    page = await visitor.open()
    for place in PLACES:
        await page.goto(f"{site.address}/{place.format(done=site.done)}")
        await page.locator("main:not([aria-busy]) h1").wait_for()
        wide = await page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, (place, wide)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_place_passes_the_checks_for_accessibility(visit: Visit, site: Site, scheme: str) -> None:
    page = await visit(color_scheme=scheme, reduced_motion="reduce").open()
    for place in PLACES:
        await page.goto(f"{site.address}/{place.format(done=site.done)}")
        await page.locator("main:not([aria-busy]) h1").wait_for()
        results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert results.violations_count == 0, (place, results.generate_report())


async def test_the_tree_that_screen_readers_see(visit: Visit, site: Site) -> None:
    page = await visit().open(f"#/jobs/{site.done}")
    await expect(page.get_by_role("banner").get_by_role("navigation", name="Main")).to_be_visible()
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("region", name="Funnel")).to_be_visible()
    await expect(page.get_by_role("region", name="Over time")).to_be_visible()
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    asked = {"button", "link", "textbox", "combobox", "checkbox", "progressbar", "image", "searchbox", "radio", "table"}
    nodes = [node for node in tree["nodes"] if not node["ignored"] and node["role"]["value"] in asked]
    nameless = [node["role"]["value"] for node in nodes if not node["name"]["value"].strip()]
    assert nodes and set(nameless) <= {"table"}, nameless


async def test_the_keyboard_alone_goes_everywhere(visit: Visit, site: Site) -> None:
    page = await visit().open()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("main").get_by_role("link", name="New job")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="New job", level=1)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Start from")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="English")).to_be_focused()


async def test_an_address_that_is_none_and_a_job_that_is_gone(visit: Visit) -> None:
    visitor = visit()
    visitor.expected = ("404",)
    page = await visitor.open("#/nowhere")
    await expect(page.get_by_role("alert")).to_contain_text("There is nothing at this address.")
    await page.goto(f"{visitor.site.address}/#/jobs/gone")
    await expect(page.get_by_role("alert")).to_contain_text("there is no job gone")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


async def test_the_api_is_described_without_another_host(visit: Visit) -> None:
    page = await visit().open()
    await page.get_by_role("link", name="API").click()
    await expect(page.get_by_role("heading", name="Iturri", level=1)).to_be_visible()
    await page.locator("#operations-jobs-list_jobs_v1_jobs_get .opblock-summary-control").click()
    await page.get_by_role("button", name="Try it out").click()
    async with page.expect_response("**/v1/jobs?*") as answered:
        await page.get_by_role("button", name="Execute").click()
    assert (await answered.value).status == 200
