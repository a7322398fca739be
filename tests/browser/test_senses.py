"""Pages for people who use a keyboard, print, choose their own colours, or are made ill by movement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.browser.landscape import Monitor
from tests.browser.places import PLACES, address_of
from tests.browser.watching import DESKTOP, PHONE, Watched, barriers, open_details

Opener = Callable[..., AbstractAsyncContextManager[Watched]]

WALKED = [name for name, place in PLACES.items() if place.status == 200]

MARK = """() => {
  const marked = [...document.querySelectorAll(
    "a[href], button:enabled, input:enabled:not([type=hidden]), select, textarea, summary, [tabindex='0']"
  )].filter((one) => one.checkVisibility({ visibilityProperty: true }));
  marked.forEach((one, number) => { one.dataset.stop = number; });
  return marked.map((one) => one.outerHTML.slice(0, 120));
}"""
"""Numbers all that can be reached with the Tab key, and says what it is."""

WATCH = """() => {
  window.reached = [];
  window.left = false;
  document.addEventListener("focusin", ({ target: at }) => {
    if (window.left) return;
    const look = getComputedStyle(at);
    window.reached.push({
      stop: at.dataset.stop === undefined ? -1 : Number(at.dataset.stop),
      shown: at.type === "datetime-local" || (at.matches(":focus-visible")
        && (at.ownerSVGElement || (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1))),
      what: at.outerHTML.slice(0, 120),
    });
  });
  document.addEventListener("focusout", ({ relatedTarget: to }) => { window.left ||= to === null; });
}"""
"""Keeps where the focus goes until it leaves the page, and whether it can be seen. A field for a time shows
it at one of its parts, a badge of a picture by the box that opens."""

PRESSES = 10
"""Of the Tab key between two looks at whether the focus has left."""


@pytest.mark.parametrize("name", WALKED)
async def test_tab_reaches_everything_and_is_seen_and_gets_out_again(
    name: str, monitor: Monitor, open_page: Opener
) -> None:
    async with open_page(viewport=DESKTOP) as watched:
        page = watched.page
        await page.route(
            "**/events/stream", lambda route: route.abort()
        )  # an update would take the numbers away
        await page.goto(await address_of(monitor, PLACES[name].path))
        stops = await page.evaluate(MARK)
        await page.evaluate(WATCH)
        for _ in range(2 * len(stops) // PRESSES + 2):
            for _ in range(PRESSES):
                await page.keyboard.press("Tab")
            if await page.evaluate("window.left"):
                break
        else:
            pytest.fail("the focus never leaves the page")
        walked = await page.evaluate("window.reached")
        unseen = [at["what"] for at in walked if not at["shown"]]
        assert not unseen, f"the focus cannot be seen: {unseen}"
        reached: list[int] = [at["stop"] for at in walked]
        missed = [stops[number] for number in range(len(stops)) if number not in reached]
        assert not missed, missed
        known = [number for number in reached if number >= 0]
        assert known == sorted(known), "the order of the Tab key is not that of the page"


async def test_the_first_tab_leads_to_the_content(monitor: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{monitor.address}/")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.matches('.skip')")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.matches('main')")


async def test_on_paper_there_is_the_content_dark_on_white(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(viewport=DESKTOP, color_scheme="dark") as watched:
        page = watched.page
        await page.emulate_media(media="print", color_scheme="dark")
        for path in ("/", "/traces", "/traces/{o-3}", "/flows/order"):
            await page.goto(await address_of(monitor, path))
            for hidden in (".top", "footer", ".skip"):
                assert not await page.locator(hidden).is_visible(), hidden
            assert await page.locator("main").is_visible()
            ink = await page.evaluate("getComputedStyle(document.querySelector('main')).color.match(/\\d+/g)")
            assert max(int(part) for part in ink) < 96, f"{path} is printed light on white"


async def test_colours_of_ones_own_leave_signs_and_edges(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(viewport=DESKTOP, forced_colors="active") as watched:
        page = watched.page
        for path in ("/", "/traces/{o-3}"):
            await page.goto(await address_of(monitor, path))
            await open_details(page)
            bare = await page.evaluate(
                """() => [...document.querySelectorAll(".chip, span.badge, .tile")].filter(
                  (one) => parseFloat(getComputedStyle(one).borderTopWidth) < 1 || !one.textContent.trim()
                ).map((one) => one.outerHTML.slice(0, 120))"""
            )
            assert bare == []
            assert await barriers(page) == []


async def test_nothing_moves_for_those_it_makes_ill(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(viewport=PHONE, reduced_motion="reduce") as watched:
        page = watched.page
        for name in WALKED:
            await page.goto(await address_of(monitor, PLACES[name].path))
            moving = await page.evaluate(
                """() => [...document.querySelectorAll("*")].filter((one) => {
                  const look = getComputedStyle(one);
                  const lasts = (list) => list.split(", ").some((time) => parseFloat(time) > 0);
                  return look.scrollBehavior === "smooth" || lasts(look.transitionDuration)
                    || (look.animationName !== "none" && lasts(look.animationDuration));
                }).map((one) => one.outerHTML.slice(0, 120))"""
            )
            assert moving == [], name
