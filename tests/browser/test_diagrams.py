"""Pan and zoom of diagrams: by buttons, keys, mouse, wheel and fingers; kept over updates, gone on paper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.places import address_of

TRACE = "/traces/{o-3}"
View = tuple[float, float, float, float]


async def view(page: Page) -> View:
    shown = await page.locator(".picture svg.bpmn-diagram").get_attribute("viewBox")
    x, y, width, height = (float(part) for part in (shown or "").split())
    return x, y, width, height


async def comes_true(page: Page, script: str) -> None:
    """The page's own policy lets nothing be evaluated while it waits itself."""
    for _ in range(100):
        if await page.evaluate(script):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never: {script}")


async def test_buttons_and_keys_zoom_and_move(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        whole = await view(page)
        await page.get_by_role("button", name="Zoom in").click()
        closer = await view(page)
        assert closer[2] == pytest.approx(whole[2] / 1.25)
        await page.locator(".picture").focus()
        await page.keyboard.press("ArrowRight")
        assert (await view(page))[0] > closer[0]
        await page.keyboard.press("-")
        assert (await view(page))[2] == pytest.approx(whole[2])
        await page.keyboard.press("+")
        await page.keyboard.press("0")
        assert await view(page) == pytest.approx(whole)
        before = await page.evaluate("scrollY")
        await page.keyboard.press("ArrowDown")
        await comes_true(page, f"scrollY > {before}")


async def test_the_mouse_moves_it_and_the_wheel_scrolls_the_page_until_asked_to_zoom(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        await page.get_by_role("button", name="Zoom in").click()
        box = await page.locator(".picture svg.bpmn-diagram").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + 20
        await page.mouse.move(x, y)
        before = await view(page)
        await page.mouse.down()
        await page.mouse.move(x - 80, y)
        await page.mouse.up()
        await page.evaluate("document.activeElement.blur()")
        moved = await view(page)
        assert moved[0] > before[0]
        await page.mouse.wheel(0, 60)
        await comes_true(page, "scrollY > 0")
        assert await view(page) == moved
        await page.keyboard.down("Control")
        await page.mouse.wheel(0, -120)
        await page.keyboard.up("Control")
        await comes_true(
            page, f"document.querySelector('.picture svg').viewBox.baseVal.width < {moved[2] - 1}"
        )


async def test_an_update_keeps_the_view_and_whoever_is_on_it(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        await page.get_by_role("button", name="Zoom in").click()
        kept = await view(page)
        await page.evaluate(
            "fetch(location.href).then((answer) => answer.text())"
            ".then((text) => show(new DOMParser().parseFromString(text, 'text/html')))"
        )
        await expect(page.get_by_role("button", name="Zoom in")).to_be_focused()
        assert await view(page) == pytest.approx(kept)


CHANGED = """async (change) => {
  const text = await (await fetch(location.href)).text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const badge of fresh.querySelectorAll(change)) badge.remove();
  show(fresh);
}"""
"""The page anew, without these badges."""


async def test_an_update_keeps_whoever_is_on_a_badge_although_others_go(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        last = page.locator(".picture .badge[tabindex]").last
        kind, element = await last.evaluate("one => [one.classList[1], one.dataset.element]")
        own = f'.badge.{kind}[data-element="{element}"]'
        assert await page.locator(".picture .badge[tabindex]").count() > await page.locator(own).count()
        await last.focus()
        await page.evaluate(CHANGED, f".picture .badge:not({own})")
        await expect(page.locator(f".picture {own}").last).to_be_focused()
        await page.evaluate(CHANGED, f".picture {own}")
        await expect(page.locator(".picture").first).to_be_focused()
        assert watched.complaints == []


async def test_badges_tell_beside_them_on_focus_and_on_hover(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        badge = page.locator(".badge.finding").first
        said = str(await badge.get_attribute("aria-label"))
        await badge.locator(".disc").hover()
        tip = page.locator(".bpmn-tip")
        await expect(tip).to_be_visible()
        assert (await tip.inner_text()).split() == said.split()
        await page.keyboard.press("Escape")
        await expect(tip).to_be_hidden()
        await page.locator(".picture").focus()
        await page.mouse.move(0, 0)
        await page.keyboard.press("Tab")
        while not await page.evaluate("document.activeElement.matches('.badge')"):
            await page.keyboard.press("Tab")
        await expect(tip).to_be_visible()


async def test_without_scripts_it_scrolls_and_tells_all_the_same(
    monitor: Any, open_page: Callable[..., Any]
) -> None:
    async with open_page(java_script_enabled=False) as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        assert await page.locator(".zoom").count() == 0
        badge = page.locator(".badge.finding").first
        await badge.locator(".disc").hover()
        await expect(badge.locator(".bubble")).to_be_visible()


async def test_paper_has_all_of_it_and_no_buttons(monitor: Any, open_page: Callable[..., Any]) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(await address_of(monitor, TRACE))
        whole = await view(page)
        await page.get_by_role("button", name="Zoom in").click()
        closer = await view(page)
        await page.emulate_media(media="print")
        await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        printed = await view(page)
        assert printed[2] <= whole[2]
        assert printed[2] > closer[2]
        await expect(page.locator(".zoom")).to_be_hidden()
        await page.emulate_media(media="screen")
        await page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert await view(page) == pytest.approx(closer)
