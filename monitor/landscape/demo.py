"""The demo: the landscape inside the process, two brokers played in memory, one SQLite file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol

from monitor.alerts.base import Notification
from monitor.domain.event import HeaderValue, Position
from monitor.landscape.plan import Pace
from monitor.landscape.publish import Send
from monitor.landscape.story import DEFAULT_FAULTS, DONE, PAY, SHIP, Limits
from monitor.landscape.wire import Emission
from monitor.settings import Settings

RABBIT, KAFKA = "shop-rabbit", "shop-kafka"
"""The names of the demo's two sources."""

PACE = Pace(every=timedelta(seconds=1), step=timedelta(seconds=3))

FAULTS: Mapping[str, float] = {**DEFAULT_FAULTS, "tight": 0.08, "slow": 0.08}
"""More parcels that leave late than usual, so that there is an SLA at risk to see most of the time."""

EVENTS = (
    {
        "match": {"type": "com.shop.PaymentRequested"},
        "keys": {"order": "data.orderId", "payment": "data.paymentId"},
    },
    {"match": {"type": "com.shop.Payment*"}, "keys": {"payment": "data.paymentId"}},
    {"match": {"type": "com.shop.*"}, "keys": {"order": "data.orderId"}},
)
"""Event rules of the landscape: what names the order, what the payment, and what both, which links them."""

KEEP = ("data.total", "data.amount", "data.method", "data.carrier")
"""What the demo keeps of events, so that traces are found by it."""


TEAM, ON_CALL = "shop-team", "on-call"
"""The names of those who are told in the demo."""

ALERTS: Mapping[str, object] = {
    "receivers": [
        {"name": TEAM, "slack": {"url": "https://demo.invalid/team"}},
        {"name": ON_CALL, "webhook": {"url": "https://demo.invalid/on-call"}},
    ],
    "route": {
        "receiver": TEAM,
        "group_wait": "3s",
        "group_interval": "10s",
        "repeat_interval": "5m",
        "routes": [{"matchers": ['severity="critical"'], "receiver": ON_CALL, "group_by": ["trace"]}],
    },
}
"""Nobody is really told: see :class:`Aside`."""


_NOWHERE = {"kind": "rabbitmq", "url": "amqp://demo.invalid/", "exchange": "shop-commands"}
COMMANDS: Mapping[str, object] = {
    "enabled": True,
    "dry_run": True,
    "items": [
        {
            "name": "release-order",
            "title": "Release the order",
            "description": "Asks the warehouse to look at a paid order again.",
            "flow": "order",
            "when": {"sla": SHIP},
            "target": {**_NOWHERE, "routing_key": "orders.release"},
            "type": "com.shop.ReleaseOrder",
            "subject": "{{ trace.key }}",
            "body": {"orderId": "{{ trace.key }}", "because": "{{ finding.message }}"},
            "expect": {"event": "GoodsShipped", "within": "PT1M"},
        },
        {
            "name": "remind",
            "title": "Remind of the payment",
            "description": "Asks the shop to write to the customer once more.",
            "flow": "order",
            "when": {"finding": "sla_breach", "sla": PAY},
            "mode": "automatic",
            "target": {**_NOWHERE, "routing_key": "payments.remind"},
            "type": "com.shop.RemindOfPayment",
            "subject": "{{ trace.key }}",
            "body": {"orderId": "{{ trace.key }}"},
            "expect": {"event": "PaymentReceived", "within": "PT1M"},
        },
    ],
}
"""What could be put right, as dry runs: nothing is sent anywhere."""


class Aside:
    """A way to a receiver that keeps what it is given to itself."""

    timeout = timedelta(seconds=1)

    async def send(self, notification: Notification, now: datetime) -> str:  # noqa: ARG002
        return "Only shown here: the demo tells nobody."

    async def close(self) -> None:
        return None


class Memory(Protocol):
    """What the demo needs of :class:`monitor.sources.memory.Memory`."""

    async def put(
        self,
        body: bytes,
        *,
        headers: Mapping[str, HeaderValue],
        properties: Mapping[str, str] | None,
        key: bytes | None,
        content_type: str | None,
        timestamp: datetime | None,
        position: Position | None,
    ) -> None: ...


def slas(limits: Limits) -> list[dict[str, object]]:
    """The landscape's SLAs as a configuration has them."""
    at_risk = f"{limits.at_risk:.0%}"
    return [
        {"name": PAY, "on": "PaymentReceived", "within": limits.pay, "at_risk": at_risk},
        {
            "name": SHIP,
            "from": "PaymentReceived",
            "to": "GoodsShipped",
            "within": limits.ship,
            "at_risk": at_risk,
            "severity": "critical",
        },
        {
            "name": DONE,
            "from": "start",
            "to": "end",
            "within": limits.done,
            "at_risk": at_risk,
            "objective": {"target": "90%", "window": "P1D"},
        },
    ]


def settings(data: Path, model: Path, port: int, limits: Limits) -> Settings:
    """The demo's configuration: everything in ``data``, SLAs of seconds."""
    return Settings.model_validate(
        {
            "database": f"sqlite:///{data.absolute() / 'choreoscope.db'}",
            "sources": [{"name": RABBIT, "kind": "memory"}, {"name": KAFKA, "kind": "memory"}],
            "events": [{**rule, "keep": KEEP} for rule in EVENTS],
            "models": [
                {
                    "file": model,
                    "key": "order",
                    "name": "Order fulfilment",
                    "timers": False,
                    "slas": slas(limits),
                }
            ],
            "ordering": {"lateness": 3 * PACE.step},  # longer than any message of the landscape is late
            "dashboard": {
                "port": port,
                "views": [{"name": "Shipped by DHL", "query": "q=carrier%3DDHL"}],
            },
            "alerts": ALERTS,
            "commands": COMMANDS,
        }
    )


def into(rabbit: Memory, kafka: Memory, start: datetime) -> Send:
    """A publisher that plays both brokers. Offsets begin at ``start`` in milliseconds, so that they never
    come again when the demo is run on the same data another day."""
    offsets = count(int(start.timestamp() * 1000))

    async def send(message: Emission) -> None:
        if message.channel == "rabbit":
            await rabbit.put(
                message.body,
                headers=dict(message.headers),
                properties={"message_id": message.id, "app_id": message.service},
                key=None,
                content_type=message.content_type,
                timestamp=message.time,
                position=Position(
                    f"choreoscope.{RABBIT}",
                    exchange=message.destination,
                    routing_key=message.routing_key,
                    receipt=f"{start.timestamp():.3f}-{next(offsets)}",
                ),
            )
        else:
            await kafka.put(
                message.body,
                headers=dict(message.headers),
                properties=None,
                key=message.key,
                content_type=message.content_type,
                timestamp=message.time,
                position=Position(message.destination, 0, next(offsets)),
            )

    return send
