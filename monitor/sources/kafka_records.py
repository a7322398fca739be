"""Kafka records as deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from monitor.domain.event import NO_HEADERS, UNREADABLE, Delivery, HeaderValue, Position
from monitor.sources.kafka_poison import Record, UnreadableRecord


def deliveries_of(source: str, found: Iterable[Record], received: datetime) -> list[Delivery]:
    """Records of one partition, as they came. A record without a value (a tombstone) has an empty body, and
    so has one that cannot be read."""
    deliveries = []
    times: dict[int, datetime | None] = {}
    for record in found:
        if isinstance(record, UnreadableRecord):
            place = Position(record.topic, record.partition, record.offset)
            deliveries.append(Delivery(source, b"", place, received, properties={UNREADABLE: record.why}))
            continue
        stamp = record.timestamp
        if stamp not in times:
            times[stamp] = _time(stamp)
        headers = _headers(record.headers) if record.headers else NO_HEADERS
        deliveries.append(
            Delivery(
                source,
                record.value or b"",
                Position(record.topic, record.partition, record.offset),
                received,
                headers,
                {},
                record.key,
                _text(headers, "content-type"),
                _text(headers, "content-encoding"),
                times[stamp],
            )
        )
    return deliveries


def _headers(pairs: Sequence[tuple[str, bytes | None]]) -> Mapping[str, HeaderValue]:
    """Where a name comes twice, the later value wins."""
    try:
        return {name: value and value.decode() for name, value in pairs}
    except UnicodeDecodeError:
        return {name: _decoded(value) for name, value in pairs}


def _decoded(value: bytes | None) -> HeaderValue:
    try:
        return value and value.decode()
    except UnicodeDecodeError:
        return value


def _text(headers: Mapping[str, HeaderValue], name: str) -> str | None:
    value = headers.get(name) or headers.get(name.title())
    return value if isinstance(value, str) else None


def _time(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds >= 0 else None
    except (ValueError, OverflowError, OSError):
        return None
