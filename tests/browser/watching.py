"""Looking at a page: what its console complains of, whether it is whole, whether everybody can use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.landscape import PATIENCE

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}

GRAVE = ("serious", "critical")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose outcome depends on light and dark."""


@dataclass
class Watched:
    """A page and what its console complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@asynccontextmanager
async def opened(browser: Browser, **options: Any) -> AsyncIterator[Watched]:
    """A page in a context of its own; every console error, script error and policy violation is kept."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    watched = Watched(page)
    page.on("console", lambda said: _note(watched, said.type, said.text))
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("dialog", lambda dialog: watched.complaints.append(f"dialog {dialog.message}"))
    try:
        yield watched
    finally:
        await context.close()


def _note(watched: Watched, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        watched.complaints.append(text)


async def is_whole(watched: Watched, said: str, *, scripts: bool = True) -> None:
    """The page says what it should, updates itself and complains of nothing."""
    page = watched.page
    await expect(page.locator("main")).to_contain_text(said)
    await expect(page.locator("h1")).to_have_count(1)
    if scripts:
        await expect(page.locator("#live")).to_have_text("Live")
    assert watched.complaints == []


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = await page.evaluate(
        "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


async def open_details(page: Page) -> None:
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")


async def barriers(page: Page, *rules: str) -> list[str]:
    """What axe-core finds grave, one line for each kind and place. ``rules``: only these."""
    if not await page.evaluate("'axe' in window"):  # half a megabyte: once for each document
        await page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {
        "resultTypes": ["violations"],
        "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2: axe leaves it out unless asked
    }
    if rules:
        options["runOnly"] = list(rules)
    found: list[str] = await page.evaluate(
        """async ([options, grave]) => (await axe.run(document, options)).violations
             .filter((one) => grave.includes(one.impact))
             .flatMap((one) => one.nodes.map((node) =>
               `${one.id}: ${one.help}: ${node.html.slice(0, 200)}: ${node.failureSummary}`))""",
        [options, GRAVE],
    )
    return found
