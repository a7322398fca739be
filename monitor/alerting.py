"""Alerts put together: what routes, mutes and delivers them, and when."""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from pydantic import SecretStr

from monitor.alert_policy import policy_of
from monitor.alerts.base import Channel, Pictures, Undeliverable
from monitor.alerts.dispatch import Dispatcher
from monitor.alerts.factory import channels_of, outbound_of
from monitor.alerts.outbound import Outbound
from monitor.bpmn.flow import Flow
from monitor.dashboard.alert_desk import AlertDesk
from monitor.domain.notice import Notice, NoticeKind
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.settings import Settings
from monitor.settings.alerts import KEEP, AlertSettings, InboxGrowth
from monitor.settings.receivers import ReceiverSettings
from monitor.sla.findings import duration_text
from monitor.storage.alerting import Alerting
from monitor.storage.base import Store
from monitor.storage.sql import SqlStore
from monitor.sweep import Tick
from monitor.tracing import UNTRACED, Tracer

log = logging.getLogger("choreoscope.alerts")

ROUTE_SECONDS = 0.5
FLUSH_SECONDS = 1.0
DELIVER_SECONDS = 1.0
UPKEEP_SECONDS = 60.0
BATCH = 500

STUCK = timedelta(minutes=15)
"""So long a message may be on its way while all is well."""

UNWELL = (NoticeKind.BLIND, NoticeKind.RECEIVER_DISABLED, NoticeKind.RECEIVER_FAILING)
"""While there is such a notice the heartbeat is held back."""


