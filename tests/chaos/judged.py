"""What is known, or held, of a landscape: the same plain values from both sides, to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.support.shop import Said


class EventId(NamedTuple):
    producer: str
    id: str


class Message(NamedTuple):
    """One that cannot be placed."""

    reason: str
    body: bytes


class About(NamedTuple):
    """What an alert about a trace tells of: the alert's name, the order, and the SLA or label."""

    alert: str
    order: str
    name: str


@dataclass(frozen=True)
class Order:
    """An order in the words of the simulation, which knows what it did. ``deviations``: (kind, label);
    ``slas``: (name, state)."""

    complete: bool
    events: int
    deviations: tuple[tuple[str, str], ...]
    slas: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Checked:
    """A trace in the words of ``choreoscope check``. ``findings``: (kind, label, element, event, message);
    ``slas``: (name, state, started, due, ended)."""

    conforms: bool
    complete: bool
    cost: int
    findings: tuple[tuple[str | None, ...], ...]
    slas: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Truth:
    """``orders``: by the simulation; ``checked``: by ``choreoscope check`` on the log of what was confirmed;
    ``said``: by a replay from scratch in memory. ``must``: alerts that have to be told; ``most``: how many
    there can be, those included that were true for a while only. ``excused``: orders of which the brokers got
    a message later than findings wait for; of these only the end is known, not what was told meanwhile."""

    events: frozenset[EventId]
    inbox: frozenset[Message]
    orders: Mapping[str, Order]
    checked: Mapping[str, Checked]
    said: tuple[Said, ...]
    must: frozenset[About]
    most: Mapping[About, int]
    excused: frozenset[str] = frozenset()


class Told(NamedTuple):
    """One delivery of one alert. ``delivery``: the message's id."""

    receiver: str
    delivery: str
    alert: str
    status: str


@dataclass(frozen=True)
class AlertRow:
    """An alert as it is stored. ``about``: None where it is about no trace. ``tells_end``: false for a risk
    that became a breach, whose alert says so."""

    id: str
    name: str
    about: About | None
    status: str
    severity: str
    lasting: bool
    tells_end: bool = True


@dataclass(frozen=True)
class Held:
    """What the store and the receivers hold. Lists, not sets: what is there twice shows. ``provisional``:
    findings that still wait; ``bodies``: by receiver and message, the different things said under that id;
    ``undelivered``: messages that never arrived; ``ended``: processes that ended by themselves;
    ``complaints``: what their logs call a defect."""

    events: tuple[EventId, ...]
    inbox: tuple[Message, ...]
    places: tuple[tuple[object, ...], ...]
    orders: Mapping[str, Order]
    checked: Mapping[str, Checked]
    said: tuple[Said, ...]
    provisional: int = 0
    alerts: tuple[AlertRow, ...] = ()
    told: tuple[Told, ...] = ()
    bodies: Mapping[tuple[str, str], int] = field(default_factory=dict)
    undelivered: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
