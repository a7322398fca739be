"""What the official CloudEvents SDK writes, in every mode and for every protocol, is read as it was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import amqp, http, kafka, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from monitor.decode import Decoder
from monitor.domain.event import Delivery, Event, Position

NOW = datetime(2024, 5, 1, tzinfo=UTC)
FORMAT = JSONFormat()

Given = tuple[bytes, str | None, dict[str, Any]]
ON_TOPIC = Position("orders", 0, 1)
ON_QUEUE = Position("orders", exchange="shop", routing_key="a", receipt="r")
BY_HTTP = Position("/api/v1/events", receipt="r")


def from_structured(event: CloudEvent) -> Delivery:
    message = http.to_structured(event, FORMAT)
    return Delivery("s", message.body, BY_HTTP, NOW, content_type=message.headers["content-type"])


def from_http(event: CloudEvent) -> Delivery:
    message = http.to_binary(event, FORMAT)
    return Delivery("s", message.body, BY_HTTP, NOW, headers=message.headers)


def from_kafka(event: CloudEvent) -> Delivery:
    message = kafka.to_binary(event, FORMAT)
    return Delivery("s", message.value, ON_TOPIC, NOW, headers=message.headers)


def from_kafka_structured(event: CloudEvent) -> Delivery:
    message = kafka.to_structured(event, FORMAT)
    return Delivery("s", message.value, ON_TOPIC, NOW, headers=message.headers)


def from_rabbitmq(event: CloudEvent) -> Delivery:
    message = rabbitmq.to_binary(event, FORMAT)
    return Delivery(
        "s", message.body, ON_QUEUE, NOW, headers=message.headers, content_type=message.content_type
    )


def from_amqp(event: CloudEvent) -> Delivery:
    message = amqp.to_binary(event, FORMAT)
    content_type = message.properties.get("content-type")
    return Delivery(
        "s",
        message.application_data,
        ON_QUEUE,
        NOW,
        headers=message.application_properties,
        content_type=content_type,
    )


PROTOCOLS = [from_structured, from_http, from_kafka, from_kafka_structured, from_rabbitmq, from_amqp]

REQUIRED = {"id": "e-1", "source": "/shop/orders", "type": "com.shop.OrderPlaced", "specversion": "1.0"}
EVENTS: dict[str, tuple[dict[str, Any], Any]] = {
    "required only": ({}, None),
    "usual": (
        {
            "subject": "o-1",
            "time": datetime(2024, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC),
            "datacontenttype": "application/json",
            "dataschema": "https://shop.example/order.json",
            "correlationid": "c-1",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
        {"orderId": "o-1", "lines": [{"sku": "ä", "n": 1.5}], "gift": None},
    ),
    "offset": ({"time": datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=-3)))}, {}),
    "1948": ({"time": datetime(1948, 3, 1, tzinfo=UTC)}, {}),
    "hard text": (
        {"subject": 'Größe 100% "quoted" €😀 a b/c;d', "datacontenttype": "application/json"},
        {"a": "€"},
    ),
    "text": ({"datacontenttype": "text/plain"}, "grüße"),
    "xml": ({"datacontenttype": "application/xml"}, "<a/>"),
}


@pytest.mark.parametrize("to_delivery", PROTOCOLS)
@pytest.mark.parametrize("name", EVENTS)
def test_written_by_the_sdk(to_delivery: Callable[[CloudEvent], Delivery], name: str) -> None:
    attributes, data = EVENTS[name]
    (event,) = Decoder().decode(to_delivery(CloudEvent(REQUIRED | attributes, data)))
    assert isinstance(event, Event), event
    assert (event.id, event.producer, event.type) == ("e-1", "/shop/orders", "com.shop.OrderPlaced")
    assert event.subject == attributes.get("subject")
    if "time" in attributes:
        assert event.time == attributes["time"]
    wanted = {
        key: value for key, value in attributes.items() if key not in ("subject", "time", "datacontenttype")
    }
    found = {key: value for key, value in event.attributes.items() if key != "datacontenttype"}
    assert found == wanted
    if "datacontenttype" in attributes:
        assert event.attributes["datacontenttype"] == attributes["datacontenttype"]
    assert event.data == data or (data is None and not event.data)


def test_bytes_written_by_the_sdk() -> None:
    given = CloudEvent(REQUIRED | {"datacontenttype": "application/octet-stream"}, b"\0\xff")
    for to_delivery in PROTOCOLS:
        (event,) = Decoder().decode(to_delivery(given))
        assert isinstance(event, Event)
        assert event.data == "AP8="


def test_what_the_sdk_refuses_for_missing_attributes_is_refused_here() -> None:
    for missing in REQUIRED:
        body = {name: value for name, value in REQUIRED.items() if name != missing}
        content_type = "application/cloudevents+json"
        (result,) = Decoder().decode(
            Delivery("s", json.dumps(body).encode(), BY_HTTP, NOW, content_type=content_type)
        )
        assert not isinstance(result, Event), missing
