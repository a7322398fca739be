"""A message as the inbox keeps it, and the delivery it was: what is told of one is worth nothing if it cannot
be tried again exactly as it came.

Beside the protocol's own, the column ``properties`` holds under the empty name, which no property has, what a
delivery is made of that has no column: the time its broker gave it, its receipt, whether it was delivered
before, and the place in a batch of the event that is meant.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from monitor.domain.event import Delivery, HeaderValue, InboxReason, Json, Misfit, Position
from monitor.storage.base import Kept
from monitor.storage.tables import inbox
from monitor.storage.types import from_json, shown_json

KEPT = [column for column in inbox.c if column.name not in ("digest", "content")]
REFERENCE = [column for column in KEPT if column.name != "body"]

_REST = ""


def headers_of(misfit: Misfit) -> str:
    headers = misfit.delivery.headers
    return shown_json({name: _written(value) for name, value in headers.items()})


def _written(value: HeaderValue) -> Json:
    """Times as an expression over headers sees them."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def properties_of(misfit: Misfit) -> str:
    delivery = misfit.delivery
    rest: dict[str, Json] = {}
    if delivery.timestamp is not None:
        rest["timestamp"] = delivery.timestamp.isoformat()
    if delivery.position.receipt is not None:
        rest["receipt"] = delivery.position.receipt
    if delivery.redelivered:
        rest["redelivered"] = True
    if misfit.event is not None:
        rest["member"] = misfit.event.index
    return shown_json({**delivery.properties, _REST: rest} if rest else delivery.properties)


def kept_of(row: Row[Any]) -> Kept:
    """From a row with the columns :data:`KEPT`; without ``body`` the body is empty."""
    properties: dict[str, Any] = from_json(row.properties)
    rest: dict[str, Any] = properties.pop(_REST, {})
    receipt = rest.get("receipt")
    if receipt is None and row.offset is None:
        receipt = f"inbox/{row.id}"  # no two messages may be taken for one
    stamp = rest.get("timestamp")
    timestamp = None if stamp is None else datetime.fromisoformat(stamp)
    delivery = Delivery(
        source=row.source,
        body=row._mapping.get("body", b""),
        position=Position(row.channel, row.partition, row.offset, row.exchange, row.routing_key, receipt),
        received=row.received,
        headers=_headers(from_json(row.headers)),
        properties=properties,
        key=row.message_key,
        content_type=row.content_type,
        content_encoding=row.content_encoding,
        timestamp=timestamp if timestamp is None or timestamp.tzinfo else timestamp.replace(tzinfo=UTC),
        redelivered=rest.get("redelivered", False),
        kept=row.id,
    )
    return Kept(delivery, InboxReason(row.reason), row.type, row.detail, rest.get("member"))


def _headers(stored: Mapping[str, Json]) -> dict[str, HeaderValue]:
    return {name: _read(value) for name, value in stored.items()}


def _read(value: Json) -> HeaderValue:
    if isinstance(value, dict) and set(value) == {"base64"}:
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, TypeError):
            return value
    read: HeaderValue = value
    return read
