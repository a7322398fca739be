"""The whole monitor to look at: http source, pipeline, sweep, SQLite, dashboard, all in one loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from monitor.app import ROLES, assembled, run
from monitor.configuration import Configuration
from monitor.landscape.demo import Aside
from monitor.settings import load
from monitor.sources.base import Source

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
EVENTS = "/api/v1/events"

SHOP = f"""
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
  - file: {ROOT / "models" / "order-fulfilment.bpmn"}
    key: order
    name: Order fulfilment
    slas:
      - name: Ship within an hour
        from: PaymentReceived
        to: GoodsShipped
        within: PT1H
        severity: critical
      - name: Paid within three days
        from: start
        to: PaymentReceived
        within: P3D
        objective: {{target: 99%, window: P30D}}
alerts:
  receivers:
    - {{name: ops, webhook: {{url: "https://ops.invalid/"}}}}
  route: {{receiver: ops, group_wait: 0s}}
"""

COMMANDS = """
commands:
  enabled: true
  items:
    - name: release
      title: Release the order
      description: Asks the warehouse to look at a paid order again.
      flow: order
      when: {sla: Ship within an hour}
      target: {kind: rabbitmq, url: "amqp://me:sesame@rabbit/shop", exchange: shop, routing_key: release}
      type: com.shop.ReleaseOrder
      subject: "{{ keys.order }}"
      body: {orderId: "{{ keys.order }}", why: "{{ finding.message }}"}
      expect: {event: GoodsShipped, within: PT10M}
      limits: {per_trace: 2}
    - name: remind
      title: Remind of the payment
      flow: order
      when: {standing: PaymentReceived}
      mode: approve
      target: {kind: kafka, bootstrap_servers: "kafka:9092", topic: payments, key: "{{ keys.order }}"}
      type: com.shop.RemindOfPayment
"""
"""A dry run, and one that nobody can ask for without logins."""

CONFIG = SHOP + COMMANDS

EMPTY = """
database: sqlite:///empty.db
dashboard: {port: 0}
sources: []
models: []
"""
"""A monitor nobody has configured yet."""


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

    async def raw(self, body: bytes, content_type: str = "application/cloudevents+json") -> None:
        """Post a body as a producer does: what cannot be taken just now is sent again."""
        headers = {"content-type": content_type}
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
async def running(
    folder: Path,
    configuration: str = CONFIG,
    *,
    sources: Mapping[str, Source] | None = None,
    used: Configuration | None = None,
) -> AsyncIterator[Monitor]:
    """The monitor with all its roles in this loop. ``sources`` stand in for the configured ones of their
    names, ``used`` tells how the configuration fares."""
    config = folder / "choreoscope.yaml"
    config.write_text(configuration)
    stop = asyncio.Event()
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(address: str) -> None:
        listening.set_result(address)

    channels = {"ops": Aside()}
    async with assembled(load(config, {}), sources=sources, channels=channels, configuration=used) as app:
        task = asyncio.create_task(run(app, ROLES, stop, ready))
        try:
            task.add_done_callback(lambda ended: listening.done() or listening.cancel(str(ended)))
            async with asyncio.timeout(PATIENCE):
                address = await listening
            # a kept connection must be given up before the server closes it
            limits = httpx.Limits(keepalive_expiry=1.0)
            async with httpx.AsyncClient(base_url=address, timeout=PATIENCE, limits=limits) as http:
                yield Monitor(address, http)
        finally:
            stop.set()
            await task


WHOLE = (
    "OrderPlaced",
    "PaymentRequested",
    "PaymentReceived",
    "ItemsPicked",
    "ParcelPacked",
    "GoodsShipped",
    "InvoiceSent",
    "OrderCompleted",
)
"""An order as the flow expects it."""


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
    await order("o-4", *((name, 60 - step) for step, name in enumerate(WHOLE)))
    await monitor.post("o-5", "NewsletterSent", now)
    await monitor.raw(b"\x00\xff\x00not an event")
    await monitor.until("/overview", lambda told: told["totals"]["breached"] and told["totals"]["deviating"])
    release = f"/traces/{await monitor.trace('o-1')}/commands/release"
    await monitor.until(f"{release.rpartition('/')[0]}", lambda told: told["offers"])
    asked = await monitor.http.post(f"/api/v1{release}", json={"note": "the customer called"})
    assert asked.status_code == 200, asked.text
