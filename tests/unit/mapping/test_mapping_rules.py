"""Which rules match."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.domain.event import Delivery, Event, Position, TimeOrigin
from monitor.errors import MappingError
from monitor.mapping import Matcher, Rule
from monitor.mapping.rules import RuleBook
from monitor.settings.models import EventRule

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def event(
    type_: str = "com.shop.OrderPlaced",
    data: Any = None,
    *,
    source: str = "shop-kafka",
    headers: dict[str, Any] | None = None,
    exchange: str | None = "shop",
    routing_key: str | None = "order.placed.eu",
    producer: str | None = "/shop",
    channel: str = "orders",
) -> Event:
    delivery = Delivery(
        source, b"", Position(channel, 0, 1, exchange, routing_key), NOW, headers=headers or {}
    )
    return Event(type_, NOW, TimeOrigin.PRODUCER, b"i" * 16, delivery, "e", producer, "o-1", data)


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"source": "shop-kafka"},
        {"source": "shop-*", "type": "com.shop.*"},
        {"type": ["x", "*Placed"]},
        {"type": "com.shop.OrderPlace?"},
        {"topic": "ord*"},
        {"queue": "orders"},
        {"channel": "orders", "exchange": "shop"},
        {"producer": "/shop", "subject": "o-*"},
        {"routing_key": "order.placed.eu"},
        {"routing_key": "order.*.eu"},
        {"routing_key": "order.#"},
        {"routing_key": "#"},
        {"routing_key": "#.eu"},
        {"routing_key": "order.#.placed.eu"},
        {"routing_key": "*.placed.#"},
        {"routing_key": "order.pl*"},
        {"headers": {"X-Kind": "gold"}},
        {"headers": {"x-kind": "g*"}},
        {"data": {"status": "paid"}},
        {"data": {"data.status": "pa*"}},
        {"data": {"n": 5, "flag": True}},
        {"data": {"n": "5", "flag": "true"}},
        {"data": {"status": ["open", "paid"]}},
        {"data": {"absent": None}},
        {"data": {"length(lines)": 2}},
        {"data": {"data.lines[0].sku": "a"}},
        {"data": {"order.id": "o-1"}},
        {"source": None, "data": {}, "headers": None},
    ],
)
def test_matches(match: dict[str, Any]) -> None:
    data = {"status": "paid", "n": 5, "flag": True, "lines": [{"sku": "a"}, {}], "order": {"id": "o-1"}}
    given = event(data=data, headers={"X-Kind": b"gold"})
    assert RuleBook([Rule.of({"match": match})]).matching(given) == (0,)


@pytest.mark.parametrize(
    "match",
    [
        {"source": "shop"},
        {"source": "shop-kafka", "type": "com.other.*"},
        {"type": "com.shop.orderplaced"},
        {"type": "com-shop.OrderPlaced"},
        {"type": "com.shop.[O]rderPlaced"},
        {"topic": "order"},
        {"producer": "/other*"},
        {"routing_key": "order.*"},
        {"routing_key": "*"},
        {"routing_key": "order.placed.eu.#.x"},
        {"routing_key": "orders.#"},
        {"headers": {"X-Kind": "silver"}},
        {"headers": {"X-Other": "*"}},
        {"data": {"status": "open"}},
        {"data": {"n": True}},
        {"data": {"flag": 1}},
        {"data": {"absent": "*"}},
        {"data": {"order": "*"}},
        {"data": {"status": None}},
    ],
)
def test_does_not_match(match: dict[str, Any]) -> None:
    data = {"status": "paid", "n": 1, "flag": True, "order": {}}
    given = event(data=data, headers={"X-Kind": "gold"})
    assert RuleBook([Rule.of({"match": match})]).matching(given) == ()


def test_absent_wire_fields_match_nothing() -> None:
    given = event(exchange=None, routing_key=None, producer=None)
    for match in ({"exchange": "*"}, {"routing_key": "#"}, {"producer": "*"}):
        assert RuleBook([Rule.of({"match": match})]).matching(given) == ()


def test_rules_up_to_the_first_that_is_for_all_models() -> None:
    rules: list[dict[str, Any]] = [
        {"match": {"data": {"a": 1}}, "as": "A"},
        {"match": {"type": "com.*"}, "model": "one"},
        {"match": {"type": "com.*"}, "model": ["two", "three"]},
        {"match": {"type": "com.*"}, "as": "B"},
        {"match": {}},
    ]
    book = RuleBook(map(Rule.of, rules))
    for _ in range(2):  # learnt, then remembered
        assert book.matching(event(data={"a": 1})) == (0,)
        assert book.matching(event(data={"a": 2})) == (1, 2, 3)
        assert book.matching(event("other")) == (4,)
        assert book.matching(event("other", {"a": 1})) == (0,)


def test_the_memory_of_choices_heeds_every_field_a_rule_uses() -> None:
    book = RuleBook(
        Rule.of({"match": match})
        for match in ({"source": "s1"}, {"channel": "c1"}, {"exchange": "e1"}, {"routing_key": "r1"})
    )
    assert book.matching(event()) == ()
    assert book.matching(event(source="s1")) == (0,)
    assert book.matching(event(channel="c1")) == (1,)
    assert book.matching(event(exchange="e1")) == (2,)
    assert book.matching(event(routing_key="r1")) == (3,)


def test_the_memory_of_choices_is_bounded() -> None:
    book = RuleBook([Rule.of({"match": {"routing_key": "order.#"}})])
    for number in range(10_000):
        assert book.matching(event(routing_key=f"order.{number}")) == (0,)
    assert len(book._choices) <= 4096


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"keys": {"order": "data.["}}, "rule 2, keys.order"),
        ({"keys": {"order": ""}}, "rule 2, keys.order"),
        ({"attributes": {"due": "nope(data)"}}, "rule 2, attributes.due"),
        ({"keep": ["data.a", "data.["]}, "rule 2, keep"),
        ({"as": "=data.["}, "rule 2, as"),
        ({"match": {"data": {"a[": 1}}}, "rule 2, match.data"),
    ],
)
def test_invalid_expressions_name_rule_and_key(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(MappingError, match=told):
        RuleBook([Rule(), Rule.of(rule)])


def test_unknown_keys() -> None:
    with pytest.raises(MappingError, match="there is no 'label_'"):
        Rule.of({"label_": "A"})
    with pytest.raises(MappingError, match="match: there is no 'typ'"):
        Rule.of({"match": {"typ": "A"}})


def test_the_configurations_rules_convert_as_they_are() -> None:
    setting = EventRule.model_validate(
        {
            "match": {"source": "s", "headers": {"h": "x"}, "data": {"a": "b"}},
            "as": "A",
            "model": "m",
            "keys": {"order": "data.orderId"},
            "attributes": {"due": "data.due"},
            "keep": "data.x",
        }
    )
    assert Rule.of(setting.model_dump(by_alias=True)) == Rule(
        Matcher(source=("s",), headers={"h": ("x",)}, data={"a": "b"}),
        "A",
        ("m",),
        {"order": "data.orderId"},
        {"due": "data.due"},
        ("data.x",),
    )
    assert Rule.of(EventRule().model_dump()) == Rule()
