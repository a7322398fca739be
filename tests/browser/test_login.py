"""A monitor with a login, in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from monitor.dashboard.auth.passwords import Passwords
from monitor.domain.access import Role
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from tests.browser.landscape import EMPTY, Monitor, running
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
PASSWORD = "correct horse battery"
USERS = {"ann": Role.ADMIN, "olga": Role.OPERATOR, "vic": Role.VIEWER}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SqlStore]:
    folder = tmp_path_factory.mktemp("login")
    url = f"sqlite:///{folder}/empty.db"
    upgrade(url)
    opened = await open_store(url)
    hashed = await Passwords().hash(PASSWORD)
    for name, role in USERS.items():
        await opened.access.add_user(name, hashed, role, "local", datetime.now(UTC))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guarded(store: SqlStore, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    folder = tmp_path_factory.getbasetemp() / "login0"
    async with running(folder, EMPTY + "auth: {local: true}\n") as shown:
        yield shown


async def log_in(page: Page, monitor: Monitor, name: str, path: str = "/") -> None:
    await page.goto(monitor.address + path)
    await expect(page.locator("h1")).to_have_text("Log in")
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(monitor.address + path)


async def is_open_to_all(page: Page) -> list[str]:
    wrong = []
    await open_details(page)
    for size in (DESKTOP, PHONE):
        await page.set_viewport_size(size)
        if (wide := await overflow(page)) > 0:
            wrong.append(f"scrolls sideways by {wide}")
        await page.emulate_media(color_scheme="light")
        wrong += await barriers(page)
        await page.emulate_media(color_scheme="dark")
        wrong += await barriers(page, *COLOURS)
    return wrong


@pytest.mark.parametrize("scripts", [True, False])
async def test_somebody_logs_in_and_out(scripts: bool, guarded: Monitor, open_page: Opener) -> None:
    async with open_page(java_script_enabled=scripts) as watched:
        page = watched.page
        await page.goto(f"{guarded.address}/findings?state=confirmed")
        await page.fill("#name", "vic")
        await page.fill("#password", "not the password")
        await page.press("#password", "Enter")
        await expect(page.locator("#wrong")).to_contain_text("Name or password is wrong.")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_url("**/findings?state=confirmed")
        await expect(page.locator("footer")).to_contain_text("Logged in as vic, viewer")
        await page.get_by_role("button", name="Log out").click()
        await expect(page.locator("h1")).to_have_text("Log in")
        await page.goto(f"{guarded.address}/traces")
        await expect(page.locator("h1")).to_have_text("Log in")


async def test_the_login_is_open_to_everybody(guarded: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        await watched.page.goto(f"{guarded.address}/login")
        await is_whole(watched, "Password", scripts=False)
        assert not (wrong := await is_open_to_all(watched.page)), wrong


@pytest.mark.parametrize(
    ("path", "said"),
    [("/account", "Where you are logged in"), ("/admin/users", "olga"), ("/admin/tokens", "Make")],
)
async def test_so_are_account_users_and_tokens(
    path: str, said: str, guarded: Monitor, open_page: Opener
) -> None:
    async with open_page(viewport=DESKTOP) as watched:
        await log_in(watched.page, guarded, "ann", path)
        await is_whole(watched, said)
        assert not (wrong := await is_open_to_all(watched.page)), wrong


async def test_an_admin_lets_somebody_in_who_then_logs_in(guarded: Monitor, open_page: Opener) -> None:
    async with open_page() as watched:
        page = watched.page
        await log_in(page, guarded, "ann", "/admin/users")
        await page.fill("#name", "bob")
        await page.select_option("#role", "operator")
        await page.get_by_role("button", name="Add").click()
        password = await page.locator(".once pre").inner_text()
    async with open_page() as watched:
        page = watched.page
        await page.goto(guarded.address)
        await page.fill("#name", "Bob")
        await page.fill("#password", password)
        await page.press("#password", "Enter")
        await expect(page.locator("footer")).to_contain_text("Logged in as bob, operator")
        await page.goto(f"{guarded.address}/admin/users")
        await expect(page.locator("main")).to_contain_text("This needs the role admin; yours is operator.")


async def test_who_is_kept_out_elsewhere_is_led_to_the_login(
    guarded: Monitor, store: SqlStore, open_page: Opener
) -> None:
    async with open_page() as watched:
        page = watched.page
        await log_in(page, guarded, "olga", "/sources")
        await expect(page.locator("#live")).to_have_text("Live")
        await store.access.set_disabled("olga", True, "local", datetime.now(UTC))
        await store.access.set_disabled("olga", False, "local", datetime.now(UTC))
        await page.wait_for_timeout(3500)
        await page.evaluate("refresh()")
        await expect(page.locator("h1")).to_have_text("Log in")
        assert re.search(r"/login\?next=%2Fsources$", page.url)
