"""The read side: :class:`~monitor.storage.views.Views`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, tuple_

from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count
from monitor.statistics import Histogram
from monitor.storage import attention, audit, keyset, outcomes, progress, summaries, tally
from monitor.storage.finding_list import list_findings
from monitor.storage.notices import notice_of
from monitor.storage.tables import (
    LASTING,
    LASTS,
    alerts,
    flows,
    inbox,
    inbox_groups,
    notices,
    source_ticks,
    tallies,
)
from monitor.storage.trace_list import list_traces
from monitor.storage.trace_page import trace_detail, trace_events
from monitor.storage.transaction import Transaction
from monitor.storage.views import (
    EVERY_FINDING,
    ClockCounts,
    DayRow,
    DeviationRow,
    EventRow,
    FindingFilter,
    FindingRow,
    FlowRow,
    FlowStatistics,
    FlowTrend,
    InboxGroup,
    InboxRow,
    Offender,
    OutcomeStep,
    OverdueRow,
    Page,
    ShardRow,
    SourceRow,
    Totals,
    TraceDetail,
    TraceFilter,
    TraceRow,
    VariantRow,
    VersionRow,
)

_RECENT = timedelta(minutes=1)
_INBOX = [
    column for column in inbox.c if column.name not in ("digest", "content", "content_encoding", "properties")
]


class SqlViews:
    """``read`` opens a transaction in which nothing changes while a page is put together."""

    def __init__(self, read: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._read = read

    async def totals(self) -> Totals:
        async with self._read() as transaction:
            amounts = await tally.amounts(transaction)
            firing = await transaction.rows(select(func.count()).select_from(alerts).where(LASTS))
        total = {what: sum(of.values()) for what, of in amounts.items()}
        return Totals(
            traces=total.get(tally.TRACES, 0),
            open=total.get(tally.OPEN, 0),
            deviating=total.get(tally.DEVIATING, 0),
            at_risk=total.get(tally.AT_RISK, 0),
            breached=total.get(tally.BREACHED, 0),
            events=total.get(tally.EVENTS, 0),
            inbox=total.get(tally.INBOX, 0),
            firing=firing[0][0],
        )

    async def flows(self) -> Sequence[FlowRow]:
        of = flows.c
        asked = select(of.id, of.key, of.version, of.name, of.file, of.created).where(of.active.is_(True))
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(of.key))
            amounts = await tally.amounts(transaction)
        counts = (tally.TRACES, tally.OPEN, tally.DEVIATING, tally.AT_RISK, tally.BREACHED)
        return [FlowRow(*row, *(amounts.get(what, {}).get(row.key, 0) for what in counts)) for row in rows]

    async def traces(self, filter: TraceFilter, cursor: str | None = None, limit: int = 50) -> Page[TraceRow]:
        async with self._read() as transaction:
            return await list_traces(transaction, filter, cursor, limit)

    async def trace(self, trace_id: int, events: int = 1000) -> TraceDetail | None:
        async with self._read() as transaction:
            return await trace_detail(transaction, trace_id, events)

    async def trace_events(self, trace_id: int, after: int | None = None, limit: int = 200) -> Page[EventRow]:
        async with self._read() as transaction:
            return await trace_events(transaction, trace_id, after, limit)

    async def findings(
        self, filter: FindingFilter = EVERY_FINDING, cursor: str | None = None, limit: int = 50
    ) -> Page[FindingRow]:
        async with self._read() as transaction:
            return await list_findings(transaction, filter, cursor, limit)

    async def inbox_groups(self, limit: int = 200) -> Sequence[InboxGroup]:
        of = inbox_groups.c
        group = (of.reason, of.type, of.source)
        latest = func.max(of.last).label("latest")
        asked = select(*group, func.sum(of["count"]).label("messages"), latest).group_by(*group)
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(latest.desc(), *group).limit(limit))
            among = tuple_(*group).in_([(row.reason, row.type, row.source) for row in rows])
            slots = await transaction.rows(select(*group, of.detail).where(among).order_by(of.last))
        details = {(slot.reason, slot.type, slot.source): slot.detail for slot in slots}
        return [
            InboxGroup(
                InboxReason(row.reason),
                row.type or None,
                row.source,
                int(row.messages),
                row.latest,
                details[row.reason, row.type, row.source],
            )
            for row in rows
        ]

    async def inbox(
        self,
        reason: InboxReason | None = None,
        type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        source: str | None = None,
    ) -> Page[InboxRow]:
        asked = select(*(column for column in _INBOX if column is not inbox.c.body))
        if reason:
            asked = asked.where(inbox.c.reason == reason.value)
        if type is not None:
            asked = asked.where(inbox.c.type == type if type else inbox.c.type.is_(None))
        if source:
            asked = asked.where(inbox.c.source == source)
        beyond = keyset.after([inbox.c.id], cursor)
        if beyond is not None:
            asked = asked.where(beyond)
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(inbox.c.id.desc()).limit(limit + 1))
        return keyset.page(rows, limit, _inbox_row, lambda row: (row.id,))

    async def inbox_item(self, item_id: int) -> InboxRow | None:
        async with self._read() as transaction:
            rows = await transaction.rows(select(*_INBOX).where(inbox.c.id == item_id))
        return _inbox_row(rows[0]) if rows else None

    async def sources(self, now: datetime) -> Sequence[SourceRow]:
        tick = source_ticks.c
        lately = (
            select(tick.source, func.sum(tick.events)).where(tick.tick > now - _RECENT).group_by(tick.source)
        )
        async with self._read() as transaction:
            shards = await progress.shards(transaction)
            recent = {source: int(events) for source, events in await transaction.rows(lately)}
            events = (await tally.amounts(transaction)).get(tally.EVENTS, {})
        return [
            _source_row(name, rows, now, events.get(name, 0), recent.get(name, 0))
            for name, rows in shards.items()
        ]

    async def notices(
        self,
        kind: NoticeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        subject: str | None = None,
        ended: bool | None = None,
    ) -> Page[Notice]:
        of = notices.c
        asked = select(notices)
        if kind is not None:
            asked = asked.where(of.kind == kind.value)
        if subject is not None:
            asked = asked.where(of.subject == subject)
        if ended is not None:
            asked = asked.where(of.ended.is_not(None) if ended else LASTING)
        order = [of.noticed, of.id]
        beyond = keyset.after(order, cursor)
        if beyond is not None:
            asked = asked.where(beyond)
        newest = asked.order_by(of.noticed.desc(), of.id.desc()).limit(limit + 1)
        async with self._read() as transaction:
            rows = await transaction.rows(newest)
        return keyset.page(rows, limit, notice_of, lambda row: (row.noticed, row.id))

    async def outcomes(self, flow: str, sla: str, begins: Sequence[datetime], until: datetime) -> list[Count]:
        async with self._read() as transaction:
            return await outcomes.counts(transaction, flow, sla, begins, until)

    async def met(
        self, slas: Sequence[tuple[str, str]], since: datetime, until: datetime
    ) -> Mapping[tuple[str, str], Count]:
        async with self._read() as transaction:
            return await outcomes.met(transaction, slas, since, until)

    async def outcomes_by(
        self, flow: str, sla: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[OutcomeStep]:
        async with self._read() as transaction:
            return await outcomes.by_step(transaction, flow, sla, since, until, step)

    async def clock_counts(self) -> Mapping[tuple[str, str], ClockCounts]:
        async with self._read() as transaction:
            return await attention.clock_counts(transaction)

    async def overdue(self, slas: Sequence[tuple[str, str]], limit: int = 50) -> Sequence[OverdueRow]:
        async with self._read() as transaction:
            return await attention.overdue(transaction, slas, limit)

    async def deviations(self, since: datetime, limit: int = 100) -> Sequence[DeviationRow]:
        async with self._read() as transaction:
            return await attention.deviations(transaction, since, limit)

    async def shares(
        self, since: int, until: int, flow: str | None = None
    ) -> Mapping[tuple[str, str], Histogram]:
        async with self._read() as transaction:
            return await summaries.shares(transaction, since, until, flow)

    async def versions(self, flow: str) -> Sequence[VersionRow]:
        async with self._read() as transaction:
            return await summaries.versions(transaction, flow)

    async def statistics(
        self, flow_ids: Sequence[int], since: int | None = None, until: int | None = None
    ) -> FlowStatistics:
        async with self._read() as transaction:
            return await summaries.flow_statistics(transaction, flow_ids, since, until)

    async def trends(self, since: int) -> Mapping[str, FlowTrend]:
        async with self._read() as transaction:
            return await summaries.trends(transaction, since)

    async def daily(self, flow_ids: Sequence[int], since: int | None = None) -> Sequence[DayRow]:
        async with self._read() as transaction:
            return await summaries.daily(transaction, flow_ids, since)

    async def variant_count(self, flow_ids: Sequence[int]) -> int:
        async with self._read() as transaction:
            return await summaries.variant_count(transaction, flow_ids)

    async def variants(self, flow_ids: Sequence[int], limit: int = 20) -> Sequence[VariantRow]:
        async with self._read() as transaction:
            return await summaries.most_frequent(transaction, flow_ids, limit)

    async def offenders(self, flow: str, sla: str, now: datetime, limit: int = 10) -> Sequence[Offender]:
        async with self._read() as transaction:
            return await summaries.offenders(transaction, flow, sla, now, limit)

    async def rates(self, since: datetime) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        async with self._read() as transaction:
            return await summaries.rates(transaction, since)

    async def uncounted(self) -> int:
        async with self._read() as transaction:
            return await summaries.uncounted(transaction)

    async def audit(
        self, action: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Audited]:
        async with self._read() as transaction:
            return await audit.entries(transaction, action, cursor, limit)

    async def pulse(self) -> str:
        changes = select(func.coalesce(func.sum(tallies.c.amount), 0)).where(tallies.c.what == tally.CHANGES)
        async with self._read() as transaction:
            return str((await transaction.execute(changes)).scalar_one())


def _source_row(name: str, rows: Sequence[Row[Any]], now: datetime, events: int, recent: int) -> SourceRow:
    counting = progress.counting(rows, now)
    lags = [row.lag for row in counting]
    messages = [row.last_message for row in rows if row.last_message is not None]
    return SourceRow(
        name=name,
        kind=rows[-1].kind,
        watermark=progress.watermark(rows, now),
        lag=None if None in lags else sum(lags),
        last_message=max(messages, default=None),
        events=events,
        recent=recent,
        shards=tuple(
            ShardRow(
                shard=row.shard,
                worker=row.worker,
                state=row.state,
                watermark=row.watermark,
                lag=row.lag,
                position=row.position,
                last_message=row.last_message,
                error=row.error,
                updated=row.updated,
            )
            for row in rows
        ),
    )


def _inbox_row(row: Row[Any]) -> InboxRow:
    return InboxRow(**{"body": b"", **row._mapping, "reason": InboxReason(row.reason)})
