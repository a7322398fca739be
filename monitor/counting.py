"""Statistics brought up to date: traces that changed are counted anew, some at a time."""

from __future__ import annotations

import asyncio

from monitor.flows import Flows
from monitor.statistics.contribution import Contribution, Stands, contribution
from monitor.storage.base import Store
from monitor.timing import Timings

_IN_A_ROW = 20
"""Traces: some milliseconds."""


class Statistician:
    """Counts what changed. Any number may run; one at a time counts."""

    def __init__(self, store: Store, flows: Flows) -> None:
        self._store = store
        self._flows = flows
        self._timings: dict[int, Timings] = {}

    async def count(self, limit: int) -> int:
        """Count the traces of up to ``limit`` changes, in one transaction. Returns how many traces; 0 where
        there is nothing to do, or somebody else is doing it."""
        async with self._store.counting() as counting:
            if counting is None:
                return 0
            changed = await counting.changed(limit)
            counted: dict[int, Contribution | None] = {}
            for number, one in enumerate(changed, 1):
                if number % _IN_A_ROW == 0:
                    await asyncio.sleep(0)  # alerts and clocks of the same process do not wait for statistics
                counted[one.id] = None if one.stands is None else await self._contribution(one.stands)
            await counting.write(counted)
        return len(counted)

    async def _contribution(self, trace: Stands) -> Contribution:
        """A version this program cannot read any more has no steps."""
        expected = await self._flows.version(trace.flow_id) if trace.observations else None
        if expected is None:
            return contribution(trace, (), ())
        timings = self._timings.get(trace.flow_id)
        if timings is None:
            timings = self._timings[trace.flow_id] = Timings(expected.flow)
        aligned = expected.judge.checker.aligned(trace.observations)
        return contribution(trace, aligned, timings.steps([step.label for step in aligned]))
