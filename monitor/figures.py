"""What stands in the database as a whole, told as metrics: by the sweep, as no single batch knows it."""

from __future__ import annotations

from monitor.metrics import TRACE_STATES, Metrics
from monitor.storage.views import Views
from monitor.sweep import Tick

FIGURES_SECONDS = 15.0


class Figures:
    """Sets the gauges of traces, inbox and statistics from ``views``."""

    def __init__(self, views: Views, metrics: Metrics) -> None:
        self._views = views
        self._metrics = metrics

    def ticks(self) -> list[Tick]:
        return [("figures", self.look, FIGURES_SECONDS)]

    async def look(self) -> int:
        """Returns how many flows there are."""
        flows = await self._views.flows()
        for flow in flows:
            for state in TRACE_STATES:
                self._metrics.traces.labels(flow.key, state).set(getattr(flow, state))
        self._metrics.inbox.set((await self._views.totals()).inbox)
        self._metrics.statistics_behind.set(await self._views.uncounted())
        return len(flows)
