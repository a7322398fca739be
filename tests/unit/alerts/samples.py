"""Alerts and notifications for tests of messages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.alerts.base import Alert, Notification

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOSTILE = 'o-17\r\nBcc: thief@evil.example\r\n\r\n<script>alert(1)</script>\u202e"\\\x00<!channel>'


def alert(**changes: object) -> Alert:
    plain = Alert(
        id="a1",
        status="firing",
        labels={
            "alertname": "SlaBreached",
            "flow": "order",
            "sla": "Ship in time",
            "severity": "critical",
            "element": "Task_Ship",
            "trace": "7",
            "key": "order=o-17",
        },
        annotations={
            "summary": "GoodsShipped was due 2026-03-02 09:25:00 UTC and has not come.",
            "due": "2026-03-02T09:25:00+00:00",
            "started": "2026-02-26T09:25:00+00:00",
            "expected": "GoodsShipped",
        },
        starts_at=NOW - timedelta(minutes=5),
        trace=7,
        finding="beef",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def resolved(**changes: object) -> Alert:
    past = alert(
        status="resolved",
        ends_at=NOW,
        annotations={**alert().annotations, "reason": "GoodsShipped came 2026-03-02 09:29:00 UTC."},
    )
    return replace(past, **changes)  # type: ignore[arg-type]


def notification(*alerts: Alert, **changes: object) -> Notification:
    plain = Notification(
        id="n-1",
        receiver="team",
        group_key='{}:{flow="order"}',
        group_labels={"flow": "order"},
        alerts=alerts or (alert(),),
        created=NOW,
        external_url="https://monitor.example",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def hostile() -> Notification:
    """Every text of it is a stranger's."""
    labels = dict.fromkeys(("alertname", "flow", "sla", "severity", "element", "key", "source"), HOSTILE)
    annotations = dict.fromkeys(("summary", "description", "due", "started", "expected", "reason"), HOSTILE)
    return notification(
        alert(id=HOSTILE, labels=labels, annotations=annotations),
        resolved(labels=labels, annotations=annotations, trace=8),
        id=HOSTILE,
        receiver=HOSTILE,
        group_key=HOSTILE,
        group_labels={"flow": HOSTILE},
    )
