"""What a notification says of its alerts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.alerts.base import Alert, Notification, Undeliverable

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def alert(**changes: object) -> Alert:
    plain = Alert(
        id="a1",
        status="firing",
        labels={"alertname": "SlaBreached", "flow": "order", "severity": "critical"},
        annotations={"summary": "Shipping is late."},
        starts_at=NOW,
        trace=7,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def notification(*alerts: Alert) -> Notification:
    return Notification(
        id="n1",
        receiver="team",
        group_key="{}",
        group_labels={},
        alerts=alerts,
        created=NOW,
        external_url="https://monitor.example",
    )


def test_a_notification_fires_while_any_of_its_alerts_does() -> None:
    ended = alert(id="a2", status="resolved", ends_at=NOW)
    both = notification(ended, alert())
    assert both.status == "firing"
    assert [one.id for one in both.firing] == ["a1"]
    assert [one.id for one in both.resolved] == ["a2"]
    assert notification(ended).status == "resolved"


def test_common_labels_are_those_with_one_value_everywhere() -> None:
    other = alert(labels={"alertname": "SlaBreached", "flow": "parcel"})
    assert notification(alert(), other).common_labels == {"alertname": "SlaBreached"}
    assert notification(alert()).common_labels == alert().labels
    assert notification().common_labels == {}


def test_a_notification_is_about_a_trace_if_all_its_alerts_are() -> None:
    assert notification(alert(), alert(id="a2")).trace == 7
    assert notification(alert(), alert(trace=8)).trace is None
    assert notification(alert(), alert(trace=None)).trace is None


def test_an_alert_without_a_sentence_is_called_by_its_name() -> None:
    assert alert().summary == "Shipping is late."
    assert alert(annotations={}).summary == "SlaBreached"
    assert alert(annotations={}, labels={}).summary == "Alert"


def test_undeliverable_says_for_how_long() -> None:
    refused = Undeliverable("503", retry_after=timedelta(minutes=2))
    assert (str(refused), refused.permanent, refused.retry_after) == ("503", False, timedelta(minutes=2))
