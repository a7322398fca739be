"""Alerts handed to an Alertmanager, which groups, routes and silences them by its own rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.alerts import bodies
from monitor.alerts.base import Notification
from monitor.alerts.outbound import Outbound


class AlertmanagerChannel:
    """``lasts``: how long it takes an alert for firing without hearing of it again."""

    def __init__(self, outbound: Outbound, *, lasts: timedelta) -> None:
        self._outbound = outbound
        self.timeout = outbound.timeout
        self._lasts = lasts

    async def send(self, notification: Notification, now: datetime) -> str:
        body = bodies.encoded(bodies.alertmanager_alerts(notification, now, self._lasts))
        headers = {"Content-Type": "application/json"}
        answer = await self._outbound.post(body, headers, path="/api/v2/alerts")
        return self._outbound.check(answer, now)

    async def close(self) -> None:
        await self._outbound.close()
