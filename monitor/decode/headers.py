"""One look at a delivery's headers: how the body is encoded, and a binary-mode CloudEvent's attributes."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from monitor.decode.body import Unreadable
from monitor.decode.times import epoch
from monitor.domain.event import Delivery, HeaderValue, Json
from monitor.expressions import header_text

_PREFIXES = ("ce_", "ce-", "cloudevents:", "cloudevents_")
_OWN = {"contenttype": "content-type", "contentencoding": "content-encoding"}

Raw = dict[str, tuple[str, HeaderValue]]
"""Attribute -> the header's name and value."""


class Headers(NamedTuple):
    """``attributes`` are None where this is no binary-mode CloudEvent."""

    content_type: str | None
    content_encoding: str | None
    attributes: Raw | None
    percent_encoded: bool = False


@lru_cache(maxsize=8192)
def _meaning(name: str) -> tuple[str, str] | None:
    """The family a header belongs to (a CloudEvents prefix, or "" for those about the body), and which of
    that family it is."""
    folded = name.lower()
    for prefix in _PREFIXES:
        if folded.startswith(prefix):
            return prefix, folded[len(prefix) :]
    own = _OWN.get(folded.replace("-", "").replace("_", ""))
    return ("", own) if own else None


def read_headers(delivery: Delivery) -> Headers:
    """What the headers say of the body, and the attributes in binary mode: Kafka ``ce_id``, AMQP
    ``cloudEvents:id`` or ``cloudEvents_id``, HTTP ``ce-id`` in any case.

    HTTP's values are percent-encoded. Several libraries write ``ce-id`` on brokers too, but do not encode
    there, so a delivery with an exchange or a partition is taken by its letters.
    """
    families: dict[str, Raw] = {}
    for name, value in delivery.headers.items():
        meaning = _meaning(name)
        if meaning is not None:
            family, attribute = meaning
            raw = families.get(family)
            if raw is None:
                raw = families[family] = {}
            raw[attribute] = name, value
    content_type, encoding = delivery.content_type, delivery.content_encoding
    own = families.pop("", None)
    if own:
        content_type = content_type or _own(own, "content-type")
        encoding = encoding or _own(own, "content-encoding")
    for prefix, raw in families.items():
        if "specversion" in raw:
            position = delivery.position
            percent = prefix == "ce-" and position.exchange is None and position.partition is None
            return Headers(content_type, encoding, raw, percent)
    return Headers(content_type, encoding, None)


def _own(raw: Raw, name: str) -> str | None:
    return header_text(raw[name][1]) if name in raw else None


def attribute_values(raw: Raw, *, percent_encoded: bool) -> dict[str, Json]:
    """The attributes as values of JSON's kinds, or times. Raises Unreadable for one that is not text."""
    attributes: dict[str, Json] = {}
    for attribute, (name, value) in raw.items():
        if value.__class__ is bytes:
            try:
                value = value.decode()
            except UnicodeDecodeError:
                raise Unreadable(f"the header {name} is not UTF-8") from None
        if percent_encoded and isinstance(value, str):
            value = _from_http(name, value)
        elif attribute == "time" and isinstance(value, int) and not isinstance(value, bool):
            value = _amqp_time(name, value)
        attributes[attribute] = value
    return attributes


def _amqp_time(name: str, milliseconds: int) -> datetime:
    try:
        return epoch(milliseconds, unit=1000)
    except ValueError as error:
        raise Unreadable(f"the header {name} {error}: {milliseconds}") from None


def _from_http(name: str, value: str) -> str:
    """Undo quoting (which older senders use), then percent-encoding (HTTP protocol binding 3.1.3.2)."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _unescaped(value[1:-1])
    if "%" not in value:
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Unreadable(f"the header {name} is not percent-encoded UTF-8") from None


def _unescaped(quoted: str) -> str:
    chars = iter(quoted)
    return "".join(next(chars, "") if char == "\\" else char for char in chars)
