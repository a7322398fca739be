"""A desk of alerts whose store knows one of each, and notes what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from monitor.alerts.base import Alert, Notification
from monitor.alerts.grouping import Muting, Why
from monitor.alerts.matchers import Matcher, parse
from monitor.alerts.policy import Policy, Receiver
from monitor.alerts.routing import Route
from monitor.dashboard.alert_desk import AlertDesk
from monitor.storage.alerting import (
    AlertDetail,
    AlertFilter,
    Alerting,
    AlertRow,
    AttemptRow,
    MemberRow,
    NotificationRow,
    ReceiverRow,
    SilenceRow,
)
from monitor.storage.base import Acknowledges
from monitor.storage.views import Page

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ID = "0a" * 16
HOSTILE = "<script>alert(1)</script>\u202e"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def alert(**changed: Any) -> Alert:
    labels = {"alertname": "SlaBreached", "flow": "order", "sla": "Ship", "severity": "critical"}
    made = Alert(
        id=ID,
        status="firing",
        labels={**labels, "key": "o-1", "trace": "17"},
        annotations={"summary": "o-1 is late.", "due": ago(minutes=5).isoformat(), "key": "o-1"},
        starts_at=ago(minutes=5),
        trace=17,
        finding="ab" * 16,
    )
    return replace(made, **changed)


def row(**changed: Any) -> AlertRow:
    made = AlertRow(
        alert(), True, True, "critical", "order", ago(minutes=4), ago(minutes=4), None, None, None, None
    )
    return replace(made, **changed)


MEMBER = MemberRow("ops", "{}", {"flow": "order"}, "firing", ago(minutes=3), None, None, True, NOW)
MESSAGE = NotificationRow(
    5, "ab12", "ops", "alerts", '{}:{flow="order"}', "sent", 1, 0, 0, ago(minutes=3), None, 2, NOW, "200 OK"
)
TRIES = (
    AttemptRow(1, "w", ago(minutes=3), None, None, None),
    AttemptRow(2, "w", ago(minutes=2), NOW, "arrived", "200 OK"),
)
SILENCE = SilenceRow(3, parse('flow="order"'), ago(hours=1), NOW + timedelta(hours=3), "works", NOW, "ann")
STANDS = ReceiverRow("ops", ago(minutes=9), "410 Gone", ago(minutes=30), ago(days=1), 2, ago(minutes=30))


class OneOfEach:
    """What is not here is not asked for."""

    def __init__(self, found: AlertRow | None = None) -> None:
        self.found = found if found is not None else row()
        self.asked: list[tuple[Any, ...]] = []
        self.done = True

    async def alerts(self, wanted: AlertFilter, cursor: str | None = None, limit: int = 50) -> Page[AlertRow]:
        self.asked.append(wanted)
        return Page([self.found], None)

    async def alert(self, id: bytes) -> AlertDetail | None:
        if id.hex() != ID:
            return None
        muted = replace(
            MEMBER, receiver="team", told=None, muted=Muting(Why.SILENCED, "3"), muted_at=ago(minutes=1)
        )
        return AlertDetail(self.found, [MEMBER, muted], [MESSAGE], {5: TRIES})

    async def silences(
        self, cursor: str | None = None, limit: int = 50, *, over: bool, now: datetime
    ) -> Page[SilenceRow]:
        return Page([] if over else [SILENCE], None)

    async def receivers(self) -> Sequence[ReceiverRow]:
        return [STANDS]

    async def notifications(
        self, receiver: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[NotificationRow]:
        return Page([MESSAGE], None)

    async def notification(
        self, id: int, external_url: str
    ) -> tuple[NotificationRow, Notification, Sequence[AttemptRow]] | None:
        if id != 5:
            return None
        told = Notification("ab12", "ops", "{}", {}, (self.found.alert,), ago(minutes=3), external_url)
        return MESSAGE, told, TRIES

    async def acknowledge(self, *asked: Any) -> bool:
        self.asked.append(("acknowledge", *asked))
        return self.done

    async def resume(self, *asked: Any) -> bool:
        self.asked.append(("resume", *asked))
        return self.done

    async def silence(
        self,
        matchers: Sequence[Matcher],
        starts: datetime,
        ends: datetime,
        comment: str,
        who: str,
        now: datetime,
    ) -> int:
        self.asked.append(("silence", ", ".join(map(str, matchers)), starts, ends, comment, who))
        return 7

    async def expire(self, *asked: Any) -> bool:
        self.asked.append(("expire", *asked))
        return self.done

    async def enable(self, *asked: Any) -> bool:
        self.asked.append(("enable", *asked))
        return self.done

    async def resend(self, *asked: Any) -> bool:
        self.asked.append(("resend", *asked))
        return self.done

    async def test(self, receiver: str, uid: str, alerts: Sequence[Alert], who: str, now: datetime) -> int:
        self.asked.append(("test", receiver, len(alerts), who))
        return 5


def desk(store: OneOfEach) -> AlertDesk:
    return AlertDesk(
        store=cast("Alerting", store),
        acknowledges=cast("Acknowledges", store),
        receivers={"ops": "webhook", "team": "slack"},
        policy=Policy(Route("{}", "ops"), {"ops": Receiver("ops")}, external_url="https://here"),
    )
