"""One batch's transaction (DESIGN 3.8): the write side's :class:`~monitor.storage.base.Ingest`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, or_, select

from monitor.domain.audit import Entry
from monitor.domain.checkpoint import Checkpoint
from monitor.domain.event import Event, Misfit, Observation
from monitor.domain.redaction import without_credentials
from monitor.storage import attributes, audit, checkpoints, dedup, judgements
from monitor.storage.base import Chain, Freshness, Kept, KeyGroup, Placement, Seen, Trace, TraceUpdate
from monitor.storage.inbox import Inbox
from monitor.storage.judgements import Judged
from monitor.storage.linking import Linking
from monitor.storage.observed import OBSERVED, SEEN, observation_of
from monitor.storage.tables import LATER_IN_CHAIN, observations, traces
from monitor.storage.tables import events as event_table
from monitor.storage.tally import EVENTS, Counted, Tally
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json, shown_json, strings_json

_MERGED = "Its keys turned out to belong together with another trace's; it goes on as that one."
_DROPPED = "Seen in full, its events belong to another trace of the same keys."

_OBSERVATION = list(observations.c)
_TRACE = list(traces.c)


class SqlIngest:
    """``now`` is the transaction's one instant, for everything that says when we wrote it."""

    def __init__(self, transaction: Transaction, now: datetime) -> None:
        self._transaction = transaction
        self._now = now
        self._tally = Tally()
        self._linking = Linking(transaction)
        self._inbox = Inbox(transaction, self._tally)
        self._event_ids: dict[bytes, int] = {}
        self._kept: dict[bytes, str] = {}
        self._stands: dict[tuple[str, str, bytes], list[int]] = {}  # flow, label, identity -> traces

    async def fresh(self, asked: Sequence[Seen]) -> list[Freshness]:
        return await dedup.fresh(self._transaction, asked, self._now)

    async def take(self, ids: Sequence[int]) -> list[Kept]:
        return await self._inbox.take(ids)

    async def discard(self, ids: Sequence[int]) -> list[Kept]:
        return await self._inbox.discard(ids)

    async def recall(self, events: Sequence[Event]) -> None:
        await self._inbox.recall(events)

    async def misfits(self, misfits: Sequence[Misfit]) -> None:
        await self._inbox.add(misfits)

    async def events(self, events: Sequence[Event], kept: Sequence[str | None]) -> None:
        ids = await self._transaction.ids(event_table, len(events)) if events else []
        rows = []
        for id_, event, data in zip(ids, events, kept, strict=True):
            delivery = event.delivery
            channel, partition, offset, exchange, routing_key, _ = delivery.position
            self._event_ids[event.identity] = id_
            if data is not None:
                self._kept[event.identity] = data
            self._tally.received(delivery.source, delivery.received)
            rows.append(
                (
                    id_,
                    event.identity,
                    event.id,
                    event.type,
                    event.producer,
                    event.subject,
                    event.time,
                    event.time_origin.value,
                    delivery.received,
                    delivery.source,
                    channel,
                    partition,
                    offset,
                    exchange,
                    routing_key,
                    delivery.key,
                    shown_json(without_credentials(delivery.headers)),
                    shown_json(event.attributes),
                    data,
                )
            )
        await self._transaction.append(event_table, list(event_table.c), rows)
        await self._inbox.stored(events)
        for event in events:
            self._tally.add(EVENTS, event.delivery.source, 1)

    async def chains(self, groups: Sequence[KeyGroup], flow_ids: Mapping[str, int]) -> list[Chain]:
        del flow_ids  # a trace names the version it is pinned to when it is begun
        found = await self._linking.chains(groups)
        merged = {trace.id: _MERGED for trace, _ in self._linking.merged}
        await judgements.dissolve(self._transaction, merged, self._now, self._tally)
        await self._retire([trace for trace, _ in self._linking.merged])
        return found

    async def new_trace(self, chain: Chain, key: str, flow_id: int) -> Trace:
        if chain.traces:
            (id_,) = await self._transaction.ids(traces, 1)
            ordinal = chain.traces[-1].ordinal + 1
        else:
            id_, ordinal = chain.id, 0
        trace = Trace(id_, chain.id, ordinal, chain.flow, flow_id, key, stored=False)
        chain.traces.append(trace)
        return trace

    async def history(self, chains: Sequence[int]) -> dict[int, list[Observation]]:
        if not chains:
            return {}
        among = self._transaction.among
        asked = (
            select(*OBSERVED, traces.c.chain_id, observations.c.trace_id)
            .join_from(traces, observations, observations.c.trace_id == traces.c.id)
            .where(
                or_(
                    among(traces.c.id, chains),
                    LATER_IN_CHAIN & among(traces.c.chain_id, chains),
                )
            )
        )
        found: dict[int, list[Observation]] = {chain: [] for chain in chains}
        for row in await self._transaction.rows(asked):
            one = observation_of(row)
            found[row.chain_id].append(one)
            self._stands.setdefault((one.flow, one.label, one.identity), []).append(row.trace_id)
        return found

    async def checkpoints(self, trace: Trace) -> list[Checkpoint]:
        return await checkpoints.load(self._transaction, trace.id)

    async def part(self, trace: Trace, since: datetime | None, until: datetime | None) -> list[Observation]:
        of = observations.c
        asked = select(literal(trace.flow), *SEEN).where(of.trace_id == trace.id)
        if since is not None:
            asked = asked.where(of.time >= since)
        if until is not None:
            asked = asked.where(of.time < until)
        return [observation_of(row) for row in await self._transaction.rows(asked)]

    async def save(
        self,
        updates: Sequence[TraceUpdate],
        placements: Sequence[Placement],
        dropped: Sequence[Trace] = (),
    ) -> None:
        judged = await judgements.write(self._transaction, updates, self._now, self._tally)
        await checkpoints.write(self._transaction, updates)
        await self._write_traces(updates, judged)
        await self._place(placements)
        if self._kept:
            chains = {update.trace.id: update.trace.chain for update in updates}
            found = (
                (one.observation.flow, chains[one.trace], one.observation.identity)
                for one in placements
                if one.fresh
            )
            await attributes.write(self._transaction, found, self._kept)
        await self._drop(dropped)

    async def audit(self, entry: Entry) -> None:
        await audit.write(self._transaction, [entry], self._now)

    async def finish(self) -> None:
        """The last statements before the commit."""
        await self._inbox.finish()
        await self._tally.write(self._transaction)

    # traces -------------------------------------------------------------------------------------------

    async def _write_traces(self, updates: Sequence[TraceUpdate], judged: Judged) -> None:
        begun: list[tuple[Any, ...]] = []
        stored: list[tuple[Any, ...]] = []
        counted = self._linking.counted
        self._tally.touched(update.trace.id for update in updates)
        for update in updates:
            trace = update.trace
            before = counted.get(trace.id)
            sla = judged.slas.get(trace.id, before.sla if before else None)
            confirmed = judged.confirmed.get(trace.id, before.confirmed if before else 0)
            confirmed -= judged.disproved.get(trace.id, 0)
            after = Counted(trace.flow, trace.complete, confirmed, sla)
            self._tally.move(before, after)
            counted[trace.id] = after
            trace.revision += 1
            (stored if trace.stored else begun).append(self._trace_values(update, sla, confirmed))
            trace.stored = True
        # a trace begun by two workers at once is a conflict, never an overwrite
        await self._transaction.append(traces, _TRACE, begun)
        await self._transaction.upsert(traces, _TRACE, stored, _changes)

    def _trace_values(self, update: TraceUpdate, sla: str | None, confirmed: int) -> tuple[Any, ...]:
        trace = update.trace
        return (
            trace.id,
            trace.chain,
            trace.ordinal,
            trace.flow,
            trace.flow_id,
            trace.key,
            trace.state,
            trace.events,
            trace.first,
            trace.last,
            trace.conforms,
            trace.complete,
            update.undecided,
            update.exact,
            update.cost,
            trace.deviations,
            trace.open_clocks,
            sla,
            strings_json(update.expected),
            strings_json(update.standing),
            None if update.visited is None else strings_json(update.visited),
            None,
            trace.revision,
            self._now,
            confirmed,
            trace.cut,
        )

    async def _retire(self, gone: Sequence[Trace]) -> None:
        """Rows of traces that live on as their chain's first trace."""
        self._tally.touched(trace.id for trace in gone)
        for trace in gone:
            self._tally.move(self._linking.counted.pop(trace.id, None), None)
        of = traces.c
        await self._transaction.update(
            traces,
            [of.id],
            [of.state, of.events, of.sla, of.open_clocks, of.confirmed, of.cut, of.updated],
            [(trace.id, None, 0, None, False, 0, False, self._now) for trace in gone],
        )
        if cut := [trace.id for trace in gone if trace.cut]:
            await checkpoints.forget(self._transaction, cut)

    async def _drop(self, dropped: Sequence[Trace]) -> None:
        gone = [trace for trace in dropped if trace.stored]
        if any(trace.id == trace.chain for trace in dropped):
            raise ValueError("the first trace of a chain stands for it and cannot be dropped")
        await judgements.dissolve(
            self._transaction, {trace.id: _DROPPED for trace in gone}, self._now, self._tally
        )
        await self._retire(gone)
        rows = [(trace.id, trace.chain) for trace in gone]
        await self._transaction.update(traces, [traces.c.id], [traces.c.merged_into], rows)
        of = observations.c
        await self._transaction.update(observations, [of.trace_id], [of.trace_id], rows)

    # observations -------------------------------------------------------------------------------------

    async def _place(self, placements: Sequence[Placement]) -> None:
        added: list[tuple[Any, ...]] = []
        moved: list[tuple[Any, ...]] = []
        times = Counter(placement.observation.identity for placement in placements if placement.fresh)
        for trace_id, observation, fresh in placements:
            if fresh:
                shared = times[observation.identity] > 1
                added.append(self._observation_values(trace_id, observation, shared))
                continue
            place = (observation.flow, observation.label, observation.identity)
            standing = self._stands.get(place)
            if not standing:
                raise ValueError(
                    f"history() did not give the observation {observation.label} that is to move"
                )
            came_from = standing.pop()
            if came_from != trace_id:
                moved.append((came_from, observation.time, observation.label, observation.identity, trace_id))
        of = observations.c
        match = [of.trace_id, of.time, of.label, of.identity]
        await self._transaction.update(observations, match, [of.trace_id], moved)
        await self._transaction.append(observations, _OBSERVATION, added)

    def _observation_values(self, trace_id: int, one: Observation, shared: bool) -> tuple[Any, ...]:
        return (
            trace_id,
            one.time,
            self._event_ids[one.identity],
            one.identity,
            one.label,
            one.event_id,
            one.producer,
            one.lane,
            one.offset,
            None if one.sequence is None else str(one.sequence),
            one.cause,
            exact_json(one.attributes) if one.attributes else None,
            shared,
        )


def _changes(new: Any) -> dict[str, Any]:
    """What an update writes of a trace that is there."""
    kept = {"id", "chain_id", "ordinal", "flow", "merged_into", "visited"}
    changed = {column.name: new[column.name] for column in _TRACE if column.name not in kept}
    return changed | {"visited": func.coalesce(new.visited, traces.c.visited)}
