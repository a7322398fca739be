"""A month of a shop whose orders go by two flows: the order, and the parcel it comes in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import orjson

from monitor.domain.event import Delivery, Position
from monitor.landscape.demo import KAFKA, RABBIT
from monitor.landscape.plan import Pace, stream
from monitor.landscape.story import Limits
from monitor.landscape.wire import Emission

DAYS = 30
STEP = timedelta(hours=3)
"""The longest from one event of an order to its next: about one trace in forty is under way."""

LIMITS = Limits.of(STEP)
PREFIX = "K000-"
"""What all keys contain, and nothing else: copies put another number there."""

FAULTS = {
    "swapped": 0.02,
    "missing": 0.02,
    "repeated": 0.02,
    "after_end": 0.01,
    "unexpected": 0.01,
    "redelivered": 0.02,
    "late": 0.03,
    "slow": 0.04,
    "tight": 0.03,
    "stuck": 0.006,
    "undecodable": 0.005,
    "unmapped": 0.005,
}
"""Of orders: eight in a hundred deviate."""

_PARCEL_STEP = timedelta(minutes=100)
_CARRIERS = ("Hermes", "DHL", "UPS", "GLS")


def orders(
    seed: int, begin: datetime, every: timedelta, prefix: str = PREFIX, step: timedelta = STEP
) -> Iterator[list[Delivery]]:
    """What brokers hand over of orders that begin ``every`` so often, one after the other without end, and of
    their parcels. ``received`` is when it comes. None begins within ``every`` after midnight (UTC), so that
    all of it may be moved back by less than that without leaving its day."""
    pace = Pace(every, step)
    offsets = iter(range(int(begin.timestamp()) * 1000, 1 << 62))
    for order in stream(seed, begin, pace, FAULTS, Limits.of(step), prefix):
        begun = min(message.time for message in order.emissions)
        random = Random(f"{seed}/{order.truth.order}")
        parcel = list(_parcel(order.truth.order, begun, step, random, offsets))
        if min(_of_day(begun), _of_day(parcel[0].received)) > every + timedelta(minutes=1):
            yield [*(sent(message, next(offsets)) for message in order.emissions), *parcel]


def _of_day(time: datetime) -> timedelta:
    return time - time.replace(hour=0, minute=0, second=0, microsecond=0)


def sent(message: Emission, number: int) -> Delivery:
    """A message as its broker hands it over."""
    if message.channel == "rabbit":
        position = Position(
            f"choreoscope.{RABBIT}",
            exchange=message.destination,
            routing_key=message.routing_key,
            receipt=str(number),
        )
        properties = {"message_id": message.id, "app_id": message.service}
        return Delivery(
            RABBIT,
            message.body,
            position,
            message.at,
            message.headers,
            properties,
            None,
            message.content_type,
            None,
            message.time,
        )
    return Delivery(
        KAFKA,
        message.body,
        Position(message.destination, number % 6, number),
        message.at,
        message.headers,
        {},
        message.key,
        message.content_type,
        None,
        message.time,
    )


def _parcel(
    order: str, begun: datetime, step: timedelta, random: Random, offsets: Iterator[int]
) -> Iterator[Delivery]:
    """Registered when the order is placed; what happens to it goes beside the order, not after it."""
    time = begun + timedelta(seconds=5)
    carrier = random.choice(_CARRIERS)
    key = f"Z-{order}"
    for number, label in enumerate(_way(random)):
        if number:
            time += random.uniform(0.2, 1) * step * (_PARCEL_STEP / STEP)
        said: dict[str, object] = {"parcelId": key, "carrier": carrier}
        if label == "ParcelRegistered":
            said |= {"orderId": order, "grams": random.randint(100, 20_000)}
        elif label.startswith("Hub"):
            said["hub"] = f"hub-{random.randint(1, 60)}"
        body = {
            "specversion": "1.0",
            "id": str(UUID(int=random.getrandbits(128), version=4)),
            "source": f"/carriers/{carrier.lower()}",
            "type": f"com.parcel.{label}",
            "time": time.isoformat(),
            "subject": key,
            "data": said,
        }
        offset = next(offsets)
        yield Delivery(
            KAFKA,
            orjson.dumps(body),
            Position("parcels", offset % 6, offset),
            time + timedelta(milliseconds=random.randint(2, 60)),
            {},
            {},
            key.encode(),
            "application/cloudevents+json",
            None,
            time,
        )


def _way(random: Random) -> list[str]:
    hubs = random.choice((4, 4, 5, 5, 6))
    way = ["ParcelRegistered", *("HubArrived", "HubDeparted") * hubs, "OutForDelivery"]
    while random.random() < 0.15 and len(way) < 22:
        way += ["DeliveryFailed", "OutForDelivery"]
    way += ["DeliveryFailed", "ParcelReturned"] if random.random() < 0.04 else ["ParcelDelivered"]
    fault = random.random()
    at = random.randrange(1, len(way) - 2)
    if fault < 0.03:
        del way[at]
    elif fault < 0.06:
        way.insert(at, way[at])
    elif fault < 0.08:
        way[at], way[at + 1] = way[at + 1], way[at]
    elif fault < 0.083:
        del way[at + 1 :]  # lost
    return way
