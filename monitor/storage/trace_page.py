"""Everything a trace's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, or_, select, union_all

from monitor.domain.event import Key
from monitor.errors import InvalidInput
from monitor.storage.finding_list import finding_row
from monitor.storage.judgements import stored_clock
from monitor.storage.tables import (
    LATER_IN_CHAIN,
    LISTED,
    clocks,
    events,
    findings,
    observations,
    trace_keys,
    traces,
)
from monitor.storage.trace_list import trace_row, with_version
from monitor.storage.transaction import Transaction
from monitor.storage.types import from_json, strings
from monitor.storage.views import EventRow, Page, TraceDetail, TraceRow

_SIBLINGS = 200
_KEYS = 500
_FINDINGS = 2000

_RELATED = 50
_RELATED_KEYS = 20
_SHARED = 200
"""Traces looked at that share one value, the newest: a value that very many have in common relates nobody."""


async def trace_detail(transaction: Transaction, trace_id: int, most: int) -> TraceDetail | None:
    of = traces.c
    (row, *_) = await transaction.rows(with_version(traces).where(of.id == trace_id)) or (None,)
    if row is None or row.merged_into == trace_id:  # only kept to stand for its chain
        return None
    chain = or_(of.id == row.chain_id, LATER_IN_CHAIN & (of.chain_id == row.chain_id))
    others = with_version(traces).where(chain, LISTED, of.id != trace_id).order_by(of.ordinal, of.id)
    linked = select(of.id).where(chain)
    key = trace_keys.c
    keys = select(key.name, key.value).where(key.trace_id.in_(linked)).distinct()
    key_rows = await transaction.rows(keys.order_by(key.name, key.value).limit(_KEYS))
    shown = await _events(transaction, trace_id, None, most)
    found = select(findings).where(findings.c.trace_id == trace_id)
    running = select(clocks).where(clocks.c.trace_id == trace_id).order_by(clocks.c.sla, clocks.c.occurrence)
    return TraceDetail(
        row=trace_row(row, row.version),
        merged_into=row.merged_into,
        keys=tuple(Key(*one) for one in key_rows),
        events=tuple(_event_row(one) for one in shown[:most]),
        truncated=len(shown) > most,
        findings=tuple(
            finding_row(one)
            for one in await transaction.rows(
                found.order_by(findings.c.time, findings.c.key).limit(_FINDINGS)
            )
        ),
        clocks=tuple(stored_clock(one) for one in await transaction.rows(running)),
        visited=strings(row.visited),
        flow_id=row.flow_id,
        siblings=tuple(
            trace_row(one, one.version) for one in await transaction.rows(others.limit(_SIBLINGS))
        ),
        related=await _related(transaction, row.chain_id, [value for _, value in key_rows]),
    )


async def trace_events(
    transaction: Transaction, trace_id: int, after: int | None, limit: int
) -> Page[EventRow]:
    """Its events in trace order, from the one after event ``after`` on."""
    rows = await _events(transaction, trace_id, after, limit)
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return Page([_event_row(row) for row in rows[:limit]], more)


async def _related(transaction: Transaction, chain_id: int, values: Sequence[str]) -> tuple[TraceRow, ...]:
    """Traces of other chains one of whose keys has one of ``values``, those with the newest events first."""
    of, key = traces.c, trace_keys.c
    distinct = list(dict.fromkeys(values))[:_RELATED_KEYS]
    if not distinct:
        return ()
    sharing = [
        select(key.trace_id)
        .where(key.value == value, key.trace_id != chain_id)
        .order_by(key.trace_id.desc())
        .limit(_SHARED)
        .subquery()
        for value in distinct
    ]
    found = await transaction.rows(union_all(*(select(one.c.trace_id) for one in sharing)))
    chains = {trace for (trace,) in found}
    if not chains:
        return ()
    among = transaction.among  # named one by one: with a subquery PostgreSQL would read every trace
    asked = (
        with_version(traces)
        .where(or_(among(of.id, chains), and_(LATER_IN_CHAIN, among(of.chain_id, chains))), LISTED)
        .where(of.chain_id != chain_id)
        .order_by(of.last.desc(), of.id.desc())
        .limit(_RELATED)
    )
    return tuple(trace_row(one, one.version) for one in await transaction.rows(asked))


async def _events(transaction: Transaction, trace_id: int, after: int | None, most: int) -> list[Row[Any]]:
    """In the order a trace is judged in: by time, and then by what does not depend on arrival."""
    seen = observations.c
    place = (seen.time, seen.label, seen.identity)
    asked = (
        select(events, seen.label)
        .join_from(observations, events, events.c.id == seen.event)
        .where(seen.trace_id == trace_id)
        .order_by(*place)
        .limit(most + 1)
    )
    if after is not None:
        before = await transaction.rows(select(*place).where(seen.trace_id == trace_id, seen.event == after))
        if not before:
            raise InvalidInput("The page cursor is not one of this trace.", mend="Begin again without it.")
        time, label, identity = before[-1]
        later = or_(seen.label > label, and_(seen.label == label, seen.identity > identity))
        asked = asked.where(seen.time >= time, or_(seen.time > time, later))
    return list(await transaction.rows(asked))


def _event_row(row: Row[Any]) -> EventRow:
    key = row.message_key
    return EventRow(
        id=row.id,
        identity=row.identity,
        event_id=row.event_id,
        type=row.type,
        label=row.label,
        time=row.time,
        time_origin=row.time_origin,
        received=row.received,
        producer=row.producer,
        subject=row.subject,
        source=row.source,
        channel=row.channel,
        partition=row.partition,
        offset=row.offset,
        exchange=row.exchange,
        routing_key=row.routing_key,
        message_key=None if key is None else key.decode("utf-8", "backslashreplace"),
        headers=row.headers,
        attributes=from_json(row.attributes),
        data=row.data,
    )
