"""Rows of traces, of their events and of what is found of them; what lists of them are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from monitor.domain.event import Key
from monitor.domain.verdict import Clock, FindingKind, FindingState

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """``partial``: looking for more rows was broken off, so that the page comes soon; it goes on at ``next``.
    Such a page may hold fewer rows than were asked for, or none."""

    rows: Sequence[Row]
    next: str | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of the trace list. ``confirmed`` of its ``deviations`` are confirmed: as long as none is, the
    trace is not deviating but being checked. ``sla`` is the worst clock state of the trace as stored, or
    None."""

    id: int
    flow: str
    version: int
    key: str
    first: datetime | None
    last: datetime | None
    events: int
    conforms: bool
    complete: bool
    undecided: bool
    cost: int
    deviations: int
    confirmed: int
    sla: str | None
    standing: tuple[str, ...]
    expected: tuple[str, ...]
    flow_id: int = 0

    @property
    def duration(self) -> timedelta | None:
        """From the first event to the last one so far; None without events."""
        return None if self.first is None or self.last is None else self.last - self.first


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Traces that meet all of these; None asks nothing.

    ``search``: terms with blanks between them, as :mod:`monitor.storage.terms` reads them. A bare value is
    a key's value or its beginning (in quotes: exactly), a kept attribute's value, or an event id;
    ``name=value`` is a named key or attribute. ``version`` is one of ``flow``. ``state``: ``open`` or
    ``complete``. ``verdict``: ``conforming``, ``deviating`` (a confirmed deviation holds) or ``checking``
    (only provisional ones do). ``finding``: one of that kind holds. ``element``: open traces that wait there.
    ``sla``: the worst clock is in this state. ``shortest`` and ``longest`` (both inclusive): from the first
    event to the last one so far. ``variant``: complete traces of this variant, as far as statistics know.

    ``sort``: ``last`` (newest activity first), ``first``, ``events``, ``duration`` (complete traces only, all
    of it as far as statistics know them); all descending unless ``ascending``. ``since`` (inclusive) and
    ``until`` (exclusive) limit the first event's time when sorted by ``first``, otherwise the last one's.

    A state, verdict or sort that is not one of these is :class:`~monitor.errors.InvalidInput`, and so are a
    search that cannot be read, a version without a flow, and a cursor of another list."""

    search: str | None = None
    flow: str | None = None
    version: int | None = None
    state: str | None = None
    verdict: str | None = None
    finding: FindingKind | None = None
    element: str | None = None
    sla: str | None = None
    shortest: timedelta | None = None
    longest: timedelta | None = None
    variant: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: str = "last"
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Findings that meet all of these; None asks nothing. ``search``: those of traces a search finds (see
    :class:`TraceFilter`). ``acknowledged``: whether somebody takes care of it."""

    search: str | None = None
    flow: str | None = None
    kind: FindingKind | None = None
    state: FindingState | None = None
    element: str | None = None
    severity: str | None = None
    acknowledged: bool | None = None


EVERY_FINDING = FindingFilter()


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a trace's timeline, in trace order."""

    id: int
    identity: bytes
    event_id: str | None
    type: str
    label: str
    time: datetime
    time_origin: str
    received: datetime
    producer: str | None
    subject: str | None
    source: str
    channel: str
    partition: int | None
    offset: int | None
    exchange: str | None
    routing_key: str | None
    message_key: str | None
    headers: str
    attributes: Mapping[str, str]
    data: str | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of a trace. ``key`` is :meth:`Finding.key` in hexadecimal: with the trace it names the
    finding for good. ``found``: when it (last) began to hold. ``historic``: it is about a time
    before the flow was watched. ``acknowledged``: since when somebody takes care of it, who, and what they
    noted; that ends when it no longer holds."""

    trace: int
    trace_key: str
    flow: str
    key: str
    kind: FindingKind
    state: FindingState
    severity: str
    element: str | None
    name: str
    message: str
    expected: tuple[str, ...]
    event: str | None
    identity: bytes | None
    time: datetime
    found: datetime
    confirmed: datetime | None
    retracted: datetime | None
    reason: str | None
    historic: bool = False
    acknowledged: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_note: str | None = None


@dataclass(frozen=True, slots=True)
class TraceDetail:
    """Everything on a trace's page. ``merged_into`` set means: the trace lives on under that id. ``events``:
    the first of them, ``truncated`` where there are more. ``siblings``: the other traces of its chain.
    ``related``: traces, of this flow or others, that share a key's value with it, the newest of them."""

    row: TraceRow
    merged_into: int | None
    keys: tuple[Key, ...]
    events: tuple[EventRow, ...]
    truncated: bool
    findings: tuple[FindingRow, ...]
    clocks: tuple[Clock, ...]
    visited: tuple[str, ...]
    flow_id: int
    siblings: tuple[TraceRow, ...]
    related: tuple[TraceRow, ...] = ()
