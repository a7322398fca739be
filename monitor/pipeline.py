"""Stages 2 to 7 for one batch: decode, map, correlate, judge, store; then it may be acknowledged.

One transaction per batch (DESIGN 3.8): either everything a batch says is stored, or it comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

from monitor import correlate, long_traces
from monitor.decode import Decoder
from monitor.domain.event import Delivery, Event, InboxReason, Misfit, Observation
from monitor.flows import Expected, Flows
from monitor.identity import content
from monitor.judging import JudgedTrace
from monitor.mapping import Mapping
from monitor.metrics import Metrics
from monitor.storage.base import Chain, Ingest, KeyGroup, Placement, Seen, Store, Trace, TraceUpdate
from monitor.tracing import UNTRACED, Span, Tracer

_SLICE = 50
"""Messages read, or chains judged, until others are let go on: a millisecond or two."""

Observed = tuple[Event, Sequence[Observation]]
"""An event, and what the flows see of it: at least one observation."""


class Read(NamedTuple):
    """What a batch says: events that flows see, messages for the inbox, and how many nobody wants."""

    deliveries: Sequence[Delivery]
    observed: Sequence[Observed]
    misfits: Sequence[Misfit]
    ignored: int


@dataclass(slots=True)
class Outcome:
    """What became of a batch. ``repeats``: events that were stored before."""

    stored: int = 0
    ignored: int = 0
    repeats: list[Event] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)

    @property
    def duplicates(self) -> int:
        return len(self.repeats)


@dataclass(slots=True)
class _Writes:
    updates: list[TraceUpdate] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    dropped: list[Trace] = field(default_factory=list)


class Pipeline:
    """The journey of a batch. Holds no state of its own between batches."""

    def __init__(
        self,
        decoder: Decoder,
        mapping: Mapping,
        flows: Flows,
        store: Store,
        metrics: Metrics,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self.decoder = decoder
        self.mapping = mapping
        self.flows = flows
        self.store = store
        self.metrics = metrics
        self.tracer = tracer

    async def process(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Read and store a batch. Raises as :meth:`store_read` does."""
        return await self.store_read(await self.read(deliveries))

    async def read(self, deliveries: Sequence[Delivery]) -> Read:
        """Decode and map: all that can be told without the database. Whoever waits meanwhile, as for the
        database, is let go on every few messages."""
        observed: list[Observed] = []
        aside = Outcome()
        decoding = mapping = 0.0
        for at in range(0, len(deliveries), _SLICE):
            begun = perf_counter()
            held = [one for delivery in deliveries[at : at + _SLICE] for one in self.decoder.decode(delivery)]
            decoded = perf_counter()
            observed += self.observe(held, aside)
            mapping += perf_counter() - decoded
            decoding += decoded - begun
            await asyncio.sleep(0)
        self.metrics.batch_seconds.labels("decode").observe(decoding)
        self.metrics.batch_seconds.labels("map").observe(mapping)
        return Read(deliveries, observed, aside.misfits, aside.ignored)

    async def store_read(self, read: Read) -> Outcome:
        """Store all a batch says, in one transaction. Raises StorageUnavailable when it should be tried
        again as it is; any other error means that something in it cannot be processed."""
        outcome = Outcome(misfits=list(read.misfits), ignored=read.ignored)
        with self._stage("store") as span:
            if self.tracer.links:
                _link(span, (event for event, _ in read.observed))
            async with self.store.ingest() as ingest:
                await self.place(ingest, read.observed, outcome)
            span.tell(
                deliveries=len(read.deliveries),
                stored=outcome.stored,
                repeats=outcome.duplicates,
                misfits=len(outcome.misfits),
                ignored=outcome.ignored,
            )
        self._count(read.deliveries, outcome)
        return outcome

    @contextmanager
    def _stage(self, name: str) -> Iterator[Span]:
        with self.metrics.batch_seconds.labels(name).time(), self.tracer.span(name) as span:
            yield span

    def observe(self, decoded: Iterable[Event | Misfit], outcome: Outcome) -> list[Observed]:
        """What the flows see of these; what they cannot goes to the outcome."""
        observed: list[Observed] = []
        for one in decoded:
            if isinstance(one, Misfit):
                outcome.misfits.append(one)
                continue
            seen = self.mapping.observe(one)
            if isinstance(seen, Misfit):
                outcome.misfits.append(seen)
            elif seen:
                observed.append((one, seen))
            else:
                outcome.ignored += 1
        return observed

    async def place(self, ingest: Ingest, observed: Sequence[Observed], outcome: Outcome) -> None:
        """Stages 3 to 7, and the outcome's misfits to the inbox, within a transaction."""
        await ingest.recall([event for event, _ in observed if event.delivery.redelivered])
        fresh = await self._fresh(ingest, observed, outcome)
        await ingest.misfits(outcome.misfits)
        await ingest.events([event for event, _ in fresh], [self.mapping.kept(event) for event, _ in fresh])
        await self._judge(ingest, [one for _, several in fresh for one in several])
        outcome.stored = len(fresh)

    # stages ------------------------------------------------------------------------------------------

    async def _fresh(self, ingest: Ingest, observed: Sequence[Observed], outcome: Outcome) -> list[Observed]:
        """Those stored for the first time. An id used again for something else goes to the inbox."""
        answers = await ingest.fresh(
            [
                Seen(event.identity, content(event), event.delivery.redelivered, event.id is not None)
                for event, _ in observed
            ]
        )
        fresh: list[Observed] = []
        for (event, observations), answer in zip(observed, answers, strict=True):
            if answer.fresh:
                fresh.append((event, observations))
            elif answer.reused:
                outcome.misfits.append(_reused(event))
            else:
                outcome.repeats.append(event)
        return fresh

    async def _judge(self, ingest: Ingest, observations: Sequence[Observation]) -> None:
        with self._stage("correlate"):
            groups = correlate.group(observations)
            chains = await ingest.chains(
                [KeyGroup(group.flow, group.keys) for group in groups], self.flows.active_ids()
            )
        mine: dict[int, tuple[Chain, list[Observation]]] = {}
        for chain, group in zip(chains, groups, strict=True):
            mine.setdefault(chain.id, (chain, []))[1].extend(group.observations)

        writes = _Writes()
        with self._stage("check"):
            await self._check(ingest, mine, writes)
        await ingest.save(writes.updates, writes.placements, writes.dropped)

    async def _check(
        self, ingest: Ingest, mine: dict[int, tuple[Chain, list[Observation]]], writes: _Writes
    ) -> None:
        """Judge every chain with what is new of it. Reads the history of those that need it."""
        replayed: list[tuple[Chain, list[Observation]]] = []
        for number, (chain, new) in enumerate(mine.values(), 1):
            if number % _SLICE == 0:
                await asyncio.sleep(0)
            if await self._advance(chain, new, writes) or await self._resume(ingest, chain, new, writes):
                continue
            replayed.append((chain, new))
        stored = await ingest.history([chain.id for chain, _ in replayed if chain.traces])
        for chain, new in replayed:
            await self._replay(ingest, chain, stored.get(chain.id, []), new, writes)

    async def _advance(self, chain: Chain, new: list[Observation], writes: _Writes) -> bool:
        """The usual case: the observations go on where the chain's last trace stands."""
        if not _ends_alone(chain):
            return False
        trace = chain.traces[-1]
        expected = await self.flows.version(trace.flow_id)
        if trace.state is None or expected is None:
            return False
        judged = expected.judge.advance(trace.state, new)
        if judged is None:
            return False
        trace.events += len(judged.observations)
        called, trace.key = trace.key, _key(chain, expected, trace)
        clocks = judged.moved or trace.key != called  # what is said of clocks names the trace
        writes.updates.append(self._update(trace, judged, expected, findings=False, clocks=clocks))
        writes.placements += [
            Placement(trace.id, observation, fresh=True) for observation in judged.observations
        ]
        return True

    async def _resume(self, ingest: Ingest, chain: Chain, new: list[Observation], writes: _Writes) -> bool:
        """A long trace: judge again only the segments that the observations are about."""
        if not _ends_alone(chain) or not chain.traces[-1].cut:
            return False
        trace = chain.traces[-1]
        expected = await self.flows.version(trace.flow_id)
        if expected is None:
            return False
        judged = await long_traces.resume(ingest, trace, expected.judge, new, is_first=len(chain.traces) == 1)
        if judged is None:
            return False
        self.metrics.replays.labels("segment").inc()
        trace.events += len(new)
        trace.first = min((trace.first or new[0].time, *(one.time for one in new)))
        trace.key = _key(chain, expected, trace)
        writes.updates.append(self._update(trace, judged, expected, findings=True, reason=_reason(new)))
        writes.placements += [Placement(trace.id, observation, fresh=True) for observation in new]
        return True

    async def _replay(
        self,
        ingest: Ingest,
        chain: Chain,
        stored: Sequence[Observation],
        new: list[Observation],
        writes: _Writes,
    ) -> None:
        """Judge the whole chain again, trace by trace, each by the version it is pinned to."""
        if chain.traces:
            self.metrics.replays.labels(_why(chain)).inc()
        reason = _reason(new) if chain.traces else ""
        fresh = {observation.identity for observation in new}
        regrouped = bool(chain.absorbed) or len(chain.traces) > 1
        kept = list(chain.traces)
        rest: Sequence[Observation] = [*stored, *new]
        count = 0
        while rest:
            trace = kept[count] if count < len(kept) else None
            expected = await self._expected(chain, trace)
            judged, rest = expected.judge.replay(rest)
            regrouped = regrouped or bool(rest)
            if trace is None:
                trace = await ingest.new_trace(chain, _key(chain, expected, None), expected.id)
            trace.key = _key(chain, expected, trace)
            trace.events = len(judged.observations)
            trace.first = judged.observations[0].time
            writes.updates.append(self._update(trace, judged, expected, findings=True, reason=reason))
            writes.placements += [
                Placement(trace.id, observation, observation.identity in fresh)
                for observation in judged.observations
                if regrouped or observation.identity in fresh
            ]
            count += 1
        writes.dropped += kept[count:]

    async def _expected(self, chain: Chain, trace: Trace | None) -> Expected:
        expected = None if trace is None else await self.flows.version(trace.flow_id)
        if expected is None:  # a new trace, or one pinned to a version this program cannot read any more
            expected = self.flows.active[chain.flow]
            if trace is not None:
                trace.flow_id = expected.id
        return expected

    def _update(
        self,
        trace: Trace,
        judged: JudgedTrace,
        expected: Expected,
        *,
        findings: bool,
        clocks: bool = True,
        reason: str = "",
    ) -> TraceUpdate:
        verdict = judged.verdict
        trace.state = judged.stored
        last = max(observation.time for observation in judged.observations)
        is_whole = any(span.is_whole for span in judged.spans)
        trace.last = last if is_whole or trace.last is None else max(last, trace.last)
        trace.conforms = verdict.conforms
        trace.complete = verdict.complete
        trace.deviations = judged.deviations
        trace.open_clocks = any(clock.state.is_open for clock in verdict.clocks)
        return TraceUpdate(
            trace=trace,
            cost=verdict.cost,
            exact=verdict.exact,
            undecided=verdict.undecided,
            expected=verdict.expected,
            visited=None,
            standing=verdict.standing,
            findings=verdict.findings if findings else None,
            clocks=verdict.clocks if clocks and expected.flow.slas else None,
            reason=reason,
            spans=judged.spans,
            settled=judged.settled,
            watched=self.flows.watched.get(trace.flow),
        )

    def _count(self, deliveries: Sequence[Delivery], outcome: Outcome) -> None:
        if not deliveries:
            return
        source = deliveries[0].source
        self.metrics.batch_size.labels(source).observe(len(deliveries))
        self.metrics.events_stored.labels(source).inc(outcome.stored)
        self.metrics.duplicates.labels(source).inc(outcome.duplicates)
        self.metrics.ignored.labels(source).inc(outcome.ignored)
        for misfit in outcome.misfits:
            self.metrics.misfits.labels(source, misfit.reason.value).inc()


