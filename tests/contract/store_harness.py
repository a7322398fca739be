"""What tests of the store share: values to put in, and a pipeline reduced to storing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.event import Delivery, Event, Key, Observation, Position, TimeOrigin
from monitor.domain.verdict import Clock, ClockState, Finding, FindingKind
from monitor.identity import content, identity
from monitor.storage.base import (
    Chain,
    Freshness,
    Ingest,
    KeyGroup,
    Placement,
    Seen,
    Store,
    Trace,
    TraceUpdate,
)
from monitor.storage.ingest import SqlIngest
from monitor.storage.sql import SqlStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


_STORE: type[Store] = SqlStore  # checked by mypy: the protocols are kept to the letter
_INGEST: type[Ingest] = SqlIngest


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


class TickingClock:
    def __init__(self) -> None:
        self.last = at(60)

    def __call__(self) -> datetime:
        self.last += timedelta(seconds=1)
        return self.last


def a_finding(name: str = "Paid", minute: float = 0, **rest: Any) -> Finding:
    message = rest.pop("message", f"{name} is missing.")
    return Finding(rest.pop("kind", FindingKind.MISSING), name, at(minute), message, **rest)


def a_clock(state: ClockState = ClockState.RUNNING, **rest: Any) -> Clock:
    given = {"started": NOON, "due": at(10), "at_risk": at(8), "severity": "critical", **rest}
    return Clock(given.pop("sla", "Ship"), given.pop("occurrence", 0), state, **given)


def an_event(
    id: str | None = None,
    *,
    type: str = "OrderPlaced",
    time: datetime = NOON,
    data: Any = None,
    source: str = "shop",
    position: Position | None = None,
    redelivered: bool = False,
    received: datetime = NOON,
    **rest: Any,
) -> Event:
    place = position or Position("orders", receipt=f"{id}-{time}")
    delivery = Delivery(
        source, b"{}", place, received, redelivered=redelivered, headers=rest.pop("headers", {})
    )
    known = identity(delivery, rest.get("producer"), id)
    return Event(type, time, TimeOrigin.PRODUCER, known, delivery, id=id, data=data, **rest)


def asked(event: Event) -> Seen:
    return Seen(event.identity, content(event), event.delivery.redelivered, event.id is not None)


def seen_as(event: Event, *keys: tuple[str, str], flow: str = "order", **rest: Any) -> Observation:
    return Observation(
        flow,
        rest.pop("label", event.type),
        event.time,
        event.identity,
        tuple(Key(*key) for key in keys),
        event_id=event.id,
        **rest,
    )


@dataclass
class Said:
    """What the reduced pipeline says of every trace it touches. ``kept``: what is stored of every event."""

    findings: Sequence[Finding] | None = None
    clocks: Sequence[Clock] | None = None
    conforms: bool = True
    complete: bool = False
    reason: str = ""
    expected: tuple[str, ...] = ("Paid",)
    standing: tuple[str, ...] = ("Task_1",)
    key: str | None = None
    flow_id: int = 1
    kept: str | None = None
    history: list[Observation] = field(default_factory=list)


def an_update(trace: Trace, said: Said) -> TraceUpdate:
    trace.conforms, trace.complete = said.conforms, said.complete
    trace.deviations = len(said.findings or ())
    return TraceUpdate(
        trace=trace,
        cost=0,
        exact=True,
        undecided=False,
        expected=said.expected,
        visited=None,
        standing=said.standing,
        findings=None if said.findings is None else tuple(said.findings),
        clocks=None if said.clocks is None else tuple(said.clocks),
        reason=said.reason,
    )


async def put(
    store: SqlStore,
    *observed: tuple[Event, Observation],
    said: Said | None = None,
    before_commit: Callable[[], Any] | None = None,
) -> list[Chain]:
    """Store events, each as one observation: one trace for each chain."""
    said = said or Said()
    async with store.ingest() as batch:
        answers = await batch.fresh([asked(event) for event, _ in observed])
        fresh = [one for one, answer in zip(observed, answers, strict=True) if answer.fresh]
        await batch.events([event for event, _ in fresh], [said.kept] * len(fresh))
        groups = [KeyGroup(one.flow, one.keys) for _, one in fresh]
        chains = await batch.chains(groups, {"order": 1})
        merged = {chain.id: chain for chain in chains if chain.absorbed}
        stored = await batch.history(list(merged))
        updates: dict[int, Trace] = {}
        placements: list[Placement] = []
        for chain, (_, one) in zip(chains, fresh, strict=True):
            trace = chain.traces[-1] if chain.traces else None
            if trace is None:
                trace = await batch.new_trace(chain, said.key or one.keys[0].value, said.flow_id)
            trace.events += 1
            trace.first = min(trace.first or one.time, one.time)
            trace.last = max(trace.last or one.time, one.time)
            updates[trace.id] = trace
            placements.append(Placement(trace.id, one, fresh=True))
        for chain_id, old in stored.items():
            trace = merged[chain_id].traces[-1]
            trace.events = len(old) + sum(one.trace == trace.id for one in placements)
            placements += [Placement(trace.id, one, fresh=False) for one in old]
        await batch.save([an_update(trace, said) for trace in updates.values()], placements)
        if before_commit is not None:
            await before_commit()
    return chains


async def place(
    store: SqlStore, id: str, *keys: tuple[str, str], said: Said | None = None, **rest: Any
) -> int:
    """Store one event with these keys; returns its chain's id."""
    flow = rest.pop("flow", "order")
    event = an_event(id, **rest)
    (chain,) = await put(store, (event, seen_as(event, *keys, flow=flow)), said=said)
    return chain.id


async def claim(store: SqlStore, *events: Event) -> list[Freshness]:
    async with store.ingest() as batch:
        return await batch.fresh([asked(event) for event in events])


async def tell(store: SqlStore, keys: Sequence[tuple[str, str]], said: Said) -> int:
    """Say something new of the trace with these keys, without a new event."""
    async with store.ingest() as batch:
        (chain,) = await batch.chains([KeyGroup("order", tuple(Key(*key) for key in keys))], {"order": 1})
        trace = replace(chain.traces[-1])
        await batch.save([an_update(trace, said)], [])
    return chain.id


async def read_to(store: SqlStore, now: datetime) -> dict[str, datetime | None]:
    """The watermark of each source."""
    return {name: one.watermark for name, one in (await store.sighted(now)).items()}
