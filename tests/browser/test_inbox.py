"""The whole story of the inbox, as an operator lives it: with and without scripts, on a phone and a desk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.landscape import CONFIG, Monitor, running
from tests.browser.watching import DESKTOP, PHONE, Watched

Opener = Callable[..., AbstractAsyncContextManager[Watched]]
ODD = "com.shop.PaymentCameIn"
RULE = f"- match: {{type: {ODD}}}\n  as: PaymentReceived\n  keys: {{order: data.order.number}}\n"


@pytest_asyncio.fixture(loop_scope="session")
async def lost(tmp_path: Path) -> AsyncIterator[Monitor]:
    """Orders whose payments nobody knows, one message of which nobody can tell the order, and rubbish."""
    async with running(tmp_path, CONFIG) as monitor:
        now = datetime.now(UTC)
        for number in range(3):
            await monitor.post(f"o-{number}", "OrderPlaced", now - timedelta(minutes=9))
            await post(monitor, number, {"order": {"number": f"o-{number}"}})
        await monitor.raw(b"\x00\xffno event\x00")
        await monitor.until("/inbox", lambda told: len(told["items"]) == 4)
        yield monitor


async def post(monitor: Monitor, number: int, data: dict[str, Any]) -> None:
    event = {"specversion": "1.0", "id": f"paid-{number}", "source": "/bank", "type": ODD, "data": data}
    await monitor.raw(json.dumps({**event, "time": datetime.now(UTC).isoformat()}).encode())


@pytest.mark.parametrize(
    ("scripts", "viewport"), [(True, DESKTOP), (False, PHONE)], ids=["scripts, desktop", "no scripts, phone"]
)
async def test_from_a_group_to_a_mended_configuration(
    lost: Monitor,
    open_page: Opener,
    viewport: Any,
    scripts: bool,
) -> None:
    async with open_page(viewport=viewport, java_script_enabled=scripts) as watched:
        page = watched.page
        await page.goto(f"{lost.address}/inbox")
        await page.get_by_role("link", name="No flow knows it").first.click()
        await expect(page.locator("h1")).to_have_text(f"No flow knows it: {ODD}")
        await expect(page.locator("main")).to_contain_text("PaymentReceived")
        await page.get_by_role("link", name="Try it first").click()

        # why, what comes nearest, and the rule that would place it
        await expect(page.locator("main")).to_contain_text("data.order.number")
        area = page.locator("textarea")
        assert "as: PaymentReceived" in await area.input_value()
        await area.fill("- match: {tpye: x}")
        await page.get_by_role("button", name="Try it").click()
        await expect(page.locator(".wrong")).to_contain_text("did you mean 'type'")
        assert await area.input_value() == "- match: {tpye: x}"
        watched.complaints = [said for said in watched.complaints if "400" not in said]
        await area.fill(RULE)
        await page.get_by_role("button", name="Try it").click()
        await expect(page.locator(".tried")).to_contain_text("3 would be placed")
        await expect(page.locator(".tried")).to_contain_text("joins o-1")
        assert len((await lost.get("/inbox"))["items"]) == 4  # trying writes nothing

        # the configuration is as it was: a replay says that it stays, and loses nothing
        await page.get_by_role("button", name="Replay it").click()
        await expect(page.locator("main")).to_contain_text("Stays in the inbox")
        assert len((await lost.get("/inbox"))["items"]) == 4

        # what cannot be read is looked at, and discarded, but not by one click
        await page.goto(f"{lost.address}/inbox/group?reason=undecodable&source=web")
        await page.locator("tbody a").first.click()
        await page.get_by_role("link", name="As bytes").click()
        await expect(page.locator("pre.hex")).to_contain_text("000000  00 ff 6e 6f")
        await page.get_by_role("link", name="Discard it").click()
        await page.get_by_role("link", name="Keep it").click()
        await page.get_by_role("link", name="Discard it").click()
        await page.get_by_role("button", name="Discard it").click()
        await expect(page.locator("main")).to_contain_text("Discarded")
        assert len((await lost.get("/inbox"))["items"]) == 3
        await page.get_by_role("link", name="Audit", exact=True).last.click()
        await expect(page.locator("tbody")).to_contain_text("Discarded")
        await expect(page.locator("tbody")).to_contain_text("Replayed")
        assert not watched.complaints


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_mended_configuration_replays_a_group_step_by_step(
    tmp_path: Path, open_page: Opener, scripts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, CONFIG) as monitor:
        for number in range(5):
            await monitor.post(f"o-{number}", "OrderPlaced", datetime.now(UTC) - timedelta(minutes=9))
            await post(monitor, number, {"order": {"number": f"o-{number}"}})
        await monitor.until("/inbox", lambda told: len(told["items"]) == 5)
    monkeypatch.setattr("monitor.mending.mender.BATCH", 2)
    monkeypatch.setattr("monitor.dashboard.pages.inbox.STEP_SECONDS", 0.0)
    mended = CONFIG.replace("events:\n", "events:\n" + "".join(f"  {line}\n" for line in RULE.splitlines()))
    async with (
        running(tmp_path, mended) as monitor,
        open_page(java_script_enabled=scripts) as watched,
    ):
        page = watched.page
        await page.goto(f"{monitor.address}/inbox/group?reason=unmapped&type={ODD}&source=web")
        await expect(page.locator("main")).to_contain_text("With the configuration in use it would be placed")
        await page.get_by_role("button", name="Replay all 5").click()
        if not scripts:
            await go_on(page, "2 of 5 messages so far; 3 remain.")
            await go_on(page, "4 of 5 messages so far; 1 remain.")
        await expect(page.locator("main")).to_contain_text("5 messages: that is all of them.")
        await expect(page.locator("main")).to_contain_text("Placed")
        assert (await monitor.get("/inbox"))["items"] == []
        for trace in (await monitor.get("/traces"))["items"]:
            assert trace["events"] == 2
        await page.goto(f"{monitor.address}/inbox")
        await expect(page.locator("main")).to_contain_text("The inbox is empty")
        assert not watched.complaints


async def go_on(page: Page, said: str) -> None:
    await expect(page.locator("main")).to_contain_text(said)
    await page.get_by_role("button", name="Go on").click()


async def test_what_is_typed_is_not_taken_away_by_what_comes_in(lost: Monitor, open_page: Opener) -> None:
    newest = (await lost.get("/inbox?reason=unmapped"))["items"][0]["id"]
    async with open_page() as watched:
        page = watched.page
        await page.goto(f"{lost.address}/inbox/{newest}")
        await page.locator("textarea").fill(RULE)
        await page.locator("h1").click()  # the field is no longer the one in use
        await lost.post("o-9", "OrderPlaced", datetime.now(UTC))
        await expect(page.locator("#live")).to_contain_text("There is new data")
        assert await page.locator("textarea").input_value() == RULE
        assert not watched.complaints


async def test_a_form_from_before_a_restart_changes_nothing_and_says_so(
    lost: Monitor, open_page: Opener
) -> None:
    newest = (await lost.get("/inbox"))["items"][0]["id"]
    async with open_page() as watched:
        page = watched.page
        await page.route("**/events/stream", lambda route: route.abort())  # an update would bring a new form
        await page.goto(f"{lost.address}/inbox/{newest}/discard")
        await page.eval_on_selector("input[name=token]", "field => { field.value = 'f'.repeat(64) }")
        await page.get_by_role("button", name="Discard it").click()
        await expect(page.locator("main")).to_contain_text("Nothing was changed")
    assert len((await lost.get("/inbox"))["items"]) == 4
