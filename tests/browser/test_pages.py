"""Every page in a real browser over a real database: with and without scripts, on a phone and on a desk, in
light and dark, and open to people who do not see it or do not use a mouse."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Page

from monitor.dashboard.pages import PAGES
from tests.browser.landscape import Monitor
from tests.browser.places import EMPTY_PLACES, PLACES, Place, address_of
from tests.browser.watching import (
    COLOURS,
    DESKTOP,
    PHONE,
    Watched,
    barriers,
    is_whole,
    open_details,
    overflow,
)

Opener = Callable[..., AbstractAsyncContextManager[Watched]]
SIZES = {"desktop": DESKTOP, "phone": PHONE}


def test_no_page_is_forgotten() -> None:
    assert {route for route, _ in PAGES} <= {place.route for place in PLACES.values()}


async def visit(monitor: Monitor, place: Place, open_page: Opener) -> list[str]:
    """All that can be seen in one load of a page: what is wrong with it, and what is in the way of people."""
    address = await address_of(monitor, place.path)
    refused = [] if place.status < 400 else [_refusal(place.status)]
    async with open_page(viewport=DESKTOP, color_scheme="light") as watched:
        page = watched.page
        response = await page.goto(address)
        assert response is not None
        assert response.status == place.status
        watched.complaints = [said for said in watched.complaints if said not in refused]
        await is_whole(watched, place.said, scripts=place.status < 400 and not place.still)
        wrong = await too_wide(page)
        await open_details(page)
        wrong += [f"all open: {line}" for line in await too_wide(page)]
        for name, size in SIZES.items():
            await page.set_viewport_size(size)
            await page.emulate_media(color_scheme="light")
            wrong += [f"{name}: {line}" for line in await barriers(page)]
            await page.emulate_media(color_scheme="dark")
            wrong += [f"{name}, dark: {line}" for line in await barriers(page, *COLOURS)]
        return wrong


async def too_wide(page: Page) -> list[str]:
    wrong = []
    for name, size in SIZES.items():
        await page.set_viewport_size(size)
        if (wide := await overflow(page)) > 0:
            wrong.append(f"{name}: scrolls sideways by {wide}")
    return wrong


def _refusal(status: int) -> str:
    """What the console of Chromium says of a page that is refused."""
    reason = {400: "Bad Request", 404: "Not Found", 409: "Conflict"}[status]
    return f"Failed to load resource: the server responded with a status of {status} ({reason})"


@pytest.mark.parametrize("name", PLACES)
async def test_every_page_is_whole_and_open_to_everybody(
    name: str, monitor: Monitor, open_page: Opener
) -> None:
    assert not (wrong := await visit(monitor, PLACES[name], open_page)), wrong


@pytest.mark.parametrize("name", EMPTY_PLACES)
async def test_so_is_every_page_with_nothing_on_it(
    name: str, empty_monitor: Monitor, open_page: Opener
) -> None:
    assert not (wrong := await visit(empty_monitor, EMPTY_PLACES[name], open_page)), wrong


async def test_every_page_is_whole_without_scripts(monitor: Monitor, open_page: Opener) -> None:
    async with open_page(viewport=DESKTOP, java_script_enabled=False) as watched:
        for name, place in PLACES.items():
            if place.status >= 400:
                continue
            response = await watched.page.goto(await address_of(monitor, place.path))
            assert response is not None, name
            assert response.status == 200, name
            await is_whole(watched, place.said, scripts=False)
            assert not (wrong := await too_wide(watched.page)), f"{name}: {wrong}"
