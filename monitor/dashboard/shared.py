"""What nearly every page shows, asked for once by all who read within moments: the pulse, the counts, the
flows and the sources. Many pages that are open while events come in ask for it many times a second.

The pulse is read before the rest, and goes with it: a page made from what is a moment old is refreshed once
more, never once too seldom. Once a new pulse has been told to anybody, what was there before is forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from monitor.storage.views import FlowRow, SourceRow, Totals, Views

KEEP_SECONDS = 0.5


class Glimpse(NamedTuple):
    pulse: str
    totals: Totals
    flows: Sequence[FlowRow]
    sources: Sequence[SourceRow]


class Shared:
    """The :class:`~monitor.storage.views.Views` it is made of; some of its answers are up to ``keep`` seconds
    old. ``now`` is the clock sources are told by. An error is told to all who wait for the same
    answer, and not kept."""

    def __init__(self, views: Views, now: Callable[[], datetime], *, keep: float = KEEP_SECONDS) -> None:
        self._views = views
        self._now = now
        self._keep = keep
        self._known: tuple[float, asyncio.Future[Glimpse]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._views, name)

    def forget(self) -> None:
        """Somebody knows of news: nobody is told anything older from now on."""
        self._known = None

    async def pulse(self) -> str:
        return (await self._glimpse()).pulse

    async def totals(self) -> Totals:
        return (await self._glimpse()).totals

    async def flows(self) -> Sequence[FlowRow]:
        return (await self._glimpse()).flows

    async def sources(self, now: datetime) -> Sequence[SourceRow]:
        del now
        return (await self._glimpse()).sources

    async def _glimpse(self) -> Glimpse:
        time = asyncio.get_running_loop().time()
        if self._known is None or time - self._known[0] >= self._keep or _failed(self._known[1]):
            asking = asyncio.ensure_future(self._ask())
            asking.add_done_callback(_failed)
            self._known = (time, asking)
        return await asyncio.shield(self._known[1])

    async def _ask(self) -> Glimpse:
        views = self._views
        pulse = await views.pulse()
        return Glimpse(pulse, await views.totals(), await views.flows(), await views.sources(self._now()))


def _failed(asking: asyncio.Future[Glimpse]) -> bool:
    return asking.done() and (asking.cancelled() or asking.exception() is not None)
