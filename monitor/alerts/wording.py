"""What messages to people say, whatever they go out by: headlines, facts, times in the reader's zone, links.

Texts of alerts hold what producers sent. They are made inert here: one line, no control or direction
characters, cut where nobody would read on. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from monitor.alerts.base import Alert, Notification
from monitor.plaintext import VALUE, local, one_line

SENTENCE = 500
HEADLINE = 150

_INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?: UTC|Z|\+00:00)(?!\w)")
_SILENCED_BY = ("alertname", "flow", "sla", "kind", "element", "source", "trace", "key")


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as people read it. ``subject``: what it is about (``Order o-17``), or nothing."""

    status: str
    severity: str
    subject: str
    sentence: str
    description: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    flow: str

    @property
    def standing(self) -> str:
        """``Critical``, ``Warning``, ``Info``, or ``Resolved``."""
        if self.status == "resolved":
            return "Resolved"
        return self.severity.capitalize() or "Firing"


def sentence(text: str, zone: str, longest: int = SENTENCE) -> str:
    """A sentence, made inert, with the instants in it (written in UTC) in the reader's zone."""

    def told(found: re.Match[str]) -> str:
        try:
            return local(f"{found[1]}T{found[2]}+00:00", zone)
        except ValueError:
            return found[0]

    return _INSTANT.sub(told, one_line(text, longest))


def headline(notification: Notification, zone: str = "UTC") -> str:
    """What the whole message is about, in one line."""
    firing, resolved = len(notification.firing), len(notification.resolved)
    if notification.kind == "test":
        return f"Test of the receiver {one_line(notification.receiver)}"
    if notification.kind == "digest":
        return f"Digest: {_counted(firing, resolved) or 'nothing happened'}"
    if len(notification.alerts) == 1:
        (alert,) = notification.alerts
        said = _said(alert, zone, HEADLINE)
        about = subject(alert)
        if about and about.lower() not in said.lower():
            said = f"{about}: {said}"
        return f"Resolved: {said}" if alert.status == "resolved" else said
    about = ", ".join(one_line(value, 40) for value in notification.group_labels.values() if value)
    counted = _counted(firing, resolved)
    return one_line(f"{counted}: {about}" if about else counted, HEADLINE)


def _counted(firing: int, resolved: int) -> str:
    said = [f"{firing} {'alert' if firing == 1 else 'alerts'} firing"] if firing else []
    if resolved:
        said.append(
            f"{resolved} {'resolved' if firing else 'alert resolved' if resolved == 1 else 'alerts resolved'}"
        )
    return ", ".join(said)


def subject(alert: Alert) -> str:
    """What people call the trace an alert is about: ``Order o-17``. Its key may be ``name=value`` or bare."""
    name, value = _key(alert)
    if not value:
        return ""
    noun = name.replace("-", " ").replace("_", " ").strip()
    return one_line(f"{noun[:1].upper()}{noun[1:]} {value}", 80)


def _said(alert: Alert, zone: str, longest: int) -> str:
    """The sentence, without the key that the subject beside it tells."""
    said = sentence(alert.summary, zone, longest)
    return said.replace(f" for {one_line(_key(alert)[1])}", "", 1) if subject(alert) else said


def _key(alert: Alert) -> tuple[str, str]:
    """Name and value; of a bare one the name is the flow's."""
    name, separator, value = alert.labels.get("key", "").partition("=")
    return (name, value) if separator else (alert.labels.get("flow", ""), name)


def told(alert: Alert, notification: Notification, zone: str) -> Told:
    """One alert for a message."""
    return Told(
        status=alert.status,
        severity=one_line(alert.labels.get("severity", ""), 20),
        subject=subject(alert),
        sentence=_said(alert, zone, SENTENCE),
        description=sentence(alert.annotations.get("description", ""), zone, 2000),
        facts=tuple(_facts(alert, zone)),
        links=tuple(links(alert, notification)),
        flow=one_line(alert.labels.get("flow", "")),
    )


def shown(notification: Notification, zone: str, most: int) -> tuple[list[Told], int]:
    """The alerts that are told one by one, firing ones first, and how many are not."""
    alerts = [*notification.firing, *notification.resolved]
    left = max(0, len(alerts) - most) + notification.truncated
    return [told(alert, notification, zone) for alert in alerts[:most]], left


def flows(notification: Notification) -> list[tuple[str, int, int]]:
    """For digests: flow, how many of its alerts fire, how many are resolved; the busiest first."""
    firing = Counter(alert.labels.get("flow", "") for alert in notification.firing)
    resolved = Counter(alert.labels.get("flow", "") for alert in notification.resolved)
    names = sorted(firing | resolved, key=lambda name: (-firing[name], -resolved[name], name))
    return [(one_line(name) or "no single flow", firing[name], resolved[name]) for name in names]


def _facts(alert: Alert, zone: str) -> Iterator[tuple[str, str]]:
    labels, annotations = alert.labels, alert.annotations
    for name, text in (("Due", annotations.get("due")), ("Started", annotations.get("started"))):
        if text:
            yield name, local(text, zone)
    if expected := annotations.get("expected"):
        yield "Expected", one_line(expected, SENTENCE)
    if local(alert.starts_at, zone) != local(annotations.get("due", ""), zone):
        yield "Alert since", local(alert.starts_at, zone)
    if alert.status == "resolved":
        if alert.ends_at is not None:
            yield "Resolved", local(alert.ends_at, zone)
        if reason := annotations.get("reason"):
            yield "Why", sentence(reason, zone)
    for name, label in (("Flow", "flow"), ("SLA", "sla"), ("Source", "source"), ("Receiver", "receiver")):
        if value := labels.get(label):
            yield name, one_line(value)


def links(alert: Alert, notification: Notification) -> Iterator[tuple[str, str]]:
    """Where to read on and what to do. Each leads to a page; nothing is changed by following one."""
    external_url = notification.external_url
    if notification.kind == "test":  # its alert is in no database
        yield "Open the dashboard", external_url
        return
    if alert.trace is not None:
        yield "Open the trace", f"{external_url}/traces/{alert.trace}"
    else:
        yield "Open the alert", alert_url(alert, external_url)
    if alert.status == "resolved":
        return
    yield "Acknowledge", f"{alert_url(alert, external_url)}#acknowledge"
    if matchers := silencing(alert):
        yield "Silence", f"{external_url}/silences/new?{urlencode({'matchers': matchers})}"


def alert_url(alert: Alert, external_url: str) -> str:
    """The page of an alert's life."""
    return f"{external_url}/alerts/{_segment(alert.id)}"


def silencing(alert: Alert) -> str:
    """The matchers a silence of this alert would have: ``alertname="SlaBreached",flow="order"``."""
    matchers = []
    for name in _SILENCED_BY:
        value = alert.labels.get(name, "")
        if value and len(value) <= VALUE and one_line(value) == value:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            matchers.append(f'{name}="{escaped}"')
    return ",".join(matchers)


def _segment(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]", lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), text)
