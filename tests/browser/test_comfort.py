"""What makes pages pleasant: a search that jumps, keys, times here and in UTC, an icon that shows trouble."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.landscape import Monitor
from tests.browser.places import address_of
from tests.browser.watching import DESKTOP, Watched, barriers

Opener = Callable[..., AbstractAsyncContextManager[Watched]]


async def test_slash_and_an_order_number_lead_to_its_trace(monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/flows")
        await page.keyboard.press("/")
        await expect(page.locator("#search")).to_be_focused()
        await page.keyboard.type("o-3")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Order o-3")
        await expect(page.locator("#live")).to_have_text("Live")
        await page.keyboard.press("/")
        await page.keyboard.type("o-")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/traces?q=o-")
        assert watched.complaints == []


async def test_the_search_works_without_scripts(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(java_script_enabled=False) as watched:
        await watched.page.goto(f"{monitor.address}/")
        await watched.page.fill("#search", "p-1")
        await watched.page.press("#search", "Enter")
        await expect(watched.page.locator("h1")).to_have_text("Order o-1")
        await expect(watched.page.locator("#zone")).to_be_hidden()
        await expect(watched.page.locator("#help-opener")).to_be_hidden()


async def test_help_is_a_dialog_that_lists_the_keys(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(viewport=DESKTOP) as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/")
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
        assert await barriers(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator("#help")).to_be_hidden()
        await page.locator("#help-opener").click()
        await page.locator("#help button").click()
        await expect(page.locator("#help")).to_be_hidden()
        await expect(page.locator("#help-opener")).to_be_focused()
        assert watched.complaints == []


@pytest.mark.parametrize(("key", "path"), [("t", "/traces"), ("i", "/inbox"), ("o", "/")])
async def test_g_and_a_letter_go_to_a_page(key: str, path: str, monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        await watched.page.goto(f"{monitor.address}/findings")
        await watched.page.keyboard.press("g")
        await watched.page.keyboard.press(key)
        await watched.page.wait_for_url(f"{monitor.address}{path}")


async def test_j_and_k_walk_the_rows_and_enter_opens_one(monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces?sort=first")
        rows = page.locator("main tbody tr th a")
        await page.keyboard.press("j")
        await expect(rows.nth(0)).to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await expect(rows.nth(2)).to_be_focused()
        await page.keyboard.press("k")
        await expect(rows.nth(1)).to_be_focused()
        key = await rows.nth(1).inner_text()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text(key.split()[-1])


async def test_keys_of_one_letter_can_be_turned_off_for_good(monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces")
        await page.keyboard.press("?")
        await page.locator("#keys-on").uncheck()
        await page.keyboard.press("Escape")
        await page.reload()
        for key in ("?", "/", "j"):
            await page.keyboard.press(key)
        await expect(page.locator("#help")).to_be_hidden()
        assert await page.evaluate("document.activeElement === document.body")


async def test_times_are_local_with_scripts_and_say_utc_without(monitor: Monitor, open_page: Opener) -> None:
    address = await address_of(monitor, "/traces/{o-1}")
    async with open_page(timezone_id="Asia/Kolkata") as local, open_page(java_script_enabled=False) as plain:
        await local.page.goto(address)
        await plain.page.goto(address)
        due = local.page.locator('time[data-show="both"]').first
        instant = datetime.fromisoformat(str(await due.get_attribute("datetime")))
        here = instant + timedelta(hours=5, minutes=30)
        shown = await due.inner_text()
        assert f"{here:%H:%M}" in shown
        assert shown.endswith("UTC)")
        utc = await plain.page.locator('time[data-show="both"]').first.inner_text()
        assert f"{instant:%H:%M}" in utc
        assert utc.endswith("UTC")


async def test_times_in_utc_are_a_choice_that_is_remembered(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(timezone_id="Asia/Kolkata") as watched:
        page = watched.page
        await page.goto(await address_of(monitor, "/traces/{o-1}"))
        due = page.locator('time[data-show="both"]').first
        before = await due.inner_text()
        title = str(await due.get_attribute("title"))
        assert " here, " in title
        assert title.endswith(" UTC")
        await expect(page.locator("#zone")).to_have_text("Times of Asia/Calcutta")
        await page.locator("#zone").click()
        await expect(page.locator("#zone")).to_have_text("Times in UTC")
        assert (await due.inner_text()).endswith("UTC")
        assert "(" not in await due.inner_text()
        await page.reload()
        assert (await due.inner_text()).endswith("UTC")
        await page.keyboard.press("u")
        await expect(due).to_have_text(before)


async def test_icon_and_title_show_trouble_and_its_end(empty_monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{empty_monitor.address}/")
        assert await page.title() == "Overview · Choreoscope"
        calm = await page.locator("#favicon").get_attribute("href")
        assert "favicon.svg" in str(calm)
        await page.evaluate(
            """() => {
              const fresh = document.implementation.createHTMLDocument("(3) Overview");
              fresh.documentElement.innerHTML = document.documentElement.innerHTML;
              fresh.title = "(3) Overview";
              fresh.getElementById("favicon").setAttribute("href", "/static/favicon-bad.svg");
              show(fresh);
            }"""
        )
        assert await page.title() == "(3) Overview"
        assert await page.locator("#favicon").get_attribute("href") == "/static/favicon-bad.svg"


async def test_the_icon_says_that_something_is_overdue(monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        await watched.page.goto(f"{monitor.address}/")
        icon = str(await watched.page.locator("#favicon").get_attribute("href"))
        assert "favicon-bad.svg" in icon
        assert re.match(r"\([1-9]\d*\) Overview", await watched.page.title())
        response = await watched.page.request.get(f"{monitor.address}{icon}")
        assert response.headers["content-type"].startswith("image/svg+xml")


async def test_a_badge_is_a_picture_another_page_can_show(monitor: Monitor, open_page: Opener) -> None:
    await monitor.until("/overview", lambda told: told["totals"]["breached"])
    async with open_page() as watched:
        await watched.page.set_content(
            f'<img src="{monitor.address}/badges/order.svg" alt="">'
            f'<img src="{monitor.address}/badges/order/Paid%20within%20three%20days.svg" alt="">'
        )
        await watched.page.wait_for_function("[...document.images].every((one) => one.naturalWidth > 50)")


@pytest.mark.parametrize("safe", [True, False], ids=["over https", "without a clipboard"])
async def test_the_address_of_a_list_can_be_copied(monitor: Monitor, open_page: Opener, safe: bool) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        if not safe:
            await page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        await page.goto(f"{monitor.address}/traces?q=o-&verdict=deviating&cursor=")
        button = page.locator("button.copy")
        await button.click()
        await expect(button).to_have_text("Copied")
        await button.click()  # while it says so
        await expect(button).to_be_focused()
        await expect(button).to_have_text("Copy link")
        await page.locator("#search").fill("")
        await page.keyboard.press("Control+V")
        copied = await page.locator("#search").input_value()
        assert copied == f"{monitor.address}/traces?q=o-&verdict=deviating"
        await page.goto(copied)
        await expect(page.locator("#f-verdict")).to_have_value("deviating")
        await expect(page.locator("main table tbody")).to_contain_text("o-3")
        assert watched.complaints == []
