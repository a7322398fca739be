"""Every page in a real browser over a real database: with and without scripts, on a phone and on a desk, in
light and dark, and open to people who do not see it or do not use a mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from monitor.dashboard.pages import PAGES
from tests.browser.landscape import Monitor
from tests.browser.places import EMPTY_PLACES, PLACES, Place, address_of
from tests.browser.watching import COLOURS, Watched, barriers, is_whole, open_details, overflow

Opener = Callable[..., AbstractAsyncContextManager[Watched]]


def test_no_page_is_forgotten() -> None:
    assert {route for route, _ in PAGES} <= {place.route for place in PLACES.values()}


async def visit(monitor: Monitor, place: Place, open_page: Opener, viewport: Mapping[str, int]) -> list[str]:
    """All that can be seen in one load of a page; what is in the way of people."""
    address = await address_of(monitor, place.path)
    refused = [] if place.status < 400 else [_refusal(place.status)]
    async with open_page(viewport=viewport, color_scheme="light") as watched:
        page = watched.page
        response = await page.goto(address)
        assert response is not None
        assert response.status == place.status
        watched.complaints = [said for said in watched.complaints if said not in refused]
        await is_whole(watched, place.said, scripts=place.status < 400)
        await open_details(page)
        assert await overflow(page) <= 0, "the page scrolls sideways with everything open"
        found = await barriers(page)
        await page.emulate_media(color_scheme="dark")
        return found + [f"dark: {line}" for line in await barriers(page, *COLOURS)]


def _refusal(status: int) -> str:
    """What the console of Chromium says of a page that is refused."""
    reason = {400: "Bad Request", 404: "Not Found"}[status]
    return f"Failed to load resource: the server responded with a status of {status} ({reason})"


@pytest.mark.parametrize("name", PLACES)
async def test_every_page_is_whole_and_open_to_everybody(
    name: str, viewport: Mapping[str, int], monitor: Monitor, open_page: Opener
) -> None:
    assert await visit(monitor, PLACES[name], open_page, viewport) == []


@pytest.mark.parametrize("name", EMPTY_PLACES)
async def test_so_is_every_page_with_nothing_on_it(
    name: str, viewport: Mapping[str, int], empty_monitor: Monitor, open_page: Opener
) -> None:
    assert await visit(empty_monitor, EMPTY_PLACES[name], open_page, viewport) == []


async def test_every_page_is_whole_without_scripts(
    viewport: Mapping[str, int], monitor: Monitor, open_page: Opener
) -> None:
    async with open_page(viewport=viewport, java_script_enabled=False) as watched:
        for name, place in PLACES.items():
            if place.status >= 400:
                continue
            response = await watched.page.goto(await address_of(monitor, place.path))
            assert response is not None, name
            assert response.status == 200, name
            await is_whole(watched, place.said, scripts=False)
