"""The shop's messages by the hundred thousand: a few hundred orders are told, the others are copies of these
with numbers, event ids and times of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from monitor.domain.event import Delivery, Position
from monitor.landscape.plan import Order, Pace, stream
from monitor.landscape.story import DEFAULT_FAULTS, Limits
from monitor.landscape.wire import Emission

TOLD = 500
"""Orders that are told; with a bit of each fault about two in three go as they should."""

STEP = timedelta(hours=2)
"""From one event of an order to its next, at the longest."""

LIMITS = Limits.of(STEP)
START = datetime(2026, 1, 1, tzinfo=UTC)
_AS_TOLD = Pace(every=timedelta(seconds=1), step=STEP)
RABBITMQ, KAFKA = "cloudEvents:", "ce_"
"""What names of attributes begin with in headers."""

_PREFIX = {"rabbit": RABBITMQ, "kafka": KAFKA}


class Message(NamedTuple):
    """A CloudEvent; in binary mode its attributes are in ``attributes``, else in the body."""

    order: str
    attributes: Mapping[str, str]
    content_type: str
    body: str

    def headers(self, prefix: str) -> dict[str, str]:
        return {prefix + name: value for name, value in self.attributes.items()}


@dataclass(frozen=True, slots=True)
class _Template:
    """A message of an order that was told, ``after`` its beginning."""

    after: timedelta
    emission: Emission
    attributes: Mapping[str, str]

    @classmethod
    def of(cls, emission: Emission, begun: datetime) -> _Template:
        prefix = _PREFIX[emission.channel]
        attributes = {name.removeprefix(prefix): value for name, value in emission.headers.items()}
        return cls(emission.at - begun, emission, attributes)

    def of_order(self, number: int, moved: timedelta) -> Message:
        told = self.emission
        order = f"O-{number:07d}"
        changes = (
            (told.order, order),
            (told.id, f"{told.id[:-9]}{number:09x}"),
            (_iso(told.time), _iso(told.time + moved)),
        )

        def changed(text: str) -> str:
            for old, new in changes:
                text = text.replace(old, new)
            return text

        attributes = {name: changed(value) for name, value in self.attributes.items()}
        return Message(order, attributes, told.content_type, changed(told.body.decode()))


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def messages(number: int, open_orders: int, first: int = 0, start: datetime = START) -> list[Message]:
    """So many messages in the order they are sent, of orders from number ``first`` on, about ``open_orders``
    of which go on at the same time. The last ones are cut off wherever they stand."""
    told = [_templates(order) for order in islice(stream(1, START, _AS_TOLD, DEFAULT_FAULTS, LIMITS), TOLD)]
    lasting = sum((several[-1].after for _, several in told), timedelta()) / TOLD
    of_each = sum(len(several) for _, several in told) / TOLD
    every = lasting / open_orders
    sent: list[tuple[timedelta, int, Message]] = []
    for at in range(int(number / of_each) + 2 * open_orders):
        begun, several = told[at % TOLD]
        begins = at * every
        moved = start + begins - begun
        sent += [(begins + one.after, at, one.of_order(first + at, moved)) for one in several]
    sent.sort(key=lambda one: one[:2])
    return [message for _, _, message in sent[:number]]


def _templates(order: Order) -> tuple[datetime, list[_Template]]:
    begun = min(one.at for one in order.emissions)
    return begun, sorted((_Template.of(one, begun) for one in order.emissions), key=lambda one: one.after)


def deliveries(
    sent: Iterable[Message], source: str, received: datetime, first: int = 0
) -> Iterator[Delivery]:
    """As a partition of Kafka hands them over."""
    for offset, one in enumerate(sent, first):
        headers = {**one.headers(KAFKA), "content-type": one.content_type}
        place = Position("shop", 0, offset)
        yield Delivery(
            source, one.body.encode(), place, received, headers, {}, one.order.encode(), one.content_type
        )
