"""A notification to try a receiver with. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.alerts.base import Alert, Notification


def sample(receiver: str, external_url: str, now: datetime, id: str) -> Notification:
    """One that looks like a real one and says that it is none. ``id``: of the notification; one of its own
    each time, or receivers take a second try for a repeat."""
    due = now.replace(microsecond=0) - timedelta(minutes=5)
    alert = Alert(
        id=f"test-{id}",
        status="firing",
        labels={
            "alertname": "SlaBreached",
            "flow": "order",
            "sla": "Ship within two days",
            "severity": "warning",
            "key": "o-17",
            "test": "true",
        },
        annotations={
            "summary": "Order o-17 was to be shipped within two days, and is not.",
            "description": "This is an example: no such order is being watched.",
            "started": (due - timedelta(days=2)).isoformat(),
            "due": due.isoformat(),
            "expected": "GoodsShipped",
        },
        starts_at=due,
    )
    return Notification(
        id=id,
        receiver=receiver,
        group_key=f"test:{receiver}",
        group_labels={"alertname": "SlaBreached"},
        alerts=(alert,),
        created=now,
        external_url=external_url,
        kind="test",
    )
