"""Statistics kept up: what changed traces added before is taken off the sums, and what they add now is added.

Whoever changes a trace appends its id to ``changed_traces`` in the same transaction, so what is counted is
never further behind than these rows say. One transaction at a time counts; it locks nothing that batches
want, and reads traces as they are committed: one that changes meanwhile has its row waiting already.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import delete, select

from monitor.domain.event import Observation
from monitor.domain.verdict import Clock, FindingKind, FindingState
from monitor.statistics.contribution import MOST_EVENTS, Contribution, Stands
from monitor.statistics.sums import STILL_RUNNING, Measure
from monitor.storage.base import ChangedTrace
from monitor.storage.judgements import CLOCK, clock_of
from monitor.storage.observed import OBSERVED, observation_of
from monitor.storage.tables import (
    changed_traces,
    clocks,
    findings,
    late_clocks,
    observations,
    statistics,
    trace_statistics,
    traces,
    variants,
)
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json, from_json, strings, strings_json

_DEVIATIONS = [kind.value for kind in FindingKind if kind.is_deviation]
_MICROSECOND = timedelta(microseconds=1)

_Sum = tuple[int, int, str, str, int]
"""The key of a row of ``statistics``."""


class SqlCounting:
    """One transaction of :class:`~monitor.storage.base.Counting`."""

    def __init__(self, transaction: Transaction, tally: Tally) -> None:
        self._transaction = transaction
        self._tally = tally

    async def changed(self, limit: int) -> list[ChangedTrace]:
        of = changed_traces.c
        asked = select(of.trace_id).order_by(of.id).limit(limit)
        ids = sorted({trace_id for (trace_id,) in await self._transaction.rows(asked)})
        if not ids:
            return []
        # Their later changes, too: those that are committed by now are in what is read next. So a trace is
        # counted once however often it changed while we were behind.
        among = self._transaction.among
        await self._transaction.execute(delete(changed_traces).where(among(of.trace_id, ids)))
        listed = await self._transaction.rows(select(*_SHOWN).where(among(traces.c.id, ids)))
        stand = {row.id: row for row in listed if row.merged_into is None and row.first is not None}
        told = _Told(
            await self._observations(
                [
                    row.id
                    for row in stand.values()
                    if not row.cut and not row.undecided and row.events <= MOST_EVENTS
                ]
            ),
            await self._deviations([row.id for row in stand.values() if row.confirmed]),
            await self._clocks([row.id for row in stand.values() if row.sla is not None]),
        )
        moved = {row.id for row in listed if row.merged_into not in (None, row.id)}
        return [
            *(ChangedTrace(trace_id, _stands(row, told)) for trace_id, row in sorted(stand.items())),
            *(ChangedTrace(trace_id, None) for trace_id in sorted(moved)),
        ]

    async def write(self, counted: Mapping[int, Contribution | None]) -> None:
        before = await self._counted_before(counted)
        kept = {trace_id: _kept(new) for trace_id, new in counted.items() if new is not None}
        sums = Counter[_Sum]()
        of_variant: defaultdict[tuple[int, str], _OfVariant] = defaultdict(_OfVariant)
        for trace_id, new in counted.items():
            old = before.get(trace_id)
            if old is not None:
                _add(sums, of_variant, old, -1)
            if new is not None:
                _add(sums, of_variant, kept[trace_id], 1)
                if new.variant is not None:
                    of_variant[new.flow_id, new.variant].labels = new.labels
        await self._write_traces(counted, kept)
        await self._write_sums(sums)
        await self._write_variants(of_variant)
        if counted:
            self._tally.changed()

    async def no_longer_standing(self, ids: Collection[int]) -> None:
        """These traces are about to be deleted before they were complete: they stand nowhere any more, and no
        clock of theirs runs. What else they added stays."""
        sums = Counter[_Sum]()
        for kept in (await self._counted_before(ids)).values():
            for measure, element, bucket, count in kept.cells:
                if measure == Measure.STANDING or (measure, bucket) == (Measure.SHARE, STILL_RUNNING):
                    sums[kept.flow_id, kept.day, measure, element, bucket] -= count
        await self._write_sums(sums)

    # what there is ------------------------------------------------------------------------------------

    async def _observations(self, ids: Collection[int]) -> dict[int, list[Observation]]:
        of = observations.c
        found: dict[int, list[Observation]] = {}
        asked = (
            select(*OBSERVED, of.trace_id)
            .join_from(observations, traces, traces.c.id == of.trace_id)
            .where(self._transaction.among(of.trace_id, ids))
            .order_by(of.trace_id, of.time, of.label, of.identity)
        )
        for row in await self._transaction.rows(asked) if ids else ():
            found.setdefault(row.trace_id, []).append(observation_of(row))
        return found

    async def _deviations(self, ids: Collection[int]) -> dict[int, list[tuple[str | None, FindingKind]]]:
        of = findings.c
        found: dict[int, list[tuple[str | None, FindingKind]]] = {}
        asked = select(of.trace_id, of.element, of.kind).where(
            self._transaction.among(of.trace_id, ids),
            of.state == FindingState.CONFIRMED.value,
            of.kind.in_(_DEVIATIONS),
        )
        for row in await self._transaction.rows(asked) if ids else ():
            found.setdefault(row.trace_id, []).append((row.element, FindingKind(row.kind)))
        return found

    async def _clocks(self, ids: Collection[int]) -> dict[int, list[Clock]]:
        found: dict[int, list[Clock]] = {}
        asked = select(clocks.c.trace_id, *CLOCK).where(self._transaction.among(clocks.c.trace_id, ids))
        for trace_id, *values in await self._transaction.rows(asked) if ids else ():
            found.setdefault(trace_id, []).append(clock_of(*values))
        return found

    async def _counted_before(self, ids: Collection[int]) -> dict[int, _Kept]:
        of = trace_statistics.c
        rows = await self._transaction.rows(
            select(trace_statistics).where(self._transaction.among(of.trace_id, ids))
        )
        return {row.trace_id: _loaded(row) for row in rows}

    # what is written ----------------------------------------------------------------------------------

    async def _write_traces(
        self, counted: Mapping[int, Contribution | None], kept: Mapping[int, _Kept]
    ) -> None:
        among = self._transaction.among
        gone = [trace_id for trace_id, new in counted.items() if new is None]
        if gone:
            await self._transaction.execute(
                delete(trace_statistics).where(among(trace_statistics.c.trace_id, gone))
            )
        await self._transaction.execute(delete(late_clocks).where(among(late_clocks.c.trace_id, counted)))
        there = [(trace_id, new) for trace_id, new in sorted(counted.items()) if new is not None]
        await self._transaction.upsert(
            trace_statistics,
            list(trace_statistics.c),
            [
                (
                    trace_id,
                    new.flow,
                    new.flow_id,
                    new.variant,
                    kept[trace_id].duration,
                    _dumped(kept[trace_id]),
                )
                for trace_id, new in there
            ],
        )
        await self._transaction.append(
            late_clocks,
            list(late_clocks.c),
            [
                (trace_id, late.sla, late.occurrence, new.flow, late.over // _MICROSECOND)
                for trace_id, new in there
                for late in new.late
            ],
        )

    async def _write_sums(self, sums: Mapping[_Sum, int]) -> None:
        of = statistics.c
        changed = sorted((key, amount) for key, amount in sums.items() if amount)
        await self._transaction.upsert(
            statistics,
            list(of),
            [(*key, amount) for key, amount in changed],
            lambda new: {"amount": of.amount + new.amount},
        )
        emptied = [(*key, 0) for key, amount in changed if amount < 0]
        await self._transaction.delete(statistics, list(of), emptied)

    async def _write_variants(self, changed: Mapping[tuple[int, str], _OfVariant]) -> None:
        of = variants.c
        moved = sorted((key, one) for key, one in changed.items() if one.is_change)
        await self._transaction.upsert(
            variants,
            list(of),
            [(*key, strings_json(one.labels), one.traces, one.deviating, one.duration) for key, one in moved],
            lambda new: {
                "traces": of.traces + new.traces,
                "deviating": of.deviating + new.deviating,
                "duration": of.duration + new.duration,
            },
        )
        emptied = [(*key, 0) for key, one in moved if one.traces < 0]
        await self._transaction.delete(variants, [of.flow_id, of.variant, of.traces], emptied)


class _Told(NamedTuple):
    observations: Mapping[int, Sequence[Observation]]
    deviations: Mapping[int, Sequence[tuple[str | None, FindingKind]]]
    clocks: Mapping[int, Sequence[Clock]]


class _Kept(NamedTuple):
    """What a trace added: enough to take it off again."""

    flow_id: int
    day: int
    deviating: bool
    variant: str | None
    duration: int | None
    cells: Sequence[tuple[str, str, int, int]]


@dataclass(slots=True)
class _OfVariant:
    labels: tuple[str, ...] = ()
    traces: int = 0
    deviating: int = 0
    duration: int = 0

    @property
    def is_change(self) -> bool:
        return bool(self.traces or self.deviating or self.duration)


_of = traces.c
_SHOWN = [
    _of.id,
    _of.flow,
    _of.flow_id,
    _of.first,
    _of.last,
    _of.complete,
    _of.confirmed,
    _of.undecided,
    _of.cut,
    _of.events,
    _of.sla,
    _of.standing,
    _of.merged_into,
]


def _stands(row: Any, told: _Told) -> Stands:
    return Stands(
        flow=row.flow,
        flow_id=row.flow_id,
        first=row.first,
        last=row.last,
        complete=row.complete,
        standing=strings(row.standing),
        observations=tuple(told.observations.get(row.id, ())),
        deviations=tuple(told.deviations.get(row.id, ())),
        clocks=tuple(told.clocks.get(row.id, ())),
    )


def _kept(new: Contribution) -> _Kept:
    return _Kept(
        new.flow_id,
        new.day,
        new.deviating,
        new.variant,
        None if new.duration is None else new.duration // _MICROSECOND,
        [(cell.measure.value, cell.element, cell.bucket, count) for cell, count in new.cells.items()],
    )


def _dumped(kept: _Kept) -> bytes:
    said = [kept.day, kept.deviating, kept.cells]
    try:
        text = orjson.dumps(said)
    except TypeError:  # an id with half a surrogate pair
        text = exact_json(said).encode()
    return zlib.compress(text, 1)


def _loaded(row: Any) -> _Kept:
    text = zlib.decompress(row.cells)
    told: Any
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:  # an id with half a surrogate pair
        told = from_json(text.decode())
    day, deviating, cells = told
    return _Kept(row.flow_id, day, deviating, row.variant, row.duration, cells)


def _add(
    sums: Counter[_Sum], of_variant: Mapping[tuple[int, str], _OfVariant], kept: _Kept, sign: int
) -> None:
    for measure, element, bucket, count in kept.cells:
        sums[kept.flow_id, kept.day, measure, element, bucket] += sign * count
    if kept.variant is not None:
        one = of_variant[kept.flow_id, kept.variant]
        one.traces += sign
        one.deviating += sign * kept.deviating
        one.duration += sign * (kept.duration or 0)
