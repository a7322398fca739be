"""The landscape's messages in memory, the pipeline over a store, and what both should come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from monitor import correlate
from monitor.assembly import decoder_of, mapping_of, models_of
from monitor.domain.event import Delivery, Event, Key, Misfit, Observation, Position
from monitor.domain.objective import Count
from monitor.domain.verdict import Clock, ClockState, Finding, FindingState
from monitor.flows import Flows, build
from monitor.judging import Judge, JudgedTrace, as_of
from monitor.landscape import demo
from monitor.landscape.story import Limits
from monitor.landscape.wire import Emission
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.resources import models
from monitor.settings import Settings
from monitor.sla.findings import clock_finding
from monitor.sla.outcomes import outcome_of
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import ClockCounts, FindingRow, TraceFilter, TraceRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits.of(timedelta(minutes=10))
"""An hour to pay, 80 minutes to ship, 200 for all of it."""


def shop(limits: Limits = LIMITS, **changed: Any) -> Settings:
    """The landscape's configuration."""
    plain = demo.settings(Path("/nowhere"), models() / "order-fulfilment.bpmn", 0, limits)
    return plain.model_copy(update=changed)


def sent(number: int, emission: Emission) -> Delivery:
    """An emission as its broker hands it over. ``number`` is where it stands there."""
    rabbit = emission.channel == "rabbit"
    return Delivery(
        demo.RABBIT if rabbit else demo.KAFKA,
        emission.body,
        Position(emission.destination, receipt=str(number))
        if rabbit
        else Position(emission.destination, 0, number),
        emission.at,
        emission.headers,
        {"message_id": emission.id} if rabbit else {},
        emission.key,
        emission.content_type,
    )


def told(
    label: str,
    minute: float,
    order: str | None = "o-1",
    *,
    payment: str | None = None,
    id: str | None = None,
    producer: str = "/shop",
    **data: Any,
) -> Delivery:
    """One event of the shop, at ``minute`` after :data:`NOON`, that names an order, a payment or both."""
    time = NOON + timedelta(minutes=minute)
    keys = {"orderId": order, "paymentId": payment}
    id = id or f"{label}/{order}/{payment}/{minute:g}"
    body = {
        "specversion": "1.0",
        "id": id,
        "source": producer,
        "type": f"com.shop.{label}",
        "time": time.isoformat(),
        "data": {**{name: value for name, value in keys.items() if value}, **data},
    }
    return Delivery(
        demo.RABBIT,
        orjson.dumps(body),
        Position("shop", receipt=id),
        time,
        content_type="application/cloudevents+json",
    )


BOTH_KEYS = (
    {"match": {"type": "com.shop.*"}, "keys": {"order": "data.orderId", "payment": "data.paymentId"}},
)
"""Event rules by which an event has the keys it names."""


async def start(store: SqlStore, settings: Settings, now: datetime = NOON) -> Pipeline:
    """What a process does at its start."""
    flows = Flows(store)
    await flows.deploy(models_of(settings), now)
    mapping = mapping_of(settings, [expected.flow for expected in flows.active.values()], older=flows.older)
    return Pipeline(decoder_of(settings), mapping, flows, store, Metrics())


# what is said of traces -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """Everything about one trace that must not depend on how its events came."""

    key: str
    keys: frozenset[Key]
    events: tuple[tuple[datetime, str, str | None], ...]
    conforms: bool
    complete: bool
    cost: int
    expected: tuple[str, ...]
    standing: tuple[str, ...]
    findings: frozenset[tuple[str, str, str | None, datetime, str, tuple[str, ...], str | None]]
    clocks: frozenset[tuple[str, int, datetime, datetime, datetime | None, datetime | None, str]]


def offline(settings: Settings, deliveries: Iterable[Delivery], watermark: datetime) -> list[Said]:
    """What a replay from scratch, without a database, says of the deliveries' first copies."""
    (model,) = models_of(settings)
    flow = build(model)[1]
    decoder, mapping, judge = decoder_of(settings), mapping_of(settings, [flow]), Judge(flow)
    observations: dict[bytes, Sequence[Observation]] = {}
    for delivery in deliveries:
        for one in decoder.decode(delivery):
            seen = mapping.observe(one) if isinstance(one, Event) else one
            if isinstance(one, Event) and not isinstance(seen, Misfit):
                observations.setdefault(one.identity, seen)
    found: list[Said] = []
    for group in correlate.group([one for several in observations.values() for one in several]):
        main = [key.value for key in group.keys if key.name == flow.main_key]
        key = main[0] if main else group.keys[0].value
        rest: Sequence[Observation] = group.observations
        while rest:
            trace, rest = judge.replay(rest)
            found.append(_judged(key, group.keys, trace, watermark))
    return _sorted(found)


