"""What the dashboard, the API and the command line read: frozen rows and the questions that yield them.

Every list is keyset-paginated: ``cursor`` is opaque text from the page before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason, Key
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count
from monitor.domain.verdict import Clock, FindingKind, FindingState
from monitor.statistics import Histogram

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


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow's active version with the counts of its traces, all versions together (as :class:`Totals`)."""

    id: int
    key: str
    version: int
    name: str
    file: str
    deployed: datetime
    traces: int
    open: int
    deviating: int
    at_risk: int
    breached: int


@dataclass(frozen=True, slots=True)
class InboxGroup:
    reason: InboxReason
    type: str | None
    source: str
    count: int
    last: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One message of the inbox. ``body`` is raw, show it safely; lists leave it empty (``size`` is its
    length)."""

    id: int
    reason: InboxReason
    type: str | None
    detail: str
    mend: str
    source: str
    channel: str
    partition: int | None
    offset: int | None
    exchange: str | None
    routing_key: str | None
    message_key: bytes | None
    received: datetime
    content_type: str | None
    headers: str
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ShardRow:
    shard: str
    worker: str
    state: str
    watermark: datetime | None
    lag: int | None
    position: str
    last_message: datetime | None
    error: str | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with its shards. ``watermark`` as :meth:`Store.watermarks` gives it; ``events`` stored from it
    and ``recent`` of them received in the last minute."""

    name: str
    kind: str
    watermark: datetime | None
    lag: int | None
    last_message: datetime | None
    events: int
    recent: int
    shards: tuple[ShardRow, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything. ``deviating``: traces with a confirmed deviation. ``at_risk`` and
    ``breached``: traces whose worst clock is in that state now; one that ended late (``missed``) is over and
    not counted."""

    traces: int
    open: int
    deviating: int
    at_risk: int
    breached: int
    events: int
    inbox: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a flow that has traces or is active; ``traces`` counted so far."""

    id: int
    flow: str
    version: int
    name: str
    file: str
    deployed: datetime
    active: bool
    traces: int


@dataclass(frozen=True, slots=True)
class ElementStatistics:
    """An element over many traces: how many ``reached`` it and how often it was ``passed``; how long it was
    waited for and worked on (see :class:`~monitor.statistics.Measure`), how many open traces stand there
    now, and confirmed deviations by kind."""

    reached: int = 0
    passed: int = 0
    standing: int = 0
    waited: Histogram = field(default_factory=dict)
    worked: Histogram = field(default_factory=dict)
    deviations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FlowStatistics:
    """Traces of some versions of a flow that began in some days. ``elements`` by id, only those of which
    something was counted; ``""`` holds deviations at no element. ``slas``: for each SLA its clocks by the
    share of their time they took (:func:`~monitor.statistics.share_of`)."""

    traces: int
    complete: int
    deviating: int
    duration: Histogram
    elements: Mapping[str, ElementStatistics]
    slas: Mapping[str, Histogram]


@dataclass(frozen=True, slots=True)
class DayRow:
    """Traces that began on a day (days since 1970, UTC), and how many of them are complete, or deviate."""

    day: int
    traces: int
    complete: int
    deviating: int


@dataclass(frozen=True, slots=True)
class FlowTrend:
    """Traces of all versions of a flow that began in some days: how many, how long the complete ones took,
    and how many ``begun`` on each day."""

    traces: int
    complete: int
    deviating: int
    duration: Histogram
    begun: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class VariantRow:
    """Complete traces with the same labels in the same order; ``mean`` is how long they took."""

    flow_id: int
    variant: str
    labels: tuple[str, ...]
    traces: int
    deviating: int
    mean: timedelta


@dataclass(frozen=True, slots=True)
class Offender:
    """A clock that is overdue (``ended`` is None, ``over`` grows), or that ended ``over`` too late."""

    trace: int
    trace_key: str
    sla: str
    occurrence: int
    started: datetime
    due: datetime
    ended: datetime | None
    over: timedelta


class ClockCounts(NamedTuple):
    """How many clocks of an SLA run now: with time left, close to their due time, past it."""

    running: int = 0
    at_risk: int = 0
    breached: int = 0


class OutcomeStep(NamedTuple):
    """Clocks ``decided`` from ``begin`` on, one step long."""

    begin: datetime
    decided: Count


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """A clock that is past due and still runs, with where its trace stands."""

    flow: str
    sla: str
    severity: str
    trace: int
    trace_key: str
    started: datetime
    due: datetime
    element: str | None
    standing: tuple[str, ...]
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """A confirmed deviation nobody takes care of yet. ``open``: its trace still is."""

    flow: str
    kind: FindingKind
    element: str | None
    name: str
    severity: str
    message: str
    trace: int
    trace_key: str
    found: datetime
    open: bool


class Views(Protocol):
    """Questions of the dashboard. Each is bounded: the cost depends on the page asked for (figures: DESIGN
    5)."""

    async def totals(self) -> Totals: ...
    async def flows(self) -> Sequence[FlowRow]: ...
    async def traces(
        self, filter: TraceFilter, cursor: str | None = None, limit: int = 50
    ) -> Page[TraceRow]: ...
    async def trace(self, trace_id: int, events: int = 1000) -> TraceDetail | None: ...
    async def trace_events(
        self, trace_id: int, after: int | None = None, limit: int = 200
    ) -> Page[EventRow]: ...
    async def findings(
        self, filter: FindingFilter = EVERY_FINDING, cursor: str | None = None, limit: int = 50
    ) -> Page[FindingRow]:
        """The newest first."""
        ...

    async def inbox_groups(self, limit: int = 200) -> Sequence[InboxGroup]:
        """Those with the latest messages."""
        ...

    async def inbox(
        self,
        reason: InboxReason | None = None,
        type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        source: str | None = None,
    ) -> Page[InboxRow]:
        """The newest first. ``type``: an empty text means those of no type."""
        ...

    async def inbox_item(self, item_id: int) -> InboxRow | None: ...
    async def sources(self, now: datetime) -> Sequence[SourceRow]: ...
    async def notices(
        self,
        kind: NoticeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        subject: str | None = None,
        ended: bool | None = None,
    ) -> Page[Notice]:
        """``ended``: only those that are over, or only those that last."""

    async def outcomes(
        self, flow: str, sla: str, begins: Sequence[datetime], until: datetime
    ) -> list[Count]: ...
    async def met(
        self, slas: Sequence[tuple[str, str]], since: datetime, until: datetime
    ) -> Mapping[tuple[str, str], Count]:
        """For each of these (flow and SLA) its clocks decided then."""

    async def outcomes_by(
        self, flow: str, sla: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[OutcomeStep]:
        """Clocks decided then by whole steps since 1970 (UTC), oldest first, those without any left out.
        ``step``: a multiple of :data:`~monitor.domain.objective.TICK`. Bounded by what it is asked for."""

    async def clock_counts(self) -> Mapping[tuple[str, str], ClockCounts]:
        """By flow and SLA, those of which any run; kept, not counted."""

    async def overdue(self, slas: Sequence[tuple[str, str]], limit: int = 50) -> Sequence[OverdueRow]:
        """Of each of these (flow and SLA) the clocks that are overdue, the oldest first, up to ``limit``."""

    async def deviations(self, since: datetime, limit: int = 100) -> Sequence[DeviationRow]:
        """Confirmed ones found since then, of each kind the newest up to ``limit``. Historic ones and those
        somebody takes care of are left out."""

    async def shares(
        self, since: int, until: int, flow: str | None = None
    ) -> Mapping[tuple[str, str], Histogram]:
        """By flow and SLA the clocks by the share of their time they took, of traces that began from day
        ``since`` on and before day ``until``; all versions together."""

    async def versions(self, flow: str) -> Sequence[VersionRow]:
        """The newest first."""

    async def statistics(
        self, flow_ids: Sequence[int], since: int | None = None, until: int | None = None
    ) -> FlowStatistics:
        """Of traces of these versions that began from day ``since`` on and before day ``until`` (days since
        1970, see :func:`~monitor.statistics.day_of`; None: no bound). They follow the traces by moments:
        the sweep counts what has changed."""
        ...

    async def trends(self, since: int) -> Mapping[str, FlowTrend]:
        """By flow, of traces that began from day ``since`` on; flows without any are left out."""
        ...

    async def daily(self, flow_ids: Sequence[int], since: int | None = None) -> Sequence[DayRow]:
        """Of these versions together, the oldest day first, days without a trace left out."""
        ...

    async def variants(self, flow_ids: Sequence[int], limit: int = 20) -> Sequence[VariantRow]:
        """The most frequent ones of each version, most first."""
        ...

    async def variant_count(self, flow_ids: Sequence[int]) -> int:
        """How many variants these versions have together, each up to 10,000."""
        ...

    async def offenders(self, flow: str, sla: str, now: datetime, limit: int = 10) -> Sequence[Offender]:
        """Overdue clocks and those that ended too late, the worst first."""

    async def rates(self, since: datetime) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        """Events received from each source, in steps of ten seconds that have any, oldest first."""

    async def uncounted(self) -> int:
        """How many changes of traces statistics do not know yet, up to 10,000."""
        ...

    async def audit(
        self, action: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Audited]: ...
    async def pulse(self) -> str:
        """A short text that changes whenever anything shown may have changed (but for the watermark of a
        quiet source moving on); cheap enough to ask every second."""
