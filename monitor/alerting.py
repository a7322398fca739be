"""Alerts put together: what routes, mutes and delivers them, and when."""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial

from pydantic import SecretStr

from monitor.alert_policy import policy_of
from monitor.alerts.base import Channel
from monitor.alerts.dispatch import Dispatcher
from monitor.bpmn.flow import Flow
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.settings import Settings
from monitor.settings.alerts import KEEP, AlertSettings
from monitor.settings.receivers import ReceiverSettings
from monitor.storage.alerting import Alerting
from monitor.sweep import Tick

log = logging.getLogger("choreoscope.alerts")

ROUTE_SECONDS = 0.5
FLUSH_SECONDS = 1.0
DELIVER_SECONDS = 1.0
UPKEEP_SECONDS = 60.0
PURGED = 500


class Alerts:
    """What a sweeper does about alerts: ``dispatcher`` tells people. Without settings nobody is told of
    anything, but alerts begin and end all the same, to be seen on the dashboard."""

    def __init__(
        self,
        settings: AlertSettings | None,
        store: Alerting,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        *,
        flow: Callable[[int], Awaitable[Flow | None]],
        external_url: str,
        worker: str,
        now: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._store = store
        self._channels = channels
        self._metrics = metrics
        self._now = now
        self._begun = False
        self.dispatcher: Dispatcher | None = None
        if settings is not None:
            self.dispatcher = Dispatcher(
                store,
                policy_of(settings, external_url),
                channels,
                metrics,
                flow=flow,
                worker=worker,
                now=now,
                chance=chance,
            )

    async def begin(self) -> None:
        """Let the database know whom there is to tell; once."""
        if self._begun:
            return
        settings = self._settings
        receivers = {one.name: _digest_of(one) for one in settings.receivers} if settings else {}
        routing = hashlib.sha256(settings.route.model_dump_json().encode()).hexdigest() if settings else ""
        await self._store.configured(receivers, routing, self._now())
        self._begun = True

    def ticks(self) -> list[Tick]:
        ticks: list[Tick] = [
            ("alert routing", self.route, ROUTE_SECONDS),
            ("alert upkeep", self.upkeep, UPKEEP_SECONDS),
        ]
        if self.dispatcher is None:
            return ticks
        return [
            *ticks,
            ("alert groups", self.dispatcher.flush, FLUSH_SECONDS),
            *(
                (f"alerts to {name}", partial(self.dispatcher.deliver, name), DELIVER_SECONDS)
                for name in self._channels
            ),
        ]

    async def upkeep(self) -> int:
        """Show how receivers stand, and let go of what has been kept long enough."""
        for row in await self._store.receivers():
            self._metrics.undelivered.labels(row.name).set(row.waiting)
            self._metrics.receiver_disabled.labels(row.name).set(row.disabled is not None)
        keep = self._settings.keep if self._settings is not None else KEEP
        total = 0
        while keep is not None:
            count = await self._store.purge(keep, self._now(), PURGED)
            total += count
            if count < PURGED:
                break
        return total

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def route(self) -> int:
        """Put what changed into its groups; without settings into none."""
        await self.begin()
        if self.dispatcher is not None:
            return await self.dispatcher.route()
        return await self._store.route(lambda _labels: (), self._now(), PURGED)


def alerts_of(
    settings: Settings,
    store: Alerting,
    flows: Flows,
    channels: Mapping[str, Channel],
    metrics: Metrics,
    *,
    worker: str,
    now: Callable[[], datetime],
) -> Alerts:
    async def flow(flow_id: int) -> Flow | None:
        expected = await flows.version(flow_id)
        return None if expected is None else expected.flow

    return Alerts(
        settings.alerts,
        store,
        channels,
        metrics,
        flow=flow,
        external_url=address_of(settings),
        worker=worker,
        now=now,
    )


def address_of(settings: Settings) -> str:
    """The dashboard's address in messages, without a slash at its end."""
    dashboard = settings.dashboard
    host = f"[{dashboard.host}]" if ":" in dashboard.host else dashboard.host
    return dashboard.external_url or f"http://{host}:{dashboard.port}"


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
