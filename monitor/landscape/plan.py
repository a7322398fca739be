"""Orders one after another: as an endless stream, or as a plan of so many with the whole truth."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from random import Random

from monitor.landscape.story import DEFAULT_FAULTS, FAULTS, Limits, Truth, tell
from monitor.landscape.wire import Emission, emissions


@dataclass(frozen=True, slots=True)
class Pace:
    """``every``: from one order to the next; ``step``: the longest from one event of an order to its next."""

    every: timedelta = timedelta(seconds=1)
    step: timedelta = timedelta(seconds=1.5)


@dataclass(frozen=True, slots=True)
class Order:
    """One order: the truth about it and the messages that tell it."""

    truth: Truth
    emissions: tuple[Emission, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """``emissions`` in the order they are sent. ``end``: when everything has been sent and every clock that
    will ever be due is due: states of the truth are final from then on."""

    seed: int
    limits: Limits
    emissions: tuple[Emission, ...]
    truths: tuple[Truth, ...]
    end: datetime


def stream(
    seed: int,
    start: datetime,
    pace: Pace,
    faults: Mapping[str, float] = DEFAULT_FAULTS,
    limits: Limits | None = None,
    prefix: str = "A-",
) -> Iterator[Order]:
    """Orders without end. The n-th order depends on the seed, the prefix and n alone (its times also on
    ``start`` and ``pace``). Raises ValueError for a fault nobody knows."""
    for name in faults:
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}; there is {', '.join(FAULTS)}")
    limits = limits or Limits.of(pace.step)
    for number in count():
        random = Random(f"{seed}/{prefix}/{number}")  # noqa: S311 - a story, not a secret
        begin = start + number * pace.every + pace.every * random.random() / 2
        begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
        story = tell(f"{prefix}{number + 1:05d}", begin, pace.step, limits, faults, random)
        yield Order(story.truth, tuple(emissions(story, random)))


def plan(
    seed: int,
    orders: int,
    start: datetime,
    pace: Pace | None = None,
    faults: Mapping[str, float] = DEFAULT_FAULTS,
    limits: Limits | None = None,
    prefix: str = "A-",
) -> Plan:
    """``orders`` orders from ``start`` on, all at once."""
    pace = pace or Pace()
    limits = limits or Limits.of(pace.step)
    told = list(islice(stream(seed, start, pace, faults, limits, prefix), orders))
    sent = sorted((message for order in told for message in order.emissions), key=lambda message: message.at)
    dues = [clock.due for order in told for clock in order.truth.clocks]
    end = max([message.at for message in sent] + dues, default=start) + timedelta(seconds=1)
    return Plan(seed, limits, tuple(sent), tuple(order.truth for order in told), end)


def in_order(orders: Iterator[Order]) -> Iterator[Emission]:
    """The messages of a stream in the order they are sent. Orders begin one after another, so what is due
    before one begins cannot be overtaken by those that follow it."""
    waiting: list[tuple[datetime, int, Emission]] = []
    numbers = count()
    for order in orders:
        begun = min(message.time for message in order.emissions)
        while waiting and waiting[0][0] < begun:
            yield heapq.heappop(waiting)[2]
        for message in order.emissions:
            heapq.heappush(waiting, (message.at, next(numbers), message))
    while waiting:
        yield heapq.heappop(waiting)[2]
