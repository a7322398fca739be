"""Microsoft Teams: an adaptive card for a workflow that waits for a webhook."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from monitor.alerts import bodies, wording
from monitor.alerts.base import Notification, Undeliverable
from monitor.alerts.outbound import Outbound

ALERTS = 10
"""Told one by one; Teams takes 28 KB."""
LARGEST = 27_000
"""Bytes of a card: with more alerts than fit, fewer are told."""

_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}


class TeamsChannel:
    """``zone``: of the times in cards."""

    def __init__(self, outbound: Outbound, *, zone: str = "UTC") -> None:
        self._outbound = outbound
        self.timeout = outbound.timeout
        self._zone = zone

    async def send(self, notification: Notification, now: datetime) -> str:
        answer = await self._outbound.post(
            fitting(notification, self._zone), {"Content-Type": "application/json"}
        )
        if 200 <= answer.status < 300 and b"HTTP error 4" in answer.body:
            # the older connectors answer 200 and say in the text that they were refused
            raise Undeliverable(f"answered {self._outbound.said(answer)}")
        return self._outbound.check(answer, now)

    async def close(self) -> None:
        await self._outbound.close()


def fitting(notification: Notification, zone: str) -> bytes:
    """The card with as many alerts as Teams takes."""
    most = ALERTS
    body = bodies.encoded(message(notification, zone, most))
    while len(body) > LARGEST and most > 1:
        most //= 2
        body = bodies.encoded(message(notification, zone, most))
    return body


def message(notification: Notification, zone: str, most: int = ALERTS) -> dict[str, Any]:
    headline = wording.headline(notification, zone)
    told, left = wording.shown(notification, zone, most)
    items: list[dict[str, Any]] = [_text(headline, size="Medium", weight="Bolder", style="heading")]
    for alert in told:
        colour = "Good" if alert.status == "resolved" else _COLOURS.get(alert.severity, "Warning")
        standing = f"{alert.standing}, {alert.subject}" if alert.subject else alert.standing
        inner = [_text(standing, color=colour, weight="Bolder")]
        if alert.sentence not in headline:
            inner.append(_text(alert.sentence))
        if alert.description:
            inner.append(_text(alert.description, isSubtle=True))
        facts = [{"title": name, "value": _escaped(value)} for name, value in alert.facts]
        inner.append({"type": "FactSet", "facts": facts})
        actions = [{"type": "Action.OpenUrl", "title": text, "url": address} for text, address in alert.links]
        inner.append({"type": "ActionSet", "actions": actions})
        items.append({"type": "Container", "separator": True, "items": inner})
    if left:
        items.append(_text(f"and {left} more", isSubtle=True))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": headline,
        "msteams": {"width": "Full"},
        "body": items,
        "actions": [
            {"type": "Action.OpenUrl", "title": "All alerts", "url": f"{notification.external_url}/alerts"}
        ],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _escaped(text), "wrap": True, **how}


def _escaped(text: str) -> str:
    """Cards read some Markdown; no emphasis, link or list comes from a foreign text."""
    return re.sub(r"([\\`*_\[\]()#~>|-])", r"\\\1", text)
