"""Webhooks, signed by Standard Webhooks: its own body, Alertmanager's, or one of a template."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import orjson

from monitor import sandbox
from monitor.alerts import bodies
from monitor.alerts.base import Notification, Undeliverable
from monitor.alerts.outbound import Outbound
from monitor.plaintext import one_line

Format = Literal["standard", "alertmanager"]


class WebhookChannel:
    """``secrets``: ``whsec_...``; each signs, so that a receiver may know the new one or the old one.
    ``template`` yields the body instead of ``format``."""

    def __init__(
        self,
        outbound: Outbound,
        *,
        format: Format = "standard",
        template: str | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self._outbound = outbound
        self.timeout = outbound.timeout
        self._format = format
        self._template = template
        self._keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]

    async def send(self, notification: Notification, now: datetime) -> str:
        body = self._body(notification)
        headers = {
            "Content-Type": "application/json",
            **signed(bodies.word(notification.id), now, body, self._keys),
        }
        return self._outbound.check(await self._outbound.post(body, headers), now)

    async def close(self) -> None:
        await self._outbound.close()

    def _body(self, notification: Notification) -> bytes:
        if self._template is not None:
            return templated(self._template, notification)
        make = bodies.standard if self._format == "standard" else bodies.alertmanager_webhook
        return bodies.encoded(make(notification))


def signed(id: str, now: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks. The timestamp is that of the attempt: receivers refuse old ones."""
    timestamp = str(int(now.timestamp()))
    headers = {"webhook-id": id, "webhook-timestamp": timestamp}
    if keys:
        content = f"{id}.{timestamp}.".encode() + body
        digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
        headers["webhook-signature"] = " ".join(f"v1,{base64.b64encode(each).decode()}" for each in digests)
    return headers


def templated(template: str, notification: Notification) -> bytes:
    """What the template makes of the notification, which has to be JSON. Raises Undeliverable, not for good:
    where a template fails for one message's values, others must get through."""
    try:
        text = sandbox.render(template, bodies.data(notification), "json")
    except sandbox.TemplateFailed as error:
        raise Undeliverable(f"The template of the body fails: {error}") from None
    try:
        return orjson.dumps(orjson.loads(text))
    except (orjson.JSONDecodeError, TypeError) as error:
        said = f"The template of the body does not yield JSON: {one_line(str(error))}"
        raise Undeliverable(said) from None
