"""Everything the library apprise reaches: over a hundred services, by its addresses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from monitor.alerts import wording
from monitor.alerts.base import Notification, Undeliverable
from monitor.errors import ConfigError

log = logging.getLogger(__name__)

ALERTS = 20
BODY = 8000
"""Characters; apprise cuts what a service does not take."""

_KINDS = {"critical": "failure", "warning": "warning", "info": "info"}


class AppriseChannel:
    """Each address is a receiver of its own: those that have the message are not told again in a repeat.
    Raises ConfigError if the library is not there or an address is none of its."""

    def __init__(self, urls: Sequence[str], *, zone: str = "UTC", timeout: timedelta) -> None:
        try:
            import apprise
        except ImportError:
            raise ConfigError(
                "A receiver of the kind apprise needs a library that is not installed.",
                mend="pip install 'choreoscope[channels]'",
            ) from None
        # It logs what it sends and where, tokens included; failures are told by us.
        logging.getLogger("apprise").disabled = True
        asset = apprise.AppriseAsset(async_mode=True, app_id="Choreoscope", app_desc="", app_url="")
        self._targets: list[tuple[str, Any]] = []
        for number, url in enumerate(urls, start=1):
            target = apprise.Apprise.instantiate(url, asset=asset)
            if target is None:
                raise ConfigError(f"The address {number} of the receiver is none that apprise knows.")
            alone = apprise.Apprise(asset=asset)
            alone.add(target)
            self._targets.append((str(target.service_name), alone))
        self._zone = zone
        self._timeout = timeout.total_seconds()
        self.timeout = timeout * len(self._targets)  # they are told one after the other
        self._last: tuple[str, set[int]] = ("", set())

    async def send(self, notification: Notification, now: datetime) -> str:  # noqa: ARG002
        id_, done = self._last
        if id_ != notification.id:
            done = set()
            self._last = (notification.id, done)
        title, body, kind = message(notification, self._zone)
        failed = []
        for number, (name, target) in enumerate(self._targets):
            if number in done:
                continue
            if await self._told(target, title, body, kind):
                done.add(number)
            else:
                failed.append(f"{name} ({number + 1})")
        if failed:
            raise Undeliverable(f"not taken by {', '.join(failed)}")
        self._last = ("", set())  # sent once more by hand, or because nobody noted it, it goes to all
        return f"taken by {', '.join(name for name, _ in self._targets)}"

    async def close(self) -> None:
        pass

    async def _told(self, target: Any, title: str, body: str, kind: str) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                return bool(
                    await target.async_notify(title=title, body=body, notify_type=kind, body_format="text")
                )
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, with the address in its words
            log.warning("apprise: the plugin failed with %s", type(error).__name__)
            return False


def message(notification: Notification, zone: str) -> tuple[str, str, str]:
    """Title, body and kind of message."""
    told, left = wording.shown(notification, zone, ALERTS)
    blocks = []
    for alert in told:
        about = f"{alert.standing}, {alert.subject}" if alert.subject else alert.standing
        lines = [f"{about}: {alert.sentence}", *([alert.description] if alert.description else [])]
        lines += [f"{name}: {value}" for name, value in alert.facts]
        lines += [f"{text}: {address}" for text, address in alert.links]
        blocks.append("\n".join(lines))
    if left:
        blocks.append(f"and {left} more: {notification.external_url}/alerts")
    severities = [_KINDS.get(alert.severity, "warning") for alert in told if alert.status == "firing"]
    kind = next((one for one in ("failure", "warning", "info") if one in severities), "success")
    return wording.headline(notification, zone), "\n\n".join(blocks)[:BODY], kind
