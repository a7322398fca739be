"""Questions that sum many rows, answered once for all who ask within a few seconds.

An answer that is no longer fresh is found out anew while those who ask meanwhile are told the last one:
nobody waits for a sum that somebody else looked at a moment ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from monitor.domain.objective import Count, Evaluation, Objective, evaluate
from monitor.statistics import Histogram
from monitor.storage.views import (
    DayRow,
    DeviationRow,
    FlowStatistics,
    FlowTrend,
    OutcomeStep,
    OverdueRow,
    VariantRow,
    VersionRow,
    Views,
)

FRESH = timedelta(seconds=3)
KEEP = timedelta(seconds=10)
"""The oldest that is told to anybody."""

MOST = 512
"""How many answers are kept at most; past it, the oldest are forgotten."""

Answer = TypeVar("Answer")


class _Known:
    """The last answer to a question, from when it is, and the one that is being found out."""

    def __init__(self, begun: datetime, asking: asyncio.Future[Any]) -> None:
        self.begun = begun
        self.asking = asking
        self.last: tuple[datetime, asyncio.Future[Any]] | None = None


class Cached:
    """Answers of the last moments by their question. Within ``fresh`` they are told as they are; within
    ``keep`` too, but asked anew meanwhile. Whoever else asks what is being found out waits for the same
    answer; one who goes away takes it from nobody. An error is told to all who wait and not kept."""

    def __init__(self, keep: timedelta = KEEP, most: int = MOST, fresh: timedelta = FRESH) -> None:
        self._keep = keep
        self._fresh = min(fresh, keep)
        self._most = most
        self._answers: dict[Hashable, _Known] = {}

    async def get(self, question: Hashable, now: datetime, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        known = self._answers.get(question)
        if known is None or not _within(known.begun, now, self._fresh) or _failed(known.asking):
            known = self._ask(question, now, ask, known)
        told = known.asking
        if not told.done() and known.last is not None and _within(known.last[0], now, self._keep):
            told = known.last[1]
        answer: Answer = await asyncio.shield(told)
        return answer

    def _ask(
        self, question: Hashable, now: datetime, ask: Callable[[], Awaitable[Answer]], before: _Known | None
    ) -> _Known:
        self._answers.pop(question, None)
        while len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        asking = asyncio.ensure_future(ask())
        asking.add_done_callback(_failed)
        known = self._answers[question] = _Known(now, asking)
        if before is not None:
            answered = before.asking.done() and not _failed(before.asking)
            known.last = (before.begun, before.asking) if answered else before.last
        return known


def _within(begun: datetime, now: datetime, length: timedelta) -> bool:
    return timedelta(0) <= now - begun < length


def _failed(task: asyncio.Future[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


class Summaries:
    """The questions of :class:`~monitor.storage.views.Views` about many traces; see there."""

    def __init__(self, views: Views, now: Callable[[], datetime], cached: Cached | None = None) -> None:
        self._views = views
        self._now = now
        self._cached = cached or Cached()

    async def versions(self, flow: str) -> Sequence[VersionRow]:
        return await self._cached.get(("versions", flow), self._now(), lambda: self._views.versions(flow))

    async def statistics(
        self, flow_ids: Sequence[int], since: int | None = None, until: int | None = None
    ) -> FlowStatistics:
        return await self._cached.get(
            ("statistics", tuple(flow_ids), since, until),
            self._now(),
            lambda: self._views.statistics(flow_ids, since, until),
        )

    async def trends(self, since: int) -> Mapping[str, FlowTrend]:
        return await self._cached.get(("trends", since), self._now(), lambda: self._views.trends(since))

    async def daily(self, flow_ids: Sequence[int], since: int | None = None) -> Sequence[DayRow]:
        return await self._cached.get(
            ("daily", tuple(flow_ids), since), self._now(), lambda: self._views.daily(flow_ids, since)
        )

    async def variant_count(self, flow_ids: Sequence[int]) -> int:
        return await self._cached.get(
            ("variant_count", tuple(flow_ids)), self._now(), lambda: self._views.variant_count(flow_ids)
        )

    async def variants(self, flow_ids: Sequence[int], limit: int = 20) -> Sequence[VariantRow]:
        return await self._cached.get(
            ("variants", tuple(flow_ids), limit), self._now(), lambda: self._views.variants(flow_ids, limit)
        )

    async def evaluation(self, flow: str, sla: str, objective: Objective, until: datetime) -> Evaluation:
        """How the objective stands; ``until`` may be that of whoever asked a moment before."""

        async def ask() -> Evaluation:
            counts = await self._views.outcomes(flow, sla, objective.begins(until), until)
            return evaluate(objective, until, counts)

        return await self._cached.get(("evaluation", flow, sla, objective), self._now(), ask)

    async def met(
        self, slas: Sequence[tuple[str, str]], length: timedelta
    ) -> Mapping[tuple[str, str], Count]:
        """Of the last ``length``."""
        now = self._now()
        return await self._cached.get(
            ("met", tuple(slas), length), now, lambda: self._views.met(slas, now - length, now)
        )

    async def steps(
        self, flow: str, sla: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[OutcomeStep]:
        return await self._cached.get(
            ("steps", flow, sla, until - since, step),
            self._now(),
            lambda: self._views.outcomes_by(flow, sla, since, until, step),
        )

    async def shares(
        self, since: int, until: int, flow: str | None = None
    ) -> Mapping[tuple[str, str], Histogram]:
        return await self._cached.get(
            ("shares", since, until, flow), self._now(), lambda: self._views.shares(since, until, flow)
        )

    async def overdue(self, slas: tuple[tuple[str, str], ...], limit: int) -> Sequence[OverdueRow]:
        return await self._cached.get(
            ("overdue", slas, limit), self._now(), lambda: self._views.overdue(slas, limit)
        )

    async def deviations(self, length: timedelta, limit: int) -> Sequence[DeviationRow]:
        """Of the last ``length``."""
        now = self._now()
        return await self._cached.get(
            ("deviations", length, limit), now, lambda: self._views.deviations(now - length, limit)
        )

    async def rates(self, length: timedelta) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        """Of the last ``length``."""
        now = self._now()
        return await self._cached.get(("rates", length), now, lambda: self._views.rates(now - length))

    async def uncounted(self) -> int:
        return await self._cached.get(("uncounted",), self._now(), self._views.uncounted)
