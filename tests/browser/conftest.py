"""A real Chromium over the whole monitor. One browser and one filled monitor serve the whole run."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from pytest_asyncio import is_async_test

from tests.browser.landscape import EMPTY, PATIENCE, Monitor, fill, running
from tests.browser.watching import Watched, opened
from tests.support.lacking import lacking

HERE = Path(__file__).parent
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
expect.set_options(timeout=PATIENCE * 1000)  # an open page follows what happens within five seconds
NAMES = (
    "chromium-headless-shell",  # the same engine without the rest of a browser: half of its processor time
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser and monitor live in the run's own loop, so every test of this directory does, too."""
    for item in items:
        if HERE in item.path.parents and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def browser_path() -> str:
    """Where Chromium is; a test without one is skipped, or fails where services are required."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or lacking(f"no Chromium found: none of {', '.join(NAMES)} is on the PATH")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = browser_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def monitor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    """Filled with one order of each kind; tests may add to it, and take nothing from it."""
    async with running(tmp_path_factory.mktemp("monitor")) as shown:
        await fill(shown)
        yield shown


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_monitor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    """A monitor without sources, models and events."""
    async with running(tmp_path_factory.mktemp("empty"), EMPTY) as shown:
        yield shown


@pytest.fixture
def open_page(chromium: Browser) -> Callable[..., AbstractAsyncContextManager[Watched]]:
    def page(**options: Any) -> AbstractAsyncContextManager[Watched]:
        return opened(chromium, **options)

    return page
