"""What the dashboard, the API and the command line read: frozen rows and the questions that yield them.

Every list is keyset-paginated: ``cursor`` is opaque text from the page before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count
from monitor.statistics import Histogram
from monitor.storage.views.flows import (
    DayRow,
    ElementStatistics,
    FlowRow,
    FlowStatistics,
    FlowTrend,
    VariantRow,
    VersionRow,
)
from monitor.storage.views.promises import ClockCounts, DeviationRow, Offender, OutcomeStep, OverdueRow
from monitor.storage.views.traces import (
    EVERY_FINDING,
    EventRow,
    FindingFilter,
    FindingRow,
    Page,
    TraceDetail,
    TraceFilter,
    TraceRow,
)
from monitor.storage.views.upkeep import InboxGroup, InboxRow, ShardRow, SourceRow, Totals

__all__ = [
    "EVERY_FINDING",
    "ClockCounts",
    "DayRow",
    "DeviationRow",
    "ElementStatistics",
    "EventRow",
    "FindingFilter",
    "FindingRow",
    "FlowRow",
    "FlowStatistics",
    "FlowTrend",
    "InboxGroup",
    "InboxRow",
    "Offender",
    "OutcomeStep",
    "OverdueRow",
    "Page",
    "ShardRow",
    "SourceRow",
    "Totals",
    "TraceDetail",
    "TraceFilter",
    "TraceRow",
    "VariantRow",
    "VersionRow",
    "Views",
]


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
