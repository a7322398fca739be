"""The database behind :class:`~monitor.storage.alerting.Alerting`: transactions, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select

from monitor.alerts.base import Alert, Notification
from monitor.alerts.matchers import Matcher
from monitor.storage import (
    alert_delivery,
    alert_flush,
    alert_routing,
    alert_upkeep,
    alert_views,
    silences,
)
from monitor.storage.alert_flush import SqlFlushing
from monitor.storage.alerting import (
    EVERY_ALERT,
    AlertDetail,
    AlertFilter,
    AlertRow,
    AttemptRow,
    Claimed,
    NotificationRow,
    Outcome,
    ReceiverRow,
    Router,
    SilenceRow,
)
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

Counted = Callable[[], AbstractAsyncContextManager[tuple[Transaction, Tally]]]
Read = Callable[[], AbstractAsyncContextManager[Transaction]]


class SqlAlerts:
    """``counted`` begins a transaction that writes, ``read`` one that reads."""

    def __init__(self, counted: Counted, read: Read) -> None:
        self._counted = counted
        self._read = read

    async def _is_any(self, asked: Select[Any]) -> bool:
        """Looked for before a transaction is begun that writes: events must not wait for whoever finds
        nothing to do, several times a second."""
        async with self._read() as transaction:
            return bool(await transaction.rows(asked.limit(1)))

    async def route(self, router: Router, now: datetime, limit: int) -> int:
        if not await self._is_any(alert_routing.pending()):
            return 0
        async with self._counted() as (transaction, _):
            return await alert_routing.route(transaction, router, now, limit)

    @asynccontextmanager
    async def flushing(self, now: datetime) -> AsyncIterator[SqlFlushing | None]:
        if not await self._is_any(alert_flush.groups_due(now)):
            yield None
            return
        async with self._counted() as (transaction, tally):
            group = await alert_flush.due(transaction, now)
            yield None if group is None else SqlFlushing(transaction, tally, group, now)

    async def claim(
        self, receiver: str, worker: str, external_url: str, lease: timedelta, now: datetime
    ) -> Claimed | None:
        if not await self._is_any(alert_delivery.waiting(receiver, now)):
            return None
        async with self._counted() as (transaction, _):
            return await alert_delivery.claim(transaction, receiver, worker, external_url, lease, now)

    async def record(self, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
        async with self._counted() as (transaction, tally):
            await alert_delivery.record(transaction, claimed, outcome, now, tally)

    async def configured(self, receivers: Mapping[str, str], routing: str, now: datetime) -> None:
        async with self._counted() as (transaction, tally):
            await alert_delivery.configured(transaction, receivers, now, tally)
            await alert_routing.reroute(transaction, routing, now)

    async def test(self, receiver: str, uid: str, alerts: Sequence[Alert], who: str, now: datetime) -> int:
        async with self._counted() as (transaction, tally):
            tally.changed()
            return await alert_delivery.test(transaction, receiver, uid, alerts, who, now)

    async def enable(self, receiver: str, who: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await alert_delivery.enable(transaction, receiver, who, now, tally)

    async def resend(self, notification: int, who: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await alert_delivery.resend(transaction, notification, who, now, tally)

    async def acknowledge(self, alert: bytes, who: str, note: str | None, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await alert_upkeep.acknowledge(transaction, alert, who, note, now, tally)

    async def silence(
        self,
        matchers: Sequence[Matcher],
        starts: datetime,
        ends: datetime,
        comment: str,
        who: str,
        now: datetime,
    ) -> int:
        async with self._counted() as (transaction, tally):
            return await silences.create(transaction, matchers, starts, ends, comment, who, now, tally)

    async def expire(self, silence: int, who: str, now: datetime) -> bool:
        async with self._counted() as (transaction, tally):
            return await silences.expire(transaction, silence, who, now, tally)

    async def mark(self, name: str, every: timedelta, now: datetime) -> bool:
        async with self._counted() as (transaction, _):
            return await alert_upkeep.mark(transaction, name, every, now)

    async def purge(self, keep: timedelta, now: datetime, limit: int) -> int:
        async with self._counted() as (transaction, _):
            return await alert_upkeep.purge(transaction, now - keep, limit)

    async def alerts(
        self, wanted: AlertFilter = EVERY_ALERT, cursor: str | None = None, limit: int = 50
    ) -> Page[AlertRow]:
        async with self._read() as transaction:
            return await alert_views.page(transaction, wanted, cursor, limit)

    async def alert(self, alert: bytes) -> AlertDetail | None:
        async with self._read() as transaction:
            return await alert_views.detail(transaction, alert)

    async def silences(
        self, cursor: str | None = None, limit: int = 50, *, over: bool, now: datetime
    ) -> Page[SilenceRow]:
        async with self._read() as transaction:
            return await silences.page(transaction, cursor, limit, over, now)

    async def receivers(self) -> Sequence[ReceiverRow]:
        async with self._read() as transaction:
            return await alert_views.receiver_rows(transaction)

    async def misfits(self, since: datetime) -> Mapping[str, int]:
        async with self._read() as transaction:
            return await alert_views.misfits(transaction, since)

    async def notifications(
        self, receiver: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[NotificationRow]:
        async with self._read() as transaction:
            return await alert_views.notification_page(transaction, receiver, cursor, limit)

    async def notification(
        self, id: int, external_url: str
    ) -> tuple[NotificationRow, Notification, Sequence[AttemptRow]] | None:
        async with self._read() as transaction:
            return await alert_views.notification(transaction, id, external_url)
