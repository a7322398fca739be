from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest

from monitor.domain.event import Delivery, Event, Position, TimeOrigin
from monitor.errors import MappingError
from monitor.expressions import dotted, header_text, over_event, over_json

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
EVENT = Event(
    "OrderPlaced",
    NOW,
    TimeOrigin.PRODUCER,
    b"i" * 16,
    Delivery(
        "shop",
        b"",
        Position("orders", 1, 2, "shop", "order.placed"),
        NOW,
        headers={"X-Order-Id": b"o-1", "n": 5, "at": NOW, "NServiceBus.MessageId": "m-1", "list": [1]},
        properties={"message_id": "m-2"},
        key=b"k-1",
    ),
    "e-1",
    "/shop",
    "o-1",
    {"order": {"id": "o-1", "lines": [{"n": 1}, {"n": 2}]}, "id": 7, "a-b": 1},
    {"correlationid": "c-1", "case:concept:name": "x"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data", EVENT.data),
        ("data.id", 7),
        (" data.order.id ", "o-1"),
        ("data.a-b", 1),
        ('data."a-b"', 1),
        ("data.order.id.deeper", None),
        ("data.absent", None),
        ("id", "e-1"),
        ("type", "OrderPlaced"),
        ("source", "/shop"),
        ("producer", "/shop"),
        ("subject", "o-1"),
        ("time", "2024-05-01T12:00:00Z"),
        ("correlationid", "c-1"),
        ("attributes.correlationid", "c-1"),
        ("case:concept:name", "x"),
        ("headers.x-order-id", "o-1"),
        ("headers.X-Order-Id", "o-1"),
        ("headers.n", "5"),
        ("headers.at", "2024-05-01T12:00:00Z"),
        ("headers.list", "[1]"),
        ("headers.NServiceBus.MessageId", "m-1"),
        ("headers.absent", None),
        ("properties.message_id", "m-2"),
        ("key", "k-1"),
        ("channel", "orders"),
        ("topic", "orders"),
        ("queue", "orders"),
        ("exchange", "shop"),
        ("routing_key", "order.placed"),
        ("type.deeper", None),
        ("data.order.lines[0].n", 1),
        ("sum(data.order.lines[].n)", 3),
        ("data.absent || subject", "o-1"),
        ("join('-', [type, headers.n, properties.message_id])", "OrderPlaced-5-m-2"),
        ("length(data.absent)", None),
        ("to_number(key)", None),
        ("split", None),
    ],
)
def test_over_event(text: str, value: Any) -> None:
    assert over_event(text)(EVENT) == value


def test_headers_as_a_whole() -> None:
    assert over_event("headers")(EVENT)["X-Order-Id"] == "o-1"
    assert over_event("attributes")(EVENT) == EVENT.attributes


@pytest.mark.parametrize(
    "text", ["", "  ", "a[", "a..b", "nope(a)", "a || nope(b)", "length(a, b", "'unclosed"]
)
def test_invalid_expressions(text: str) -> None:
    for compile_ in (over_event, over_json):
        with pytest.raises(MappingError):
            compile_(text)


@pytest.mark.parametrize("text", ["a", "a.b", "a.b.c", '"a"', 'a."b"'])
@pytest.mark.parametrize(
    "document", [{"a": {"b": {"c": 1}}}, {"a": [1]}, {"a": None}, {}, [], None, 5, {"a": {"b": "text"}}]
)
def test_plain_paths_mean_what_jmespath_means(text: str, document: Any) -> None:
    assert dotted(text) is not None
    assert over_json(text)(document) == jmespath.search(text, document)


def test_what_is_no_plain_path() -> None:
    for text in ("a[0]", "@", "a.*", "a | b", "`1`", "'a'", "a.", ".a", "a b"):
        assert dotted(text) is None


def test_a_header_that_is_a_table_is_text_whatever_it_holds() -> None:
    assert header_text({"a": [1, None, "é"]}) == '{"a":[1,null,"é"]}'
    assert header_text(["half \ud800", {"\udfff": 2}]) == '["half \\ud800",{"\\udfff":2}]'