def _link(span: Span, events: Iterable[Event]) -> None:
    """The batch is about the traces that its events say they belong to; it continues none of them."""
    for one in events:
        if said := one.attributes.get("traceparent") or _in_header(one):
            span.link(said)


def _in_header(event: Event) -> str | None:
    said = event.delivery.headers.get("traceparent")
    return said if isinstance(said, str) else None


def _ends_alone(chain: Chain) -> bool:
    """Whether the chain's last trace can be judged without the others."""
    return bool(chain.traces) and not chain.absorbed and not (chain.linked and len(chain.traces) > 1)


def _key(chain: Chain, expected: Expected, trace: Trace | None) -> str:
    """What a trace is called: of all its keys the least of the flow's main one, else the least."""
    if chain.traces and not chain.linked:
        return (trace or chain.traces[0]).key
    main = [key.value for key in chain.keys if key.name == expected.flow.main_key]
    return min(main) if main else chain.keys[0].value


def _why(chain: Chain) -> str:
    if chain.absorbed:
        return "merged"
    last = chain.traces[-1]
    if last.state is None:
        return "cold" if last.conforms else "deviating"
    return "late"


def _reason(new: Sequence[Observation]) -> str:
    """Why findings may be taken back: what has come to light."""
    latest = max(new, key=lambda observation: observation.time)
    others = f" and {len(new) - 1} more" if len(new) > 1 else ""
    return f"{latest.label}{others} came in and put it right."


def _reused(event: Event) -> Misfit:
    return Misfit(
        event.delivery,
        InboxReason.ID_REUSED,
        f"The event id “{event.id}” was used before by “{event.producer or event.delivery.source}”,"
        " for an event with other content.",
        "Let the producer give every event an id of its own.",
        type=event.type,
        event=event,
    )
