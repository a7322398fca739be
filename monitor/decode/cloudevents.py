"""CloudEvents 1.0: structured mode (JSON format), batches, and binary mode over Kafka, AMQP and HTTP.

Rules are those of the CloudEvents specification, its JSON format, and its Kafka, AMQP and HTTP protocol
bindings, read leniently where nothing is lost: attribute names outside ``[a-z0-9]`` are kept, numbers are
taken for texts, each protocol's headers are understood on the others.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from monitor.decode.body import Form, Media, Unreadable, media, parse, payload
from monitor.decode.text import as_text, check_texts, limit_texts
from monitor.decode.times import instant, moment, without_time
from monitor.domain.event import Delivery, Event, Json, TimeOrigin
from monitor.identity import identity

_REQUIRED = ("id", "source", "type")
_DATA = Media(Form.JSON)

Attributes = dict[str, Json]


def structured(envelope: Attributes, delivery: Delivery, index: int, max_depth: int) -> Event:
    """The event of a JSON object; takes the object apart. Raises Unreadable."""
    data = envelope.pop("data", None)
    if "data_base64" in envelope:
        encoded = envelope.pop("data_base64")
        if encoded is not None and data is None:
            data = _from_base64(encoded, envelope.get("datacontenttype"), max_depth)
    # without this escape in the bytes no text can hold a NUL; parsed JSON holds no lone surrogates
    return _event(envelope, data, delivery, index)


def binary(
    attributes: Attributes,
    body: bytes,
    content: Media,
    delivery: Delivery,
    content_type: str | None,
    max_depth: int,
) -> Event:
    """The event of attributes in headers (see :mod:`monitor.decode.headers`) and its data in the body.

    Raises Unreadable.
    """
    if content_type:
        attributes["datacontenttype"] = content_type
    return _event(attributes, payload(body, content, max_depth), delivery, 0)


def _from_base64(encoded: Json, content_type: Json, max_depth: int) -> Json:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Unreadable("data_base64 is not valid Base64") from None
    content = media(content_type) if isinstance(content_type, str) else _DATA
    if content is _DATA or content.form is Form.JSON:
        return parse(raw, content.charset, max_depth)
    return payload(raw, content, max_depth)


def _event(attributes: Attributes, data: Json, delivery: Delivery, index: int) -> Event:
    take = attributes.pop
    version = take("specversion", None)
    id_ = take("id", None)
    type_ = take("type", None)
    producer = take("source", None)
    subject = take("subject", None)
    time = take("time", None)
    if not (
        id_.__class__ is str
        and type_.__class__ is str
        and producer.__class__ is str
        and id_
        and type_
        and producer
    ):
        id_, type_, producer = _required(id_, type_, producer)
    if version != "1.0":
        _check_version(version, type_)
    if subject is not None and subject.__class__ is not str:
        subject = as_text(subject)
    for value in attributes.values():
        if value.__class__ is not str:
            attributes = {
                name: text for name, value in attributes.items() if (text := as_text(value)) is not None
            }
            break
    check_texts(type_, id_, producer, subject, attributes)
    if len(id_) > 128 or len(type_) > 128 or len(producer) > 128 or (subject and len(subject) > 128):
        limit_texts(type_, id_, producer, subject)
    when, origin = _time(time, delivery, type_)
    return Event(
        type_, when, origin, identity(delivery, producer, id_, index), delivery,
        id_, producer, subject or None, data, attributes, index,
    )  # fmt: skip


def _required(id_: Json, type_: Json, producer: Json) -> tuple[str, str, str]:
    found = {"id": as_text(id_), "source": producer, "type": type_}
    missing = [name for name in _REQUIRED if not found[name]]
    known = type_ if isinstance(type_, str) else None
    if missing:
        raise Unreadable(
            f"the CloudEvent has no {' and no '.join(missing)}",
            "id, source and type are required and may not be empty.",
            type=known,
        )
    for name, value in found.items():
        if not isinstance(value, str):
            raise Unreadable(f"the CloudEvent's {name} is no text", type=known)
    return str(found["id"]), str(type_), str(producer)


def _check_version(version: Json, type_: str) -> None:
    if not (isinstance(version, str) and version.startswith("1.")):
        shown = str(version)[:20]
        raise Unreadable(
            f"CloudEvents specversion {shown!r} is not supported", "Version 1.0 is read.", type=type_
        )


def _time(time: Json, delivery: Delivery, type_: str) -> tuple[datetime, TimeOrigin]:
    if time is None:
        return without_time(delivery)
    try:
        if time.__class__ is str:
            return instant(time), TimeOrigin.PRODUCER
        if isinstance(time, datetime):
            return moment(time), TimeOrigin.PRODUCER
    except ValueError:
        pass
    raise Unreadable(
        f"the CloudEvent's time {str(time)[:60]!r} is no RFC 3339 time",
        "Send a time such as 2024-05-01T12:00:00Z, or none.",
        type=type_,
    )
