"""Plain JSON by an envelope."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.decode import Decoder, DecodeSettings, Envelope
from monitor.domain.event import Delivery, Event, Misfit, Position, TimeOrigin
from monitor.errors import MappingError

NOW = datetime(2024, 5, 1, tzinfo=UTC)
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def decode(message: object, envelope: Envelope | None = None, **more: Any) -> Event | Misfit:
    more.setdefault("position", Position("orders", 3, 9))
    settings = DecodeSettings(envelope=envelope or Envelope())
    (result,) = Decoder(settings).decode(Delivery("shop", json.dumps(message).encode(), received=NOW, **more))
    return result


def event(message: object, envelope: Envelope | None = None, **more: Any) -> Event:
    result = decode(message, envelope, **more)
    assert isinstance(result, Event), result
    return result


@pytest.mark.parametrize(
    "message",
    [
        {"case": "o-1", "type": "OrderPlaced", "time": "2024-05-01T12:00:00Z"},
        {"trace": "o-1", "activity": "OrderPlaced", "timestamp": "2024-05-01 12:00:00"},
        {"subject": "o-1", "eventType": "OrderPlaced", "occurredAt": 1714564800},
        {"subject": "o-1", "event_type": "OrderPlaced", "occurred_at": 1714564800000},
        {
            "case:concept:name": "o-1",
            "concept:name": "OrderPlaced",
            "time:timestamp": "2024-05-01T13:00:00+01:00",
        },
        {"Case ID": "o-1", "Activity": "OrderPlaced", "Complete Timestamp": "2024/05/01 12:00:00.000"},
        {"name": "OrderPlaced", "correlationKey": "o-1", "time": "2024-05-01T12:00:00Z"},
        {"messageType": ["OrderPlaced", "IEvent"], "caseId": "o-1", "sentTime": "2024-05-01T12:00:00Z"},
        {
            "type": None,
            "eventType": "OrderPlaced",
            "subject": "",
            "case": " o-1 ",
            "time": None,
            "createdAt": 1714564800.0,
        },
    ],
)
def test_fields_in_common_use(message: dict[str, Any]) -> None:
    found = event(message)
    assert (found.type, found.subject, found.time) == ("OrderPlaced", "o-1", NOON)
    assert found.time_origin is TimeOrigin.PRODUCER
    assert found.data == message


def test_ids() -> None:
    assert event({"type": "A", "eventId": "e-1"}).id == "e-1"
    assert event({"type": "A", "message_id": 7}).id == "7"
    assert event({"type": "A"}, properties={"message_id": "m-1"}).id == "m-1"
    assert event({"type": "A", "id": "the order's"}).id is None


def test_without_an_id_the_position_identifies() -> None:
    first = event({"type": "A"})
    assert first.identity == event({"type": "A"}).identity
    assert first.identity != event({"type": "A"}, position=Position("orders", 3, 10)).identity


def test_amqp_properties_and_headers() -> None:
    found = event(
        {"orderId": "o-1"},
        properties={"type": "OrderPlaced", "correlation_id": "c-1", "app_id": "shop"},
        headers={"traceparent": "00-1-2-01", "causation-id": b"e-0"},
        timestamp=NOON,
    )
    assert (found.type, found.producer, found.time, found.time_origin) == (
        "OrderPlaced", "shop", NOON, TimeOrigin.BROKER,
    )  # fmt: skip
    assert found.attributes == {"correlationid": "c-1", "traceparent": "00-1-2-01", "causationid": "e-0"}


@pytest.mark.parametrize(
    "header", ["eventType", "event-type", "Event_Type", "__TypeId__", "type", "message-type"]
)
def test_type_from_a_header(header: str) -> None:
    assert event({"a": 1}, headers={header: b"com.shop.OrderPlaced"}).type == "com.shop.OrderPlaced"


def test_data_is_the_payload_object_or_the_message_itself() -> None:
    wrapped = event({"type": "A", "data": {"orderId": 1}, "tenant": "x", "n": 5, "list": []})
    assert wrapped.data == {"orderId": 1}
    assert wrapped.attributes == {"type": "A", "tenant": "x", "n": "5"}
    assert event({"type": "A", "payload": {"b": 2}}).data == {"b": 2}
    assert event({"type": "A", "data": "blob"}).data == {"type": "A", "data": "blob"}
    assert event({"messageType": ["urn:message:A"], "message": {"b": 2}}).data == {"b": 2}
    assert event({"name": "A", "correlationKey": "k", "variables": {"v": 1}}).data == {"v": 1}


def test_attributes_get_their_cloudevents_names() -> None:
    found = event(
        {
            "type": "A",
            "correlationId": "c",
            "causation_id": "e",
            "traceId": "t",
            "businessKey": "b",
            "lifecycle": "start",
        }
    )
    assert found.attributes == {
        "correlationid": "c",
        "causationid": "e",
        "traceid": "t",
        "businessKey": "b",
        "lifecycle:transition": "start",
    }


def test_missing_time_and_unreadable_time() -> None:
    assert event({"type": "A"}).time_origin is TimeOrigin.RECEIVED
    result = decode({"type": "A", "time": "morning"})
    assert isinstance(result, Misfit)
    assert "'morning'" in result.detail
    assert result.type == "A"


def test_missing_type() -> None:
    result = decode({"orderId": 1})
    assert isinstance(result, Misfit)
    assert "eventType" in result.detail


def test_nul_and_overlong_texts() -> None:
    for message in ({"type": "a\0"}, {"type": "A", "subject": "\0"}, {"type": "A", "correlationId": "\0"}):
        result = decode(message)
        assert isinstance(result, Misfit)
        assert "NUL" in result.detail
    assert isinstance(decode({"type": "A", "eventId": "x" * 600}), Misfit)


def test_an_envelope_of_ones_own() -> None:
    envelope = Envelope.of(
        {
            "type": ["meta.kind", "headers.x-kind", "routing_key"],
            "id": "meta.uuid",
            "time": "max([meta.at, `0`])",
            "subject": "key",
            "data": "body.content",
            "source": "meta.by",
            "tenant": "meta.tenant",
            "attributes": {"group": "channel"},
        }
    )
    message = {
        "meta": {"kind": "A", "uuid": "u-1", "at": 1714564800, "tenant": "t", "by": "/p"},
        "content": {"x": 1},
    }
    found = event(message, envelope, key=b"k-1")
    assert (found.type, found.id, found.time, found.subject, found.data) == (
        "A",
        "u-1",
        NOON,
        "k-1",
        {"x": 1},
    )
    assert found.attributes == {"tenant": "t", "group": "orders"}
    assert found.producer == "/p"
    assert event({"meta": {}}, envelope, headers={"X-Kind": "B"}).type == "B"
    by_key = event({"meta": {}}, envelope, position=Position("q", exchange="e", routing_key="order.paid"))
    assert by_key.type == "order.paid"


def test_envelopes_of_single_sources() -> None:
    settings = DecodeSettings(envelopes={"other": Envelope.of({"type": "kind"})})
    body = b'{"type":"A","kind":"B"}'
    decoder = Decoder(settings)
    (shop,) = decoder.decode(Delivery("shop", body, Position("q"), NOW))
    (other,) = decoder.decode(Delivery("other", body, Position("q"), NOW))
    assert (shop.type, other.type) == ("A", "B")


@pytest.mark.parametrize("settings", [{"type": "a["}, {"time": 5}, {"extra": "nope(a)"}, {"id": ["", "a"]}])
def test_invalid_envelopes_name_the_attribute(settings: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match=f"envelope, {next(iter(settings))}"):
        Decoder(DecodeSettings(envelope=Envelope.of(settings)))


def test_the_same_fields_in_another_message_are_read_anew() -> None:
    decoder = Decoder()
    for type_ in ("A", "B", "A"):
        (found,) = decoder.decode(
            Delivery("s", json.dumps({"type": type_, "case": type_}).encode(), Position("q"), NOW)
        )
        assert isinstance(found, Event)
        assert (found.type, found.subject) == (type_, type_)
