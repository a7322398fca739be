"""JSON bodies that receivers know: Standard Webhooks' and Alertmanager's. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson

from monitor.alerts.base import Alert, Notification
from monitor.alerts.wording import alert_url

NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes that an alert has not ended."""

_LABEL = re.compile(r"[^A-Za-z0-9_]")


def instant(when: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def data(notification: Notification) -> dict[str, Any]:
    """What a notification says, as plain values: for ``data`` of the standard body and for templates."""
    return {
        "id": notification.id,
        "kind": notification.kind,
        "status": notification.status,
        "receiver": notification.receiver,
        "group_key": notification.group_key,
        "group_labels": dict(notification.group_labels),
        "common_labels": notification.common_labels,
        "common_annotations": notification.common_annotations,
        "external_url": notification.external_url,
        "created": instant(notification.created),
        "truncated": notification.truncated,
        "alerts": [_alert(alert, notification.external_url) for alert in notification.alerts],
    }


def _alert(alert: Alert, external_url: str) -> dict[str, Any]:
    return {
        "id": alert.id,
        "status": alert.status,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_at": instant(alert.starts_at),
        "ends_at": instant(alert.ends_at) if alert.ends_at else None,
        "trace": alert.trace,
        "finding": alert.finding,
        "url": alert_url(alert, external_url),
        "trace_url": f"{external_url}/traces/{alert.trace}" if alert.trace is not None else None,
    }


def standard(notification: Notification) -> dict[str, Any]:
    """Standard Webhooks: ``type`` is ``alerts.firing``, ``alerts.resolved``, ``alerts.digest`` or
    ``alerts.test``; ``timestamp`` is when the notification was made, the same in every attempt."""
    what = notification.status if notification.kind == "alerts" else notification.kind
    return {
        "type": f"alerts.{what}",
        "timestamp": instant(notification.created),
        "data": data(notification),
    }


def alertmanager_webhook(notification: Notification) -> dict[str, Any]:
    """Version 4 of the body of Alertmanager's webhook."""
    return {
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": notification.truncated,
        "status": notification.status,
        "receiver": notification.receiver,
        "groupLabels": dict(notification.group_labels),
        "commonLabels": notification.common_labels,
        "commonAnnotations": notification.common_annotations,
        "externalURL": notification.external_url,
        "alerts": [
            {
                "status": alert.status,
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": instant(alert.starts_at),
                "endsAt": instant(alert.ends_at) if alert.ends_at else NEVER,
                "generatorURL": alert_url(alert, notification.external_url),
                "fingerprint": fingerprint(alert.labels),
            }
            for alert in notification.alerts
        ],
    }


def alertmanager_alerts(notification: Notification, now: datetime, lasts: timedelta) -> list[dict[str, Any]]:
    """What ``POST /api/v2/alerts`` takes. A firing alert ends ``lasts`` from now unless it is told again.

    Label names are brought into the form that every Alertmanager accepts, and empty ones are left out, as it
    does by itself.
    """
    return [
        {
            "labels": labelled(alert),
            "annotations": {
                _LABEL.sub("_", name): value for name, value in alert.annotations.items() if value
            },
            "startsAt": instant(alert.starts_at),
            "endsAt": instant((alert.ends_at or now) if alert.status == "resolved" else now + lasts),
            "generatorURL": alert_url(alert, notification.external_url),
        }
        for alert in notification.alerts
    ]


def labelled(alert: Alert) -> dict[str, str]:
    labels = {_LABEL.sub("_", name): value for name, value in alert.labels.items() if value}
    labels.setdefault("alertname", alert.name)
    if alert.trace is not None:  # two traces' alerts are two alerts
        labels.setdefault("trace", str(alert.trace))
    return labels


def fingerprint(labels: Mapping[str, str]) -> str:
    """Sixteen hex digits that are the same for the same labels."""
    told = "\xff".join(f"{name}\xff{labels[name]}" for name in sorted(labels))
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def word(id: str) -> str:
    """An id as it can stand in any header. No full stop: it separates the parts that webhooks sign."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", id):
        return id
    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def encoded(value: Any) -> bytes:
    """JSON. Halves of surrogate pairs, which it cannot hold, become question marks."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_whole(value))


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_whole(name): _whole(item) for name, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case _:
            return value
