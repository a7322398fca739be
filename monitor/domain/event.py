"""From raw delivery to observation: the values an event passes through on its way to a trace.

These are named tuples rather than dataclasses: millions of them are made, and a tuple is made in a
third of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

Json = Any
"""A decoded JSON value. ``Any`` because a producer may send whatever it likes."""

HeaderValue = str | bytes | int | float | bool | None | datetime | list[Any] | dict[str, Any]

NO_HEADERS: Mapping[str, HeaderValue] = {}


class Position(NamedTuple):
    """Where a delivery stood in its source.

    ``channel`` is the topic, queue, stream, path or address. ``partition`` and ``offset`` are set only
    where the source numbers its messages for good (Kafka, RabbitMQ streams, lines of a file), so that
    the same position always means the same message. ``receipt`` names this one hand-over where it does
    not (a RabbitMQ queue, an HTTP request): unique, but new on redelivery.
    """

    channel: str
    partition: int | None = None
    offset: int | None = None
    exchange: str | None = None
    routing_key: str | None = None
    receipt: str | None = None


UNREADABLE = "unreadable"
"""The property of a delivery whose message could not even be taken from the broker: why."""


class Delivery(NamedTuple):
    """Raw bytes as a source handed them over; nothing is interpreted yet.

    ``source`` is the configured source's name; ``received`` our clock when it came; ``timestamp`` the
    broker's or the message's own time where there is one; ``key`` the Kafka message key. ``properties``
    are the protocol's own named fields (AMQP: ``message_id correlation_id type app_id reply_to ...``).
    Header names keep their case. ``kept`` is the message's number in the inbox where it comes from there,
    to be tried again.
    """

    source: str
    body: bytes
    position: Position
    received: datetime
    headers: Mapping[str, HeaderValue] = NO_HEADERS
    properties: Mapping[str, str] = {}
    key: bytes | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    timestamp: datetime | None = None
    redelivered: bool = False
    kept: int | None = None


class TimeOrigin(StrEnum):
    """Whose clock an event's ``time`` comes from, best first."""

    PRODUCER = "producer"
    BROKER = "broker"
    RECEIVED = "received"


class Event(NamedTuple):
    """A decoded domain event: the CloudEvents attributes and what is left of the wire.

    ``producer`` is the CloudEvents ``source`` (None for plain messages that do not say). ``id`` is the
    producer's event id, or None. ``identity`` is the 16-byte digest by which the event is recognised
    when it comes again (see :mod:`monitor.identity`). ``attributes`` holds CloudEvents extensions and
    envelope fields as text. ``index`` is the place in a batched delivery.
    """

    type: str
    time: datetime
    time_origin: TimeOrigin
    identity: bytes
    delivery: Delivery
    id: str | None = None
    producer: str | None = None
    subject: str | None = None
    data: Json = None
    attributes: Mapping[str, str] = {}
    index: int = 0  # type: ignore[assignment]  # shadows tuple.index, which nobody calls


class InboxReason(StrEnum):
    """Why a message could not be placed. ``undecodable``: not readable as an event. ``oversized``: past
    the size limit. ``unmapped``: no flow knows this type. ``no_key``: mapped, but its correlation key is
    missing. ``ambiguous``: the type fits several labels of one flow. ``id_reused``: the producer sent
    this event id before with other content. ``failed``: our own processing refused it."""

    UNDECODABLE = "undecodable"
    OVERSIZED = "oversized"
    UNMAPPED = "unmapped"
    NO_KEY = "no_key"
    AMBIGUOUS = "ambiguous"
    ID_REUSED = "id_reused"
    FAILED = "failed"


class Misfit(NamedTuple):
    """A message for the inbox: kept whole, with the reason in a word, the detail and the mend in a sentence.

    ``event`` is set when decoding went well. ``type`` groups misfits of the same making.
    """

    delivery: Delivery
    reason: InboxReason
    detail: str
    mend: str = ""
    type: str | None = None
    event: Event | None = None


class Key(NamedTuple):
    """One correlation key of an observation: its name (``order``) and value (``o-1``)."""

    name: str
    value: str


class Observation(NamedTuple):
    """An event seen as label ``label`` of flow ``flow``.

    This is all a verdict may depend on, besides the flow and the watermark. ``identity`` is the event's;
    it also breaks ties, so that arrival order never shows. ``lane``/``offset`` order events of one
    producer that share a partition; ``sequence`` (and ``producer``) those of one producer that numbers
    them; ``cause`` is the id of the event that caused this one. ``event_id`` is the producer's id, for
    telling people. ``attributes`` are the few values SLAs and conditions refer to.
    """

    flow: str
    label: str
    time: datetime
    identity: bytes
    keys: tuple[Key, ...] = ()
    event_id: str | None = None
    producer: str | None = None
    lane: str | None = None
    offset: int | None = None
    sequence: int | None = None
    cause: str | None = None
    attributes: tuple[tuple[str, Json], ...] = ()
