"""Slack's incoming webhooks: a message of blocks. Mattermost and others read its ``text``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor.alerts import bodies, wording
from monitor.alerts.base import Notification, Undeliverable
from monitor.alerts.outbound import Outbound

ALERTS = 10
"""Told one by one; a message has at most 50 blocks."""
SECTION = 2900
"""Characters of a section; Slack takes 3000, and escaping makes texts longer only before the cut."""

_SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_GONE = (
    "no_service",
    "no_team",
    "channel_is_archived",
    "channel_not_found",
    "team_disabled",
    "invalid_token",
)
"""What Slack says of webhooks that will not work again."""


class SlackChannel:
    """``zone``: of the times in messages."""

    def __init__(self, outbound: Outbound, *, zone: str = "UTC") -> None:
        self._outbound = outbound
        self.timeout = outbound.timeout
        self._zone = zone

    async def send(self, notification: Notification, now: datetime) -> str:
        body = bodies.encoded(message(notification, self._zone))
        answer = await self._outbound.post(body, {"Content-Type": "application/json"})
        if answer.status in (400, 403, 404, 410):
            said = answer.body.decode("utf-8", "replace").strip()
            if said in _GONE:
                raise Undeliverable(f"answered {answer.status}: {said}", permanent=True)
        return self._outbound.check(answer, now)

    async def close(self) -> None:
        await self._outbound.close()


def message(notification: Notification, zone: str) -> dict[str, Any]:
    """``text`` is what notifications show, and all that readers without blocks have."""
    headline = wording.headline(notification, zone)
    told, left = wording.shown(notification, zone, ALERTS)
    blocks: list[dict[str, Any]] = []
    if len(told) != 1 or notification.kind != "alerts":
        blocks.append({"type": "header", "text": {"type": "plain_text", "text": headline[:150]}})
    for alert in told:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _section(alert)}})
        facts = "  ·  ".join(f"{_escaped(name)}: {_escaped(value)}" for name, value in alert.facts)
        links = "  ·  ".join(f"<{address}|{_escaped(text)}>" for text, address in alert.links)
        elements = [{"type": "mrkdwn", "text": text[:SECTION]} for text in (facts, links) if text]
        blocks.append({"type": "context", "elements": elements})
    if left:
        more = f"and {left} more: <{notification.external_url}/alerts|all alerts>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": more}]})
    return {"text": _escaped(headline), "blocks": blocks}


def _section(alert: wording.Told) -> str:
    sign = "🟢" if alert.status == "resolved" else _SIGNS.get(alert.severity, "🟠")
    about = f" {_escaped(alert.subject)}:" if alert.subject else ""
    text = f"{sign} *{alert.standing}*{about} {_escaped(alert.sentence)}"
    return (f"{text}\n{_escaped(alert.description)}" if alert.description else text)[:SECTION]


def _escaped(text: str) -> str:
    """No mention, link or emphasis comes from a foreign text: ``<!channel>``, ``*bold*``."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "*_~`":
        text = text.replace(character, f"{character}\u200b") if character in text else text
    return text