def _judged(key: str, keys: Iterable[Key], trace: JudgedTrace, watermark: datetime) -> Said:
    verdict = as_of(trace.verdict, watermark)
    late = [finding for clock in verdict.clocks if (finding := clock_finding(clock, key)) is not None]
    return Said(
        key=key,
        keys=frozenset(keys),
        events=tuple((one.time, one.label, one.event_id) for one in trace.observations),
        conforms=verdict.conforms,
        complete=verdict.complete,
        cost=verdict.cost,
        expected=tuple(verdict.expected),
        standing=tuple(verdict.standing),
        findings=frozenset(_finding(one) for one in (*verdict.findings, *late)),
        clocks=frozenset(_clock(one) for one in verdict.clocks),
    )


class Moved(AssertionError):
    """A listed trace lives on under another id: wrong, unless somebody writes meanwhile."""


async def stored(store: SqlStore) -> list[Said]:
    """What the store's views say, active findings only. Raises :class:`Moved`."""
    found: list[Said] = []
    cursor: str | None = None
    while True:
        page = await store.views.traces(TraceFilter(), cursor, 200)
        for listed in page.rows:
            detail = await store.views.trace(listed.id)
            assert detail is not None
            if detail.merged_into is not None:
                raise Moved
            row = detail.row  # of the same instant as all the rest
            assert len(detail.events) == row.events
            active = [one for one in detail.findings if one.state is not FindingState.RETRACTED]
            assert sum(one.kind.is_deviation for one in active) == row.deviations
            found.append(
                Said(
                    key=row.key,
                    keys=frozenset(detail.keys),
                    events=tuple((one.time, one.label, one.event_id) for one in detail.events),
                    conforms=row.conforms,
                    complete=row.complete,
                    cost=row.cost,
                    expected=row.expected,
                    standing=row.standing,
                    findings=frozenset(
                        (
                            one.kind.value,
                            one.name,
                            one.element,
                            one.time,
                            one.message,
                            one.expected,
                            one.event,
                        )
                        for one in active
                    ),
                    clocks=frozenset(_clock(one) for one in detail.clocks),
                )
            )
        if page.next is None:
            return _sorted(found)
        cursor = page.next


async def stored_in(database: str) -> list[Said]:
    """As :func:`stored`, of the database at a URL; nothing while somebody moves its traces."""
    store = await open_store(database)
    try:
        return await stored(store)
    except Moved:
        return []
    finally:
        await store.close()


def _finding(
    one: Finding | FindingRow,
) -> tuple[str, str, str | None, datetime, str, tuple[str, ...], str | None]:
    return one.kind.value, one.name, one.element, one.time, one.message, tuple(one.expected), one.event


def _clock(one: Clock) -> tuple[str, int, datetime, datetime, datetime | None, datetime | None, str]:
    return one.sla, one.occurrence, one.started, one.due, one.at_risk, one.ended, one.state.value


def _sorted(found: list[Said]) -> list[Said]:
    return sorted(found, key=lambda one: (one.key, one.events))


async def counts_agree(store: SqlStore, *, purged: bool = False) -> None:
    """The counts that are kept say what counting would. ``purged``: traces were deleted, whose clocks still
    count."""
    totals = await store.views.totals()
    found = (await store.views.traces(TraceFilter(), None, 200)).rows
    assert len(found) < 200
    assert totals.traces == len(found)
    assert totals.open == sum(not row.complete for row in found)
    assert totals.deviating == sum(row.confirmed > 0 for row in found)
    assert totals.at_risk == sum(row.sla == "at_risk" for row in found)
    assert totals.breached == sum(row.sla == "breached" for row in found)
    if not purged:
        await outcomes_agree(store, found)
    running = Counter(
        [((row.flow, clock.sla), clock.state) for row in found for clock in await _clocks_of(store, row.id)]
    )
    kept = await store.views.clock_counts()
    for sla in {sla for sla, _ in running} | kept.keys():
        states = (ClockState.RUNNING, ClockState.AT_RISK, ClockState.BREACHED)
        counted = ClockCounts(*(running[sla, state] for state in states))
        assert kept.get(sla, ClockCounts()) == counted, sla


async def _clocks_of(store: SqlStore, trace: int) -> Sequence[Clock]:
    detail = await store.views.trace(trace)
    assert detail is not None
    return detail.clocks


async def outcomes_agree(store: SqlStore, found: Sequence[TraceRow]) -> None:
    """What objectives count says what counting the clocks of all traces would."""
    decided: dict[str, list[Count]] = {}
    for row in found:
        for clock in await _clocks_of(store, row.id):
            outcome = outcome_of(clock)
            decided.setdefault(clock.sla, []).extend([outcome.counts] if outcome else [])
    for sla, counts in decided.items():
        first, last = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
        (summed,) = await store.outcomes(found[0].flow, sla, [first], last)
        assert summed == Count(sum(one.met for one in counts), sum(one.failed for one in counts)), sla
