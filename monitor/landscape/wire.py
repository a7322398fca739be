"""From story to messages: CloudEvents in binary and structured mode, over AMQP and Kafka."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID

from monitor.landscape.story import SERVICES, Step, Story

EXCHANGE = "shop"
"""The topic exchange of orders and payments."""

TOPICS = ("warehouse", "shipping", "billing")
"""The Kafka topics, each of the service of that name."""

STRUCTURED = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Emission:
    """One message as a service sends it at ``at``. ``destination``: the exchange (``rabbit``) or topic
    (``kafka``); ``key``: the Kafka message key. ``id``, ``type`` and ``time`` are the event's own."""

    at: datetime
    service: str
    channel: Literal["rabbit", "kafka"]
    destination: str
    routing_key: str
    key: bytes | None
    headers: Mapping[str, str]
    content_type: str
    body: bytes
    order: str
    id: str
    type: str
    time: datetime

    def line(self) -> bytes:
        """The event as a line of a log: as a structured CloudEvent however it was sent; as it is where
        nobody can read it."""
        if self.content_type == STRUCTURED:
            return self.body
        attributes = {
            name.replace("cloudEvents:", "").replace("ce_", ""): text for name, text in self.headers.items()
        }
        return json.dumps({**attributes, "data": json.loads(self.body)}).encode()


def emissions(story: Story, random: Random) -> Iterator[Emission]:
    """The messages that tell a story, in no particular order."""
    for step in story.steps:
        message = _message(story, step, random)
        yield message
        for copy in range(1, step.copies):
            yield _later(message, copy * timedelta(milliseconds=random.randint(50, 900)))
    for step, reason in zip(story.noise, story.truth.inbox, strict=True):
        message = _message(story, step, random)
        yield _cut(message) if reason == "undecodable" else message


def _message(story: Story, step: Step, random: Random) -> Emission:
    order = story.truth.order
    service = SERVICES.get(step.label, "warehouse")
    data = _data(order, step, random)
    attributes = {
        "specversion": "1.0",
        "id": str(UUID(int=random.getrandbits(128), version=4)),
        "source": f"/shop/{service}",
        "type": f"com.shop.{step.label}",
        "time": step.time.isoformat().replace("+00:00", "Z"),
        "subject": str(data.get("orderId") or data["paymentId"]),
    }
    rabbit = service in ("orders", "payments")
    headers: dict[str, str] = {}
    if random.random() < 0.5:
        content_type = STRUCTURED
        body = json.dumps({**attributes, "datacontenttype": "application/json", "data": data})
    else:
        content_type = "application/json"
        prefix = "cloudEvents:" if rabbit else "ce_"
        headers = {prefix + name: value for name, value in attributes.items()}
        body = json.dumps(data)
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", step.label).lower().split()
    return Emission(
        at=step.time + step.delay + timedelta(milliseconds=random.randint(2, 60)),
        service=service,
        channel="rabbit" if rabbit else "kafka",
        destination=EXCHANGE if rabbit else service,
        routing_key=".".join((service, *words[1:])) if rabbit else "",
        key=None if rabbit else order.encode(),
        headers=headers,
        content_type=content_type,
        body=body.encode(),
        order=order,
        id=attributes["id"],
        type=attributes["type"],
        time=step.time,
    )


def _data(order: str, step: Step, random: Random) -> dict[str, object]:
    """What each service knows: payments speak of the payment alone once it has been requested."""
    payment = f"P-{order}-{step.attempt}"
    match step.label:
        case "OrderPlaced":
            return {
                "orderId": order,
                "items": random.randint(1, 9),
                "total": random.randint(900, 90_000) / 100,
            }
        case "PaymentRequested":
            return {"orderId": order, "paymentId": payment, "amount": random.randint(900, 90_000) / 100}
        case "PaymentReceived" | "PaymentFailed" | "PaymentRefunded":
            return {"paymentId": payment, "method": random.choice(("card", "transfer", "invoice"))}
        case "GoodsShipped":
            return {"orderId": order, "carrier": random.choice(("Hermes", "DHL", "UPS"))}
        case _:
            return {"orderId": order}


def _later(message: Emission, by: timedelta) -> Emission:
    return replace(message, at=message.at + by)


def _cut(message: Emission) -> Emission:
    return replace(message, content_type=STRUCTURED, headers={}, body=message.body[: len(message.body) // 2])
