"""A real Chromium over the whole monitor: http source, pipeline, sweep, SQLite, dashboard."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from monitor.app import ROLES, assembled, run
from monitor.settings import load

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 30.0
EVENTS = "/api/v1/events"

CONFIG = """
database: sqlite:///browser.db
dashboard: {{port: 0}}
sources:
  - {{name: web, kind: http}}
events:
  - match: {{type: "com.shop.PaymentReceived*"}}
    as: PaymentReceived
    keys: {{order: data.orderId, payment: data.paymentId}}
    keep: [data.orderId, data.amount]
  - match: {{type: "com.shop.*"}}
    keys: {{order: data.orderId}}
    keep: [data.orderId, data.note]
models:
  - file: {model}
    key: order
    name: Order fulfilment
    slas:
      - name: Ship within an hour
        from: PaymentReceived
        to: GoodsShipped
        within: PT1H
        severity: critical
      - {{name: Paid within three days, from: start, to: PaymentReceived, within: P3D}}
"""


def browser_path() -> str:
    """Where Chromium is; a test without one is skipped, or fails where services are required."""
    for name in NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    reason = f"no Chromium found: none of {', '.join(NAMES)} is on the PATH"
    if os.environ.get("CHOREOSCOPE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    path = browser_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Monitor:
    """The running monitor, and a way to hand events to it as a producer would."""

    address: str
    http: httpx.AsyncClient

    async def post(self, order: str, name: str, when: datetime, **data: Any) -> None:
        event = {
            "specversion": "1.0",
            "id": f"{order}-{name}-{when.timestamp()}",
            "source": "/shop",
            "type": f"com.shop.{name}",
            "time": when.isoformat(),
            "data": {"orderId": order, **data},
        }
        await self.raw(json.dumps(event).encode())

    async def raw(self, body: bytes) -> None:
        """Post a body as a producer does: what cannot be taken just now is sent again."""
        headers = {"content-type": "application/cloudevents+json"}
        async with asyncio.timeout(PATIENCE):
            while (
                response := await self.http.post(EVENTS, content=body, headers=headers)
            ).status_code != 202:
                assert "retry-after" in response.headers, response.text
                await asyncio.sleep(0.1)

    async def get(self, path: str) -> Any:
        response = await self.http.get(f"/api/v1{path}")
        assert response.status_code == 200, response.text
        return response.json()

    async def trace(self, order: str) -> int:
        found = await self.get(f"/traces?q=order%3D{order}")
        identifier: int = found["items"][0]["id"]
        return identifier

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not holds(answer := await self.get(path)):  # noqa: ASYNC110 - it is asked over HTTP
                await asyncio.sleep(0.1)
        return answer


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[str]:
    """The monitor with all its roles in this loop; yields the dashboard's address."""
    config = folder / "choreoscope.yaml"
    config.write_text(CONFIG.format(model=ROOT / "models" / "order-fulfilment.bpmn"))
    stop = asyncio.Event()
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(address: str) -> None:
        listening.set_result(address)

    async with assembled(load(config, {})) as app:
        task = asyncio.create_task(run(app, ROLES, stop, ready))
        try:
            task.add_done_callback(lambda ended: listening.done() or listening.cancel(str(ended)))
            async with asyncio.timeout(PATIENCE):
                address = await listening
            yield address
        finally:
            stop.set()
            await task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def monitor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    async with (
        running(tmp_path_factory.mktemp("monitor")) as address,
        httpx.AsyncClient(base_url=address, timeout=PATIENCE) as http,
    ):
        shown = Monitor(address, http)
        await fill(shown)
        yield shown


async def fill(monitor: Monitor) -> None:
    """One order of each kind, and something for the inbox."""
    now = datetime.now(UTC).replace(microsecond=0)

    async def order(number: str, *steps: tuple[str, float], **data: Any) -> None:
        for name, minutes in steps:
            await monitor.post(number, name, now - timedelta(minutes=minutes), **data)

    await order(
        "o-1", ("OrderPlaced", 200), ("PaymentRequested", 199), ("PaymentReceived", 180), paymentId="p-1"
    )
    await order("o-2", ("OrderPlaced", 30), ("PaymentRequested", 29))
    await order(
        "o-3",
        ("OrderPlaced", 90),
        ("PaymentRequested", 89),
        ("GoodsShipped", 85),
        ("PaymentReceived", 80),
        note="<img src=x onerror=alert(1)>",
    )
    whole = (
        "PaymentRequested",
        "PaymentReceived",
        "ItemsPicked",
        "ParcelPacked",
        "GoodsShipped",
        "InvoiceSent",
    )
    await order(
        "o-4",
        ("OrderPlaced", 60),
        *((name, 59 - step) for step, name in enumerate(whole)),
        ("OrderCompleted", 50),
    )
    await monitor.post("o-5", "NewsletterSent", now)
    await monitor.raw(b"\x00\xff\x00not an event")
    await monitor.until("/overview", lambda told: told["totals"]["breached"] and told["totals"]["deviating"])


@dataclass
class Watched:
    """A page and what its console complained about."""

    page: Page
    complaints: list[str]


@asynccontextmanager
async def opened(browser: Browser, **options: Any) -> AsyncIterator[Watched]:
    """A page in a context of its own; every console error, script error and policy violation is kept."""
    context: BrowserContext = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    watched = Watched(page, [])
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


@pytest.fixture
def open_page(chromium: Browser) -> Callable[..., Any]:
    def page(**options: Any) -> Any:
        return opened(chromium, **options)

    return page


PHONE: Mapping[str, int] = {"width": 360, "height": 740}
DESKTOP: Mapping[str, int] = {"width": 1280, "height": 900}


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def viewport(request: pytest.FixtureRequest) -> Mapping[str, int]:
    size: Mapping[str, int] = request.param
    return size
