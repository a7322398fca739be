"""What time alone brings about: SLA clocks that fall due, findings that nothing disproved, and the end of
what has been kept long enough.

Ticks are driven by APScheduler; what a tick does depends on the watermarks in the database, so any number
of sweepers may run. Nothing is judged later than the slowest source that feeds a flow has been read to
(DESIGN 3.6): a monitor that is behind raises no alarm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.assembly import objectives_of
from monitor.counting import Statistician
from monitor.domain.notice import NoticeKind
from monitor.domain.objective import Evaluation, evaluate
from monitor.errors import StorageUnavailable
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.past import past_notice
from monitor.sight import Blindness, Horizon, Sighted, Spells, horizons
from monitor.sla.outcomes import burn_notice
from monitor.storage.base import Store
from monitor.tracing import UNTRACED, Tracer

log = logging.getLogger("choreoscope.sweep")

BATCH = 1000
TICK_SECONDS = 0.5
SIGHT_SECONDS = 2.0
HISTORY_SECONDS = 5.0
OBJECTIVE_SECONDS = 60.0
FORGOTTEN = timedelta(hours=2)
"""So long the notice of an unreadable clock lasts: it is tried again every hour."""

SETTLED = timedelta(minutes=1)
"""So long nothing more of the past must have been found before its notice ends."""

ALIVE = timedelta(minutes=1)
"""A sweep that has not got through for so long does not do its work."""

_VITAL = ("clocks", "confirmations")

COUNT_BATCH = 300
COUNT_SECONDS = 1.0
MOST_COUNTS = 20
"""Batches of statistics in one tick: others must have their turn."""

Tick = tuple[str, Callable[[], Awaitable[int]], float]
"""A name, what is done, and every how many seconds."""

PURGE_BATCH = 200
PURGE_SECONDS = 60.0


class Sweeper:
    """``feeds``: for each flow the sources that feed it. ``blindness``: when a source counts as blind, and
    for how long absence is not judged then. ``keep_traces``, ``keep_open``, ``keep_inbox``: how long complete
    traces, others, and messages of the inbox are kept; None is for good. ``now`` is the clock of this edge.
    """

    def __init__(
        self,
        store: Store,
        flows: Flows,
        feeds: Mapping[str, Collection[str]],
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        blindness: Blindness | None = None,
        keep_traces: timedelta | None = None,
        keep_open: timedelta | None = None,
        keep_inbox: timedelta | None = None,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self.store = store
        self.flows = flows
        self.feeds = feeds
        self.metrics = metrics
        self.now = now
        self.blindness = blindness or Blindness()
        self.spells = Spells(self.blindness, now())
        self.keep_traces = keep_traces
        self.keep_open = keep_open
        self.keep_inbox = keep_inbox
        self.tracer = tracer
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._statistician = Statistician(store, flows)
        self._past: dict[str, tuple[str, datetime]] = {}
        self._interrupted: set[str] = set()
        self._ticks: set[asyncio.Task[Any]] = set()
        self._done = dict.fromkeys(_VITAL, now())

    def is_alive(self) -> bool:
        """Whether clocks and confirmations have been looked at lately."""
        now = self.now()
        return all(now - self._done[name] < ALIVE for name in _VITAL)

    async def horizons(self) -> dict[str, Horizon]:
        """Up to when each flow can be judged. Flows fed by a source that was never caught up are left out:
        nothing can be said of them yet."""
        now = self.now()
        return horizons(self.feeds, await self._sighted(now), self.spells.since, self.blindness, now)

    async def watermarks(self) -> dict[str, datetime]:
        """Per flow the time up to which all sources that feed it are really read."""
        found = {flow: one.verified for flow, one in (await self.horizons()).items()}
        return {flow: mark for flow, mark in found.items() if mark is not None}

    async def _sighted(self, now: datetime) -> dict[str, Sighted]:
        """Of the sources that feed a flow, those that never reported included."""
        told = await self.store.sighted(now)
        names = sorted({name for names in self.feeds.values() for name in names})
        return {name: told.get(name, Sighted(None, "no worker has reported yet")) for name in names}

    async def blind(self) -> int:
        """Tell which sources are blind, once a spell, and whose spell is over. Returns how many are."""
        now = self.now()
        sources = await self._sighted(now)
        lasting = {notice.subject: notice for notice in await self.store.notices(NoticeKind.BLIND)}
        self.spells.look(sources, lasting, now)
        for notice in self.spells.notices(sources, now):
            known = lasting.pop(notice.subject, None)
            if known is not None and known.message == notice.message:
                continue
            if await self.store.begin_notice(notice):
                log.warning("%s", notice.message)
        for name in lasting:
            if await self.store.end_notice(NoticeKind.BLIND, name, now):
                log.info("source %s is read again; what it held is judged by when it happened", name)
        for name in sources:
            self.metrics.blind.labels(name).set(name in self.spells.since)
        for flow, mark in (await self.watermarks()).items():
            self.metrics.judged_age.labels(flow).set((now - mark).total_seconds())
        return len(self.spells.since)

    async def objectives(self) -> int:
        """Evaluate every objective as far as its flow is read, and tell which budget burns too fast, once.
        Returns how many do."""
        now, read = self.now(), await self.watermarks()
        lasting = {notice.subject for notice in await self.store.notices(NoticeKind.BURN_RATE)}
        burning: set[str] = set()
        for flow, of in objectives_of(one.flow for one in self.flows.active.values()).items():
            for sla, objective in of.items() if flow in read else ():
                begins = objective.begins(read[flow])
                counts = await self.store.outcomes(flow, sla, begins, read[flow])
                told = evaluate(objective, read[flow], counts)
                self._show(flow, sla, told)
                notice = burn_notice(flow, sla, told, now)
                if notice is not None:
                    burning.add(notice.subject)
                    if await self.store.begin_notice(notice):
                        log.warning("%s", notice.message)
        for subject in sorted(lasting - burning):
            if subject.partition("/")[0] in read:
                await self.store.end_notice(NoticeKind.BURN_RATE, subject, now)
        return len(burning)

    def _show(self, flow: str, sla: str, told: Evaluation) -> None:
        self.metrics.objective_met.labels(flow, sla).set(told.count.met)
        self.metrics.objective_total.labels(flow, sla).set(told.count.total)
        self.metrics.objective_target.labels(flow, sla).set(told.objective.target)

    async def history(self) -> int:
        """Tell, once, what was found of a past that was read in. Returns of how many flows there is news."""
        now = self.now()
        found = await self.store.historic()
        for flow, counts in found.items():
            watched = self.flows.watched.get(flow)
            if watched is None:
                continue
            notice = past_notice(flow, counts, watched, now)
            known = self._past.get(flow)
            if known is None or known[0] != notice.message:
                self._past[flow] = (notice.message, now)
                if await self.store.begin_notice(notice):
                    log.info("%s", notice.message)
        read = await self.watermarks()
        for notice in await self.store.notices(NoticeKind.UNREADABLE_CLOCK):
            if now - notice.noticed > FORGOTTEN:  # one that still is unreadable is told anew
                await self.store.end_notice(notice.kind, notice.subject, now)
        for flow, (_, since) in list(self._past.items()):
            if now - since >= SETTLED and flow in read and read[flow] >= self.flows.watched.get(flow, now):
                await self.store.end_notice(NoticeKind.HISTORY, flow, now)
                del self._past[flow]
        return len(found)

    async def clocks(self) -> int:
        """Move on every clock that its flow's horizon has passed, and verify what can be by now. Returns how
        many moved."""
        seen = await self.horizons()
        watermarks = {flow: one.until for flow, one in seen.items()}
        verified = {flow: one.verified for flow, one in seen.items()}
        read = {flow: mark for flow, mark in verified.items() if mark is not None}
        while read and await self.store.verify_clocks(read, self.now(), BATCH) == BATCH:
            pass
        moved = 0
        while watermarks:
            due = await self.store.sweep_clocks(watermarks, self.now(), BATCH, verified, self.flows.watched)
            done = self.now()
            for one in due:
                self.metrics.clocks_due.labels(one.flow, one.clock.state.value).inc()
                armed = one.clock.at_risk if one.clock.state == "at_risk" else one.clock.due
                if armed is not None:
                    self.metrics.sweep_delay.observe(max(0.0, (done - armed).total_seconds()))
            moved += len(due)
            if len(due) < BATCH:
                break
        return moved

    async def confirm(self) -> int:
        """Confirm findings that no event can disprove in time any more. Returns how many."""
        until = {
            flow: mark - self.flows.active[flow].flow.ordering.lateness
            for flow, mark in (await self.watermarks()).items()
            if flow in self.flows.active
        }
        confirmed = 0
        while until:
            count = await self.store.confirm_findings(until, self.now(), BATCH)
            confirmed += count
            if count < BATCH:
                break
        self.metrics.findings_confirmed.inc(confirmed)
        return confirmed

    async def count(self) -> int:
        """Bring statistics up to date. Returns how many traces were counted anew."""
        counted = 0
        for _ in range(MOST_COUNTS):
            count = await self._statistician.count(COUNT_BATCH)
            counted += count
            if not count:
                break
        self.metrics.traces_counted.inc(counted)
        return counted

    async def purge(self) -> int:
        """Delete what has been kept long enough. Returns how many traces and messages."""
        now = self.now()
        traces = stuck = messages = 0
        purged = self.metrics.purged
        if (kept := self.keep_traces) is not None:
            traces = await _all(
                lambda: self.store.purge_traces(kept, now, PURGE_BATCH), purged.labels("traces").inc
            )
        if (waited := self.keep_open) is not None:
            read = await self.watermarks()
            stuck = await _all(
                lambda: self.store.purge_open(waited, read, now, PURGE_BATCH), purged.labels("traces").inc
            )
        if self.keep_traces is not None or self.keep_open is not None:
            await _all(lambda: self.store.forget_seen(now, PURGE_BATCH))
        if (held := self.keep_inbox) is not None:
            messages = await _all(
                lambda: self.store.purge_inbox(held, now, PURGE_BATCH), purged.labels("inbox").inc
            )
        if traces or stuck or messages:
            log.info(
                "retention: %d complete traces, %d others and %d messages of the inbox deleted",
                traces,
                stuck,
                messages,
            )
        return traces + stuck + messages

    def schedule(self, scheduler: AsyncIOScheduler, more: Sequence[Tick] = ()) -> None:
        """Register the ticks, and ``more`` of other parts: one of a kind at a time, missed ones made up for
        once."""
        ticks: list[Tick] = [
            ("clocks", self.clocks, TICK_SECONDS),
            ("confirmations", self.confirm, TICK_SECONDS),
            ("blindness", self.blind, SIGHT_SECONDS),
            ("history", self.history, HISTORY_SECONDS),
            ("objectives", self.objectives, OBJECTIVE_SECONDS),
            ("statistics", self.count, COUNT_SECONDS),
        ]
        if any(keep is not None for keep in (self.keep_traces, self.keep_open, self.keep_inbox)):
            ticks.append(("retention", self.purge, PURGE_SECONDS))
        ticks += more
        for name, task, seconds in ticks:
            scheduler.add_job(
                self._tick,
                "interval",
                args=[name, task],
                seconds=seconds,
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    async def stop(self) -> None:
        """Break off the ticks that are under way, and wait until they have let go of what they hold: whoever
        opens the database next must not have to wait for them."""
        ticks = list(self._ticks)
        for tick in ticks:
            tick.cancel()
        await asyncio.gather(*ticks, return_exceptions=True)

    async def _tick(self, name: str, task: Callable[[], Awaitable[int]]) -> None:
        """One tick. What another tick cannot mend is told to :attr:`failed`: a sweep that died unnoticed
        would be silence taken for health. The scheduler ends its ticks by cancelling them, and would call
        that an error."""
        tick = asyncio.current_task()
        assert tick is not None
        self._ticks.add(tick)
        tick.add_done_callback(self._ticks.discard)
        try:
            with self.metrics.sweep_seconds.labels(name).time(), self.tracer.span("sweep", task=name) as span:
                count = await task()
                span.tell(count=count)
                if not count:  # two ticks a second that find nothing to do are not worth telling
                    span.forget()
        except StorageUnavailable as error:
            self.metrics.sweep_failures.labels(name).inc()
            if name not in self._interrupted:  # said once: there are two ticks a second
                log.warning("sweep of %s: tried again at every tick. %s", name, error.message)
            self._interrupted.add(name)
        except asyncio.CancelledError:
            log.debug("sweep of %s: stopped in the middle; nothing of it is stored", name)
        except Exception as error:  # noqa: BLE001 - whoever runs the sweep decides
            if not self.failed.done():
                self.failed.set_exception(error)
        else:
            if name in self._interrupted:
                log.info("sweep of %s: goes on", name)
            self._interrupted.discard(name)
            self._done[name] = self.now()
            self.metrics.sweep_done.labels(name).set(self._done[name].timestamp())


async def _all(purge: Callable[[], Awaitable[int]], told: Callable[[int], None] = lambda _count: None) -> int:
    """Batch after batch until one is not full; each is ``told`` at once. Returns how many in all."""
    total = 0
    while True:
        count = await purge()
        told(count)
        total += count
        if count < PURGE_BATCH:
            return total