class Alerts:
    """What a sweeper does about alerts: ``dispatcher`` tells people. Without settings nobody is told of
    anything, but alerts begin and end all the same, to be seen on the dashboard. ``alive``: whether the sweep
    does its work."""

    def __init__(
        self,
        settings: AlertSettings | None,
        store: Store,
        alerting: Alerting,
        metrics: Metrics,
        dispatcher: Dispatcher | None,
        *,
        now: Callable[[], datetime],
        alive: Callable[[], bool],
        heart: Outbound | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._alerting = alerting
        self._metrics = metrics
        self._dispatcher = dispatcher
        self._now = now
        self._alive = alive
        self._heart = heart
        self._begun = False
        self._held: str | None = None

    async def begin(self) -> None:
        """Let the database know whom there is to tell; once."""
        if self._begun:
            return
        settings = self._settings
        receivers = {one.name: _digest_of(one) for one in settings.receivers} if settings else {}
        routing = _digest_of_routes(settings) if settings else ""
        await self._alerting.configured(receivers, routing, self._now())
        self._begun = True

    def ticks(self) -> list[Tick]:
        ticks: list[Tick] = [
            ("alert routing", self.route, ROUTE_SECONDS),
            ("alert upkeep", self.upkeep, UPKEEP_SECONDS),
            ("inbox growth", self.inbox, UPKEEP_SECONDS),
        ]
        if self._dispatcher is not None:
            ticks.append(("alert groups", self._dispatcher.flush, FLUSH_SECONDS))
            ticks += [
                (f"alerts to {name}", partial(self._dispatcher.deliver, name), DELIVER_SECONDS)
                for name in self._dispatcher.receivers
            ]
        if self._settings is not None and self._settings.heartbeat is not None:
            every = self._settings.heartbeat.every.total_seconds()
            ticks.append(("heartbeat", self.beat, max(1.0, every / 4)))
        return ticks

    async def route(self) -> int:
        """Put what changed into its groups; without settings into none."""
        await self.begin()
        if self._dispatcher is not None:
            return await self._dispatcher.route()
        return await self._alerting.route(lambda _labels: (), self._now(), BATCH)

    async def upkeep(self) -> int:
        """Show how receivers stand, and let go of what has been kept long enough."""
        for row in await self._alerting.receivers():
            self._metrics.undelivered.labels(row.name).set(row.waiting)
            waits = (self._now() - row.oldest).total_seconds() if row.oldest is not None else 0.0
            self._metrics.notification_age.labels(row.name).set(max(0.0, waits))
            self._metrics.receiver_disabled.labels(row.name).set(row.disabled is not None)
        keep = self._settings.keep if self._settings is not None else KEEP
        total = 0
        while keep is not None:
            count = await self._alerting.purge(keep, self._now(), BATCH)
            total += count
            if count < BATCH:
                break
        return total

    async def inbox(self) -> int:
        """Tell of which sources more messages cannot be placed than usual. Returns of how many."""
        limit = self._settings.inbox_growth if self._settings is not None else InboxGrowth()
        if limit is None:
            return 0
        now = self._now()
        counts = await self._alerting.misfits(now - limit.within)
        growing = {source for source, count in counts.items() if count > limit.messages}
        for source in sorted(growing):
            await self._store.begin_notice(_growing(source, limit, now))
        for notice in await self._store.notices(NoticeKind.INBOX_GROWING):
            if counts.get(notice.subject, 0) <= limit.messages / 2:
                await self._store.end_notice(notice.kind, notice.subject, now)
        return len(growing)

    async def beat(self) -> int:
        """Let whoever listens know that all is well, where it is, as often as that is wanted."""
        settings = self._settings.heartbeat if self._settings is not None else None
        if settings is None or self._heart is None:
            return 0
        why = await self.unwell()
        if why is not None:
            if why != self._held:  # said once: it is asked every few seconds
                log.warning("the heartbeat is held back: %s", why)
            self._held = why
            return 0
        self._held = None
        now = self._now()
        if not await self._alerting.mark("heartbeat", settings.every, now):
            return 0
        try:
            answer = await self._heart.post(b"", {})
            self._heart.check(answer, now)
        except Undeliverable as error:
            log.warning("the heartbeat does not arrive: %s", error.message)
            return 0
        self._metrics.heartbeat.set(now.timestamp())
        return 1

    async def unwell(self) -> str | None:
        """Why no heartbeat is to be heard; None: all is well."""
        if not self._alive():
            return "the sweep does not get on"
        for kind in UNWELL:
            for notice in await self._store.notices(kind):
                return notice.message
        for row in await self._alerting.receivers():
            if row.oldest is not None and self._now() - row.oldest > STUCK:
                return f"a message to “{row.name}” has been on its way for too long"
        return None

    async def close(self) -> None:
        if self._dispatcher is not None:
            await self._dispatcher.close()
        if self._heart is not None:
            await self._heart.close()


def _growing(source: str, limit: InboxGrowth, now: datetime) -> Notice:
    return Notice(
        kind=NoticeKind.INBOX_GROWING,
        subject=source,
        message=(
            f"More than {limit.messages} messages of “{source}” could not be placed within"
            f" {duration_text(limit.within)}; the inbox says why."
        ),
        since=now,
        noticed=now,
    )


def alerts_of(
    settings: Settings,
    store: SqlStore,
    flows: Flows,
    metrics: Metrics,
    *,
    worker: str,
    now: Callable[[], datetime],
    alive: Callable[[], bool],
    channels: Mapping[str, Channel],
    pictures: Pictures | None = None,
    tracer: Tracer = UNTRACED,
) -> Alerts:
    """``channels`` stand in for the configured ones of their names. Raises ConfigError where one cannot be
    had."""
    wanted = settings.alerts
    if wanted is None:
        return Alerts(None, store, store.alerts, metrics, None, now=now, alive=alive)
    reached: dict[str, Channel] = {
        **channels_of(
            [one for one in wanted.receivers if one.name not in channels],
            smtp=wanted.smtp,
            pictures=pictures,
        ),
        **{one.name: channels[one.name] for one in wanted.receivers if one.name in channels},
    }

    async def flow(flow_id: int) -> Flow | None:
        expected = await flows.version(flow_id)
        return None if expected is None else expected.flow

    dispatcher = Dispatcher(
        store.alerts,
        policy_of(wanted, address_of(settings)),
        reached,
        metrics,
        flow=flow,
        worker=worker,
        now=now,
        chance=random.random,
        tracer=tracer,
    )
    heart = None if wanted.heartbeat is None else outbound_of(wanted.heartbeat)
    return Alerts(wanted, store, store.alerts, metrics, dispatcher, now=now, alive=alive, heart=heart)


def desk_of(settings: Settings, store: SqlStore) -> AlertDesk:
    """What the dashboard knows of alerts."""
    wanted = settings.alerts
    return AlertDesk(
        store=store.alerts,
        acknowledges=store,
        receivers={one.name: one.kind for one in wanted.receivers} if wanted is not None else {},
        policy=policy_of(wanted, address_of(settings)) if wanted is not None else None,
    )


def address_of(settings: Settings) -> str:
    """The dashboard's address in messages, without a slash at its end."""
    dashboard = settings.dashboard
    host = f"[{dashboard.host}]" if ":" in dashboard.host else dashboard.host
    return dashboard.external_url or f"http://{host}:{dashboard.port}"


def _digest_of_routes(settings: AlertSettings) -> str:
    """Tells other ways of alerts into groups from these: a receiver of digests has one group for all."""
    names = sorted((one.name, one.digest is not None) for one in settings.receivers)
    return hashlib.sha256(f"{settings.route.model_dump_json()} {names}".encode()).hexdigest()


def _digest_of(receiver: ReceiverSettings) -> str:
    """Tells other settings from these, secrets included; made so that secrets cannot be guessed from it."""
    said = repr(_revealed(receiver.model_dump())).encode()
    return hashlib.scrypt(said, salt=receiver.name.encode(), n=2**14, r=8, p=1, dklen=16).hex()


def _revealed(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _revealed(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_revealed(part) for part in value]
    return value
