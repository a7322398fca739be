"""A shop that never ends, made up cheaply: whole traces of orders and parcels, told again and again with
other keys, ids and times. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import orjson

from benchmarks.dataset.story import orders
from monitor.domain.event import Delivery
from monitor.landscape.demo import RABBIT
from monitor.landscape.story import Limits

STEP = timedelta(seconds=20)
"""The longest from one event of an order to its next: it takes two minutes, and a late one some more."""

LIMITS = Limits.of(STEP)
PATTERNS = 600
"""So many orders are made up, with their parcels; all others are told like one of these."""

TOPICS = ("warehouse", "shipping", "billing", "parcels")

_BEGIN = datetime(2026, 1, 5, 12, tzinfo=UTC)
_ORDER = re.compile(rb"T-\d{5,}")


@dataclass(frozen=True, slots=True)
class Message:
    """As it is handed to a broker: ``place`` is the exchange or the topic. ``id``: the event's, empty where
    it has none that can be read."""

    rabbit: bool
    place: str
    routing_key: str
    key: bytes | None
    headers: tuple[tuple[str, str], ...]
    content_type: str | None
    body: bytes
    id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class _Part:
    """A message of a pattern. ``sent`` and ``happened``: seconds after the order began."""

    sent: float
    happened: float
    number: int
    like: Message


Pattern = tuple[bytes, tuple[_Part, ...]]
"""The order's key, and its messages in the order they are sent."""


def patterns(seed: int, count: int = PATTERNS) -> list[Pattern]:
    """Some deviate, some are stuck, some are late: see :data:`benchmarks.dataset.story.FAULTS`."""
    told = orders(seed, _BEGIN, timedelta(seconds=1), "T-", STEP)
    return [_pattern(one) for one in islice(told, count)]


def size(told: Sequence[Pattern]) -> float:
    """Messages of an order, on average."""
    return sum(len(parts) for _, parts in told) / len(told)


def endless(
    told: Sequence[Pattern], begin: float, rate: float, prefix: str
) -> Iterator[tuple[float, Message]]:
    """Messages in the order they are sent, each with when (seconds since 1970): ``rate`` a second once as
    many orders are under way as there will be. ``prefix``: of all keys."""
    every = size(told) / rate
    waiting: list[tuple[float, int, int]] = []
    number = 0
    while True:
        begun = begin + number * every
        while waiting and waiting[0][0] <= begun:
            due, of, index = heapq.heappop(waiting)
            order, parts = told[of % len(told)]
            start = begin + of * every
            if index + 1 < len(parts):
                heapq.heappush(waiting, (start + parts[index + 1].sent, of, index + 1))
            yield due, _stamped(order, parts[index], of, start, prefix)
        heapq.heappush(waiting, (begun + told[number % len(told)][1][0].sent, number, 0))
        number += 1


def _stamped(order: bytes, part: _Part, of: int, start: float, prefix: str) -> Message:
    like = part.like
    time = datetime.fromtimestamp(start + part.happened, UTC)
    new = f"{prefix}{of:07d}"
    changes = [
        (order.decode(), new),
        (_spoken(like.time), _spoken(time)),
        (like.time.isoformat(), time.isoformat()),
    ]
    id_ = f"{prefix}{of:x}-{part.number:x}" if like.id else ""
    if like.id:
        changes.append((like.id, id_))
    body = like.body
    for old, now in changes:
        body = body.replace(old.encode(), now.encode())
    headers = tuple((name, _changed(text, changes)) for name, text in like.headers)
    key = None if like.key is None else like.key.replace(order, new.encode())
    return Message(
        like.rabbit, like.place, like.routing_key, key, headers, like.content_type, body, id_, time
    )


def _changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    for old, now in changes:
        text = text.replace(old, now)
    return text


def _spoken(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _pattern(deliveries: Sequence[Delivery]) -> Pattern:
    begun = min(one.timestamp for one in deliveries if one.timestamp is not None)
    found = next(
        match
        for one in deliveries
        if (match := _ORDER.search(one.body) or _ORDER.search(repr(one.headers).encode()))
    )
    numbers: dict[str, int] = {}
    parts: list[_Part] = []
    for one in sorted(deliveries, key=lambda one: one.received):
        id_ = _id(one)
        number = numbers.setdefault(id_ or f"none {len(numbers)}", len(numbers))
        happened = one.timestamp or one.received
        like = Message(
            one.source == RABBIT,
            one.position.exchange or one.position.channel,
            one.position.routing_key or "",
            one.key,
            tuple((name, str(text)) for name, text in one.headers.items()),
            one.content_type,
            one.body,
            id_,
            happened,
        )
        parts.append(
            _Part((one.received - begun).total_seconds(), (happened - begun).total_seconds(), number, like)
        )
    return found.group(), tuple(parts)


def _id(delivery: Delivery) -> str:
    for name, text in delivery.headers.items():
        if name in ("ce_id", "cloudEvents:id"):
            return str(text)
    try:
        return str(orjson.loads(delivery.body)["id"])
    except (orjson.JSONDecodeError, KeyError):
        return ""
