"""From a command's templates to the exact bytes that go out. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from monitor.commands.base import Message, NotPossible
from monitor.commands.declared import Item, Template
from monitor.storage.views import FindingRow, TraceDetail

JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
MOST_BYTES = 256 * 1024
LONGEST_KEY = 255
"""Bytes of an AMQP routing key."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PREFIX = {"rabbitmq": "cloudEvents_", "kafka": "ce_"}


def values_of(detail: TraceDetail, finding: FindingRow | None, external_url: str | None) -> dict[str, Any]:
    """What templates may name: ``keys``, ``trace``, ``finding``, and as ``events`` what is kept of the
    latest event of each label: ``events.OrderPlaced.data.amount`` where ``keep`` has ``data.amount``."""
    row = detail.row
    events = {event.label: _kept(event.data) for event in detail.events}
    url = f"{external_url}/traces/{row.id}" if external_url else f"/traces/{row.id}"
    return {
        "keys": {key.name: key.value for key in reversed(detail.keys)},
        "trace": {"id": row.id, "key": row.key, "flow": row.flow, "version": row.version, "url": url},
        "finding": None if finding is None else _finding(finding),
        "events": events,
    }


def _kept(text: str | None) -> dict[str, Any]:
    """What is stored under the expressions it was kept by, and also by the paths that these are."""
    stored = orjson.loads(text) if text else {}
    kept: dict[str, Any] = dict(stored) if isinstance(stored, dict) else {}
    for expression, value in sorted(kept.items()):
        *above, last = expression.split(".")
        place = kept
        for step in above:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                break
        else:
            place.setdefault(last, value)
    return kept


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        "id": row.key,
        "kind": row.kind.value,
        "name": row.name,
        "element": row.element,
        "message": row.message,
        "severity": row.severity,
        "time": _instant(row.time),
        "expected": list(row.expected),
    }


def rendered(item: Item, values: Mapping[str, Any], id: str, at: datetime) -> Message:
    """Raises NotPossible, naming the part that cannot be made."""
    body = _body(item.body, values)
    key = _filled("key", item.target.key, values)
    if len(key.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
        raise NotPossible(f"The key would be longer than {LONGEST_KEY} bytes.")
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": item.source,
        "type": item.type,
        "time": _instant(at),
    }
    if item.subject is not None:
        attributes["subject"] = _filled("subject", item.subject, values)
    headers = {name: _filled(f"header {name}", text, values) for name, text in item.headers.items()}
    if item.structured:
        content_type = STRUCTURED
        body = orjson.dumps(
            {**attributes, "datacontenttype": JSON, "data": orjson.loads(body)},
        )
    else:
        content_type = JSON
        prefix = _PREFIX[item.target.kind]
        headers |= {f"{prefix}{name}": value for name, value in attributes.items()}
    if len(body) > MOST_BYTES:
        raise NotPossible(f"The body of the message would be longer than {MOST_BYTES} bytes.")
    target = item.target
    return Message(id, item.type, target.kind, target.broker, target.place, key, headers, content_type, body)


def digest(message: Message) -> str:
    """Names exactly this message to this place."""
    said = orjson.dumps(
        [
            message.id,
            message.type,
            message.kind,
            message.broker,
            message.place,
            message.key,
            sorted(message.headers.items()),
            message.content_type,
            message.body.hex(),
        ]
    )
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def _filled(what: str, template: Template, values: Mapping[str, Any]) -> str:
    try:
        text = template.fill(values)
    except ValueError as error:
        raise NotPossible(f"The {what} of the message cannot be made: {error}.") from None
    if _UNPRINTABLE.search(text):
        raise NotPossible(f"The {what} of the message would hold characters that do not print.")
    return text


def _body(template: Any, values: Mapping[str, Any]) -> bytes:
    """The exact text that a template of JSON makes; a value with templates in it as compact JSON."""
    try:
        if isinstance(template, Template):
            text = template.fill(values).strip()
            orjson.loads(text)
            return text.encode()
        return orjson.dumps(_value(template, values))
    except ValueError as error:  # what is no JSON, or no UTF-8, is one too
        raise NotPossible(f"The body of the message cannot be made: {error}.") from None
    except TypeError as error:
        raise NotPossible(f"The body of the message is no JSON: {error}.") from None


def _value(template: Any, values: Mapping[str, Any]) -> Any:
    match template:
        case Template():
            return template.fill(values)
        case dict():
            return {name: _value(part, values) for name, part in template.items()}
        case list() | tuple():
            return [_value(part, values) for part in template]
        case _:
            return template


def _instant(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
