"""Whatever bytes and headers come: an event or a misfit that holds the delivery whole, never an exception."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode import Decoder
from monitor.domain.event import Delivery, Event, Misfit, Position, TimeOrigin
from monitor.identity import content
from tests.support.effort import examples

NOW = datetime(2024, 5, 1, tzinfo=UTC)
DECODER = Decoder()

NAMES = st.sampled_from(
    [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "data",
        "data_base64",
        "datacontenttype",
        "eventType",
        "eventId",
        "timestamp",
        "case",
        "payload",
        "sequence",
        "message",
        "messageType",
        "name",
    ]
) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1.0", "2024-05-01T12:00:00Z", "OrderPlaced", "e-1", "\0", "eyJhIjoxfQ==", "9" * 12])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
MESSAGES = st.dictionaries(NAMES, VALUES, max_size=10)
ENVELOPED = MESSAGES.map(lambda more: {"specversion": "1.0", "id": "e", "source": "/s", "type": "T"} | more)
DOCUMENTS = st.one_of(VALUES, MESSAGES, ENVELOPED, st.lists(MESSAGES | ENVELOPED, max_size=3))
WRITTEN = DOCUMENTS.map(lambda value: json.dumps(value).encode())
BODIES = st.one_of(
    st.binary(max_size=200),
    WRITTEN,
    DOCUMENTS.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")),
    WRITTEN.map(gzip.compress),
    WRITTEN.map(zlib.compress),
    st.tuples(WRITTEN, st.integers(0, 100)).map(lambda pair: pair[0][: pair[1]]),
    st.tuples(WRITTEN.map(gzip.compress), st.integers(0, 100)).map(lambda pair: pair[0][: pair[1]]),
)
CONTENT_TYPES = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "application/cloudevents+json",
            "application/cloudevents-batch+json; charset=utf-8",
            "application/json",
            "application/json; charset=utf-16",
            "application/avro",
            "text/plain; charset=latin1",
            "text/xml",
            "application/json; charset=idna",
            "application/json; charset=zlib_codec",
            ";;==",
            "\x00",
        ]
    ),
    st.text(max_size=20),
)
ATTRIBUTES = st.sampled_from(["specversion", "id", "source", "type", "subject", "time", "x"])
HEADER_NAMES = st.one_of(
    st.builds(
        lambda prefix, name: prefix + name,
        st.sampled_from(["ce_", "ce-", "cloudEvents:", "cloudEvents_"]),
        ATTRIBUTES,
    ),
    st.sampled_from(["content-type", "Content-Encoding", "eventType", "correlationId", "traceparent"]),
    st.text(max_size=8),
)
HEADER_VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.binary(max_size=10),
    st.datetimes(),
    st.lists(SCALARS, max_size=2),
    st.just(b"1.0"),
    st.just("%F0%"),
)
DELIVERIES = st.builds(
    Delivery,
    source=st.just("s"),
    body=BODIES,
    position=st.sampled_from(
        [Position("t", 0, 1), Position("q", exchange="e", receipt="r"), Position("/", receipt="r")]
    ),
    received=st.just(NOW),
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=8),
    properties=st.dictionaries(
        st.sampled_from(["type", "message_id", "app_id"]), st.text(max_size=5), max_size=3
    ),
    key=st.none() | st.binary(max_size=5),
    content_type=CONTENT_TYPES,
    content_encoding=st.none() | st.sampled_from(["gzip", "deflate", "br", "utf-8", "gzip,gzip", ","]),
    timestamp=st.none() | st.just(NOW),
)


def storable(text: str | None) -> bool:
    return text is None or ("\0" not in text and text.encode() is not None)


@examples(300)
@given(DELIVERIES)
def test_nothing_makes_decoding_raise(delivery: Delivery) -> None:
    before = delivery.body
    for result in DECODER.decode(delivery):
        assert result.delivery is delivery
        assert result.delivery.body == before
        if isinstance(result, Misfit):
            assert result.detail
            assert storable(result.detail)
            assert storable(result.mend)
            assert storable(result.type)
            continue
        assert isinstance(result, Event)
        assert result.type
        assert len(result.identity) == 16
        assert result.time.utcoffset() == timedelta(0)
        for duration in (timedelta(days=-300_000), timedelta(days=300_000)):
            assert (result.time + duration).tzinfo is UTC
        texts = (result.type, result.id, result.producer, result.subject)
        assert all(map(storable, texts + tuple(result.attributes) + tuple(result.attributes.values())))
        assert len(content(result)) == 16


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
JSON_DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EXTENSIONS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12).filter(
        lambda name: name not in ("id", "type", "source", "subject", "time", "data", "specversion")
    ),
    TEXTS,
    max_size=3,
)


@given(id_=TEXTS, source=TEXTS, type_=TEXTS, subject=st.none() | TEXTS, data=JSON_DATA, extensions=EXTENSIONS)
def test_structured_and_binary_mode_say_the_same(
    id_: str, source: str, type_: str, subject: str | None, data: Any, extensions: dict[str, str]
) -> None:
    attributes = {"specversion": "1.0", "id": id_, "source": source, "type": type_} | extensions
    if subject is not None:
        attributes["subject"] = subject
    body = orjson.dumps(attributes | {"data": data})
    structured = Delivery("s", body, Position("t", 0, 1), NOW, content_type="application/cloudevents+json")
    headers = {f"ce_{name}": value.encode() for name, value in attributes.items()}
    binary = Delivery(
        "s", orjson.dumps(data), Position("t", 0, 1), NOW, headers=headers, content_type="application/json"
    )
    (one,) = DECODER.decode(structured)
    (other,) = DECODER.decode(binary)
    assert isinstance(one, Event), one
    assert isinstance(other, Event), other
    assert (one.type, one.id, one.producer, one.subject) == (type_, id_, source, subject)
    assert one[:4] == other[:4]
    assert one[5:9] == other[5:9]
    assert dict(one.attributes) == extensions
    assert dict(other.attributes) == extensions | {"datacontenttype": "application/json"}


@given(
    st.datetimes(NOW.replace(tzinfo=None, year=1900), NOW.replace(tzinfo=None, year=2200)),
    st.integers(-23 * 60, 23 * 60),
)
def test_every_way_to_write_a_time_is_the_same_time(time: datetime, minutes: int) -> None:
    time = time.replace(tzinfo=UTC)
    sign, offset = "-" if minutes < 0 else "+", abs(minutes)
    local = (time + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
    written: list[Any] = [time.isoformat(), f"{local}{sign}{offset // 60:02}:{offset % 60:02}"]
    micros = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if abs(micros) >= 10**14:  # nearer to 1970 the number would be read as milliseconds
        written.append(micros)
    for text in written:
        (event,) = DECODER.decode(
            Delivery("s", orjson.dumps({"type": "A", "time": text}), Position("q"), NOW)
        )
        assert isinstance(event, Event)
        assert (event.time, event.time_origin) == (time, TimeOrigin.PRODUCER)
