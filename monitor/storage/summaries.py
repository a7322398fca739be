"""The read side of statistics: sums over many traces, variants, the worst clocks, rates of sources."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from monitor.statistics import KINDS, Measure
from monitor.storage.tables import (
    OF_TRACES,
    OVERDUE,
    changed_traces,
    clocks,
    flows,
    late_clocks,
    source_ticks,
    statistics,
    traces,
    variants,
)
from monitor.storage.transaction import Transaction
from monitor.storage.types import strings
from monitor.storage.views import (
    DayRow,
    ElementStatistics,
    FlowStatistics,
    FlowTrend,
    Offender,
    VariantRow,
    VersionRow,
)

_MOST = 10_000
"""Rows are counted up to here."""


async def versions(transaction: Transaction, flow: str) -> list[VersionRow]:
    of, counted = flows.c, statistics.c
    counts = (
        select(counted.flow_id, func.sum(counted.amount).label("traces"))
        .join_from(statistics, flows, of.id == counted.flow_id)
        .where(of.key == flow, OF_TRACES, counted.measure == Measure.TRACES)
        .group_by(counted.flow_id)
        .subquery()
    )
    asked = (
        select(
            of.id,
            of.key,
            of.version,
            of.name,
            of.file,
            of.created,
            of.active,
            func.coalesce(counts.c.traces, 0).label("begun"),
        )
        .select_from(flows.outerjoin(counts, counts.c.flow_id == of.id))
        .where(of.key == flow)
        .order_by(of.version.desc())
    )
    rows = [
        VersionRow(
            id=row.id,
            flow=row.key,
            version=row.version,
            name=row.name,
            file=row.file,
            deployed=row.created,
            active=row.active,
            traces=int(row.begun),
        )
        for row in await transaction.rows(asked)
    ]
    return [row for row in rows if row.active or row.traces]


async def flow_statistics(
    transaction: Transaction, flow_ids: Sequence[int], since: int | None, until: int | None
) -> FlowStatistics:
    of = statistics.c
    asked = select(of.measure, of.element, of.bucket, func.sum(of.amount)).where(
        transaction.among(of.flow_id, flow_ids)
    )
    if since is not None:
        asked = asked.where(of.day >= since)
    if until is not None:
        asked = asked.where(of.day < until)
    sums: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for measure, element, bucket, amount in await transaction.rows(
        asked.group_by(of.measure, of.element, of.bucket)
    ):
        if amount:
            sums[measure, element][bucket] = int(amount)
    elements = {element for measure, element in sums if measure in _OF_ELEMENTS}
    return FlowStatistics(
        traces=sums[Measure.TRACES, ""].total(),
        complete=sums[Measure.COMPLETE, ""].total(),
        deviating=sums[Measure.DEVIATING, ""].total(),
        duration=sums[Measure.DURATION, ""],
        elements={
            element: ElementStatistics(
                reached=sums[Measure.REACHED, element].total(),
                passed=sums[Measure.PASSED, element].total(),
                standing=sums[Measure.STANDING, element].total(),
                waited=sums[Measure.WAITED, element],
                worked=sums[Measure.WORKED, element],
                deviations={KINDS[at]: n for at, n in sorted(sums[Measure.DEVIATION, element].items())},
            )
            for element in sorted(elements)
        },
        slas={sla: counts for (measure, sla), counts in sums.items() if measure == Measure.SHARE},
    )


_OF_ELEMENTS = frozenset(
    {
        Measure.REACHED,
        Measure.PASSED,
        Measure.STANDING,
        Measure.WAITED,
        Measure.WORKED,
        Measure.DEVIATION,
    }
)


_WHOLE = (Measure.TRACES, Measure.COMPLETE, Measure.DEVIATING)


async def trends(transaction: Transaction, since: int) -> dict[str, FlowTrend]:
    of = statistics.c
    keys = {row.id: row.key for row in await transaction.rows(select(flows.c.id, flows.c.key))}
    # Naming the versions makes the index lead to the days asked for, however many there are before.
    asked = (transaction.among(of.flow_id, keys), OF_TRACES, of.day >= since)
    begun = (
        select(of.flow_id, of.day, of.measure, func.sum(of.amount).label("amount"))
        .where(*asked, of.measure.in_(_WHOLE))
        .group_by(of.flow_id, of.day, of.measure)
    )
    took = (
        select(of.flow_id, of.bucket, func.sum(of.amount).label("amount"))
        .where(*asked, of.measure == Measure.DURATION)
        .group_by(of.flow_id, of.bucket)
    )
    days: defaultdict[str, defaultdict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for row in await transaction.rows(begun):
        if row.amount > 0:
            days[keys[row.flow_id]][row.measure][row.day] += int(row.amount)
    durations: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in await transaction.rows(took):
        if row.amount > 0:
            durations[keys[row.flow_id]][row.bucket] += int(row.amount)
    return {
        flow: FlowTrend(
            traces=sum(by[Measure.TRACES].values()),
            complete=sum(by[Measure.COMPLETE].values()),
            deviating=sum(by[Measure.DEVIATING].values()),
            duration=durations[flow],
            begun=dict(sorted(by[Measure.TRACES].items())),
        )
        for flow, by in sorted(days.items())
    }


async def daily(transaction: Transaction, flow_ids: Sequence[int], since: int | None) -> list[DayRow]:
    of = statistics.c
    asked = select(of.day, of.measure, func.sum(of.amount)).where(
        transaction.among(of.flow_id, flow_ids), OF_TRACES, of.measure.in_(_WHOLE)
    )
    if since is not None:
        asked = asked.where(of.day >= since)
    days: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for day, measure, amount in await transaction.rows(asked.group_by(of.day, of.measure)):
        if amount > 0:
            days[day][measure] = int(amount)
    return [DayRow(day, *(counts.get(one, 0) for one in _WHOLE)) for day, counts in sorted(days.items())]


async def variant_count(transaction: Transaction, flow_ids: Sequence[int]) -> int:
    of = variants.c
    found = 0
    for flow_id in flow_ids:
        some = select(of.flow_id).where(of.flow_id == flow_id, of.traces > 0).limit(_MOST).subquery()
        ((count,),) = await transaction.rows(select(func.count()).select_from(some))
        found += int(count)
    return found


async def most_frequent(transaction: Transaction, flow_ids: Sequence[int], limit: int) -> list[VariantRow]:
    of = variants.c
    found: list[VariantRow] = []
    for flow_id in flow_ids:
        asked = select(variants).where(of.flow_id == flow_id, of.traces > 0)
        rows = await transaction.rows(asked.order_by(of.traces.desc(), of.variant).limit(limit))
        found += [
            VariantRow(
                flow_id=row.flow_id,
                variant=row.variant,
                labels=strings(row.labels),
                traces=row.traces,
                deviating=row.deviating,
                mean=timedelta(microseconds=row.duration // row.traces),
            )
            for row in rows
        ]
    return sorted(found, key=lambda one: (-one.traces, one.flow_id, one.variant))


async def offenders(
    transaction: Transaction, flow: str, sla: str, now: datetime, limit: int
) -> list[Offender]:
    of, late = clocks.c, late_clocks.c
    shown = (of.trace_id, traces.c.key, of.sla, of.occurrence, of.started, of.due, of.ended)
    overdue = (
        select(*shown)
        .join_from(clocks, traces, traces.c.id == of.trace_id)
        .where(of.flow == flow, of.sla == sla, OVERDUE)
        .order_by(of.due)
        .limit(limit)
    )
    worst = (
        select(late_clocks)
        .where(late.flow == flow, late.sla == sla)
        .order_by(late.over.desc())
        .limit(limit)
        .subquery()
    )
    same = (of.trace_id == worst.c.trace_id) & (of.sla == worst.c.sla) & (of.occurrence == worst.c.occurrence)
    missed = select(*shown).select_from(
        worst.join(clocks, same).join(traces, traces.c.id == worst.c.trace_id)
    )
    rows = [*await transaction.rows(overdue), *await transaction.rows(missed)]
    found = {(row.trace_id, row.occurrence): _offender(row, now) for row in rows}
    return sorted(found.values(), key=lambda one: one.over, reverse=True)[:limit]


def _offender(row: Row[Any], now: datetime) -> Offender:
    over = max(timedelta(0), (row.ended or now) - row.due)
    return Offender(row.trace_id, row.key, row.sla, row.occurrence, row.started, row.due, row.ended, over)


async def rates(transaction: Transaction, since: datetime) -> dict[str, list[tuple[datetime, int]]]:
    of = source_ticks.c
    asked = select(of.source, of.tick, func.sum(of.events)).where(of.tick > since)
    found: dict[str, list[tuple[datetime, int]]] = {}
    for source, tick, events in await transaction.rows(
        asked.group_by(of.source, of.tick).order_by(of.source, of.tick)
    ):
        found.setdefault(source, []).append((tick, int(events)))
    return found


async def shares(
    transaction: Transaction, since: int, until: int, flow: str | None
) -> dict[tuple[str, str], Counter[int]]:
    """See :meth:`monitor.storage.views.Views.shares`."""
    of = statistics.c
    asked = (
        select(flows.c.key, of.element, of.bucket, func.sum(of.amount).label("amount"))
        .join_from(statistics, flows, flows.c.id == of.flow_id)
        .where(transaction.among(of.day, range(since, until)), of.measure == Measure.SHARE)
    )
    if flow is not None:
        asked = asked.where(flows.c.key == flow)
    found: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for row in await transaction.rows(asked.group_by(flows.c.key, of.element, of.bucket)):
        if row.amount > 0:
            found[row.key, row.element][row.bucket] = int(row.amount)
    return dict(found)


async def uncounted(transaction: Transaction) -> int:
    some = select(changed_traces.c.id).limit(_MOST).subquery()
    ((count,),) = await transaction.rows(select(func.count()).select_from(some))
    return int(count)
