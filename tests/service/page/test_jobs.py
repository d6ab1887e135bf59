"""The list of jobs, and one job: live, and what can be done with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.support.page import Site, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]


async def test_the_list_follows_what_goes_on(visit: Visit, site: Site) -> None:
    made = site.submit(name="watched", target={"conversations": 12}, backbone="slow", window=2)
    page = await visit().open()
    finished = page.get_by_role("listitem").filter(has_text="finished")
    await expect(finished).to_contain_text("succeeded")
    await expect(finished).to_contain_text("30 of 30")
    watched = page.get_by_role("listitem").filter(has_text="watched")
    await expect(watched).to_contain_text("running")
    await expect(watched).to_contain_text("succeeded")
    await expect(watched.get_by_role("progressbar", name="Accepted conversations")).to_have_attribute("value", "1")
    await watched.get_by_role("link", name="watched").click()
    await expect(page).to_have_url(re.compile(f"#/jobs/{made}$"))
    await expect(page.get_by_role("heading", name="watched", level=1)).to_be_focused()
    await expect(page).to_have_title("watched · Iturri")


async def test_the_list_is_filtered(visit: Visit, site: Site) -> None:
    page = await visit().open()
    await page.get_by_label("State").select_option("failed")
    await expect(page.get_by_text("No job is like this.")).to_be_visible()
    await page.get_by_label("State").select_option("succeeded")
    await page.get_by_label("Kind").select_option("build")
    await page.get_by_label("Name").fill("finished")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("state=succeeded&kind=build&name=finished"))
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await expect(page.get_by_role("link", name="finished")).to_be_visible()


async def test_a_job_is_live_from_its_start_to_its_end(visit: Visit, site: Site) -> None:
    made = site.submit(name="live", target={"conversations": 40}, backbone="slow", window=4)
    page = await visit().open(f"#/jobs/{made}")
    await expect(page.get_by_text("live", exact=True).last).to_be_visible()
    bar = page.get_by_role("progressbar", name="Accepted conversations")
    await expect(bar).not_to_have_attribute("value", "0")
    await expect(page.locator(".head .badge")).to_have_text("succeeded")
    await expect(bar).to_have_attribute("value", "1")
    await expect(page.locator(".meter")).to_contain_text("40 of 40")
    await expect(page.get_by_role("status")).to_contain_text("The job is succeeded now.")
    await expect(page.get_by_role("img", name=re.compile("40 were accepted"))).to_be_visible()
    for chart in ("Accepted conversations", "Tokens a second"):
        await expect(page.get_by_role("img", name=re.compile(f"{chart}: .+ now"))).to_be_visible()


async def test_a_job_is_paused_resumed_cancelled_retried_and_deleted_by_keyboard(visit: Visit, site: Site) -> None:
    made = site.submit(name="handled", target={"conversations": 5_000}, backbone="slow")
    page = await visit().open(f"#/jobs/{made}")
    state = page.locator(".head .badge")

    async def press(name: str) -> None:
        await page.get_by_role("button", name=name, exact=True).focus()
        await page.keyboard.press("Enter")

    await expect(state).to_have_text("running")
    await press("Pause")
    await expect(state).to_have_text("paused")
    await press("Resume")
    await expect(state).to_have_text("running")
    await press("Cancel the job")
    dialog = page.get_by_role("dialog", name="Cancel handled?")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Cancel the job")).to_be_focused()
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Cancel the job").press("Enter")
    await expect(state).to_have_text("cancelled")
    await press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    assert site.server.client.get(f"/v1/jobs/{made}").status_code == 404


async def test_the_funnel_says_where_drafts_ended_and_what_they_cost(visit: Visit, site: Site) -> None:
    job = site.server.job(site.done)
    page = await visit().open(f"#/jobs/{site.done}")
    drops = {row["reason"] for row in job["funnel"]["rows"]} - {"accepted", "not_needed"}
    assert drops
    picture = page.locator(".picture")
    for reason in drops:
        await expect(picture).to_contain_text(reason)
    await expect(picture).to_contain_text(f"{job['funnel']['drafts']} drafts")
    await page.get_by_text("All reasons, in figures").click()
    table = page.get_by_role("table").first
    saved = [await cell.inner_text() for cell in await table.locator("tbody td:last-child").all()]
    assert sum(int(text.replace(",", "")) for text in saved if text) == job["funnel"]["saved_tokens"]
    await table.get_by_role("link", name=next(iter(drops))).click()
    await expect(page.get_by_role("heading", name="Dropped drafts")).to_be_visible()


async def test_the_funnel_is_readable_at_two_million_drafts(visit: Visit, site: Site) -> None:
    page = await visit(viewport={"width": 360, "height": 800}).open(f"#/jobs/{site.done}")
    texts = await page.evaluate(
        """async (millions) => {
            const { drawFunnel } = await import('/assets/funnel.js');
            const job = await (await import('/assets/api.js')).get(location.hash.replace('#', '/v1'));
            const reasons = [...Array(12).keys()].map((at) => `language.kind_${at}`);
            const accepted = job.funnel.rows.find((row) => row.gate === 'accepted');
            const like = { ...accepted, gate: 'reply' };
            const rows = [{ ...accepted, drafts: 1000000 }];
            reasons.forEach((reason, at) => rows.push({ ...like, reason, drafts: at === 11 ? 1 : 90000 }));
            const node = document.querySelector('.picture');
            const sums = { drafts: millions * 1000000, accepted: 1000000, completion_tokens: 4e9 };
            drawFunnel(node, { ...job.funnel, rows, ...sums });
            await new Promise(requestAnimationFrame);
            const right = node.getBoundingClientRect().right;
            const fits = (one) => one.getBoundingClientRect().right <= right;
            return [...node.querySelectorAll('text')].map((one) => [one.textContent, fits(one)]);
        }""",
        2,
    )
    assert [text for text, fits in texts if not fits] == []
    said = " ".join(text for text, _ in texts)
    assert "2,000,000 drafts" in said and "1,000,000 accepted, 50%" in said and "6 more reasons" in said
    assert "NaN" not in await page.locator(".picture").inner_html()
