"""Deployed flows as those see them who only look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.bpmn.document import Document
from monitor.bpmn.outline import Outlined, outline
from monitor.conformance.path import visited
from monitor.domain.event import Observation
from monitor.flows import Flows
from monitor.sla.places import places
from monitor.storage.views import EventRow
from monitor.timing import Course, Timings


class DeployedFlows:
    """The dashboard's window on deployed flows."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._timings: dict[int, Timings] = {}

    async def document(self, flow_id: int) -> Document | None:
        expected = await self._flows.version(flow_id)
        return None if expected is None else expected.document

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        expected = await self._flows.version(flow_id)
        return {} if expected is None else expected.flow.labels

    async def places(self, flow_id: int) -> Mapping[str, str]:
        expected = await self._flows.version(flow_id)
        return {} if expected is None else places(expected.flow)

    async def outline(self, flow_id: int) -> Sequence[Outlined]:
        expected = await self._flows.version(flow_id)
        return () if expected is None else outline(expected.flow)

    async def visited(self, flow_id: int, events: Sequence[EventRow]) -> Sequence[str]:
        expected = await self._flows.version(flow_id)
        if expected is None or not events:
            return ()
        observations = [
            Observation(expected.flow.key, event.label, event.time, event.identity) for event in events
        ]
        return visited(expected.flow, expected.judge.checker.counted(observations))

    async def course(self, flow_id: int, events: Sequence[EventRow]) -> Course | None:
        expected = await self._flows.version(flow_id)
        if expected is None:
            return None
        known = self._timings.get(flow_id)
        if known is None:
            known = self._timings[flow_id] = Timings(expected.flow)
        observations = {
            Observation(expected.flow.key, event.label, event.time, event.identity): index
            for index, event in enumerate(events)
        }
        aligned = expected.judge.checker.aligned(list(observations))
        return Course(
            known.steps([step.label for step in aligned]),
            tuple(None if step.observation is None else observations[step.observation] for step in aligned),
        )
