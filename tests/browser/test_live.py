"""Updates that disturb nobody, and pages that do without them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import expect

from tests.browser.places import address_of

AGAIN = """async () => {
  const text = await (await fetch(location.href)).text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  show(fresh);
}"""
"""An update."""


async def test_the_picture_shows_the_path_the_token_and_the_finding(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        await watched.page.goto(await address_of(monitor, "/traces/{o-3}"))
        picture = watched.page.locator(".picture svg.bpmn-diagram")
        await expect(picture).to_be_visible()
        for word in ("visited", "standing", "deviating"):
            assert await picture.locator(f".{word}").count() > 0, word


async def test_filters_work_without_scripts(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page(java_script_enabled=False) as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces")
        await page.select_option("#f-verdict", "deviating")
        await page.click(".filters button")
        await expect(page.locator("main table tbody")).to_contain_text("o-3")
        await expect(page.locator("main table tbody")).not_to_contain_text("o-4")
        await page.click("text=Clear")
        await expect(page.locator("main table tbody")).to_contain_text("o-4")


async def test_a_new_trace_appears_by_itself(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces")
        await expect(page.locator("#live")).to_have_text("Live")
        await page.evaluate("window.same = true")
        await monitor.post("o-live", "OrderPlaced", datetime.now(UTC))
        await expect(page.locator("main table")).to_contain_text("o-live")
        assert await page.evaluate("window.same"), "the page was loaded anew"
        assert watched.complaints == []


async def test_an_update_keeps_what_is_open_focused_and_scrolled(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    await monitor.post("o-keep", "OrderPlaced", datetime.now(UTC))
    async with open_page(viewport={"width": 800, "height": 400}) as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces/{await monitor.trace('o-keep')}")
        await expect(page.locator("#live")).to_have_text("Live")
        summary = page.locator(".timeline summary")
        await summary.click()
        await expect(summary).to_be_focused()
        await page.evaluate("window.scrollTo(0, 120)")
        await monitor.post("o-keep", "PaymentRequested", datetime.now(UTC))
        await expect(page.locator(".timeline > li")).to_have_count(2)
        await expect(page.locator(".timeline details").first).to_have_attribute("open", "")
        await expect(page.locator(".timeline summary").first).to_be_focused()
        assert await page.evaluate("window.scrollY") == 120


async def test_an_update_leaves_the_focus_where_it_was(monitor: Any, open_page: Callable[..., Any]) -> None:
    """On the link it was on, not the first to the same place; on text that is read; on a form's button."""
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, "/traces/{o-3}"))
        for details in await page.locator("main details").all():
            await details.evaluate("one => { one.open = true; }")
        places = page.locator(
            "main a[href], main pre[tabindex], main form button, main .scroll, main summary"
        )
        met = set()
        for number in range(await places.count()):
            place = places.nth(number)
            met.add(await place.evaluate("one => one.tagName"))
            await place.evaluate("one => one.focus()")
            if not await place.evaluate("one => one === document.activeElement"):
                continue  # nobody gets there by keys
            await page.evaluate(AGAIN)
            at = await places.evaluate_all("all => all.indexOf(document.activeElement)")
            assert at == number, await place.evaluate("one => one.outerHTML")
        assert met >= {"A", "PRE", "BUTTON", "SUMMARY"}


async def test_no_button_is_taken_for_that_of_another_form(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, "/traces/{o-3}"))
        for details in await page.locator("main details").all():
            await details.evaluate("one => { one.open = true; }")
        buttons = page.locator("main form button")
        assert await buttons.count() > 1
        await buttons.first.focus()
        await page.evaluate(AGAIN.replace("show(", "fresh.querySelector('main form').remove(); show("))
        assert not await page.evaluate("document.activeElement.matches('button')")


async def test_nobody_loses_what_they_are_typing(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/traces")
        await expect(page.locator("#live")).to_have_text("Live")
        await page.locator("#f-q").press_sequentially("half a num")
        await monitor.post("o-quiet", "OrderPlaced", datetime.now(UTC))
        await expect(page.locator("#live")).to_contain_text("There is new data.")
        await expect(page.locator("#f-q")).to_have_value("half a num")
        await expect(page.locator("main table")).not_to_contain_text("o-quiet")
        await page.locator("#live button").click()
        await expect(page.locator("main table")).to_contain_text("o-quiet")


async def test_what_a_producer_sends_never_runs(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, "/traces/{o-3}"))
        await page.locator(".timeline summary").first.click()
        await expect(page.locator(".timeline details[open] pre").last).to_contain_text("onerror")
        assert await page.locator("main img").count() == 0
        assert watched.complaints == []


async def test_many_open_pages_are_told_by_one_question_a_second(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    """More pages than a browser has connections: hidden ones let go of theirs."""
    async with open_page() as watched:
        context = watched.page.context
        pages = [watched.page, *[await context.new_page() for _ in range(3)]]
        await asyncio.gather(*(page.goto(f"{monitor.address}/traces") for page in pages))
        await monitor.post("o-many", "OrderPlaced", datetime.now(UTC))
        for page in pages:
            await page.bring_to_front()
            await expect(page.locator("main table")).to_contain_text("o-many")
