"""Kept fields reach the observation under the names that conditions read."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.domain.event import Delivery, Event, Misfit, Position, TimeOrigin
from monitor.errors import MappingError
from monitor.mapping import FlowLabels, Mapping, Rule

NOW = datetime(2024, 5, 1, tzinfo=UTC)
DATA = {
    "amount": 1500,
    "coupon": None,
    "order": {"total": 12.5, "coupon": None, "lines": [1], "customer": {"tier": "gold"}},
    "long": "x" * 2000,
}


def told(
    fields: set[str], *, more: dict[str, Any] | None = None, data: Any = DATA, **rule: Any
) -> dict[str, Any]:
    """What an event of these data tells of the fields, by a rule."""
    flow = FlowLabels("order", {"Placed"}, key="order", fields=frozenset(fields))
    event = Event(
        "Placed",
        NOW,
        TimeOrigin.PRODUCER,
        b"i" * 16,
        Delivery("shop", b"{}", Position("orders"), NOW),
        subject="o-1",
        data=data,
        attributes={"tenant": "blue"},
    )
    found = Mapping([Rule.of(rule)], [flow], **(more or {})).observe(event)
    assert not isinstance(found, Misfit)
    (observation,) = found
    assert pickle.loads(pickle.dumps(observation)) == observation
    return dict(observation.attributes)


def test_nothing_is_kept_unasked() -> None:
    assert told({"amount"}) == {}
    assert told({"amount"}, keep=["data.other"]) == {}
    assert told(set(), keep=["data.amount"]) == {}


@pytest.mark.parametrize("keep", ["data", "data.order", "data.order.total"])
def test_a_kept_path_has_the_fields_below_it(keep: str) -> None:
    assert told({"order.total"}, keep=[keep]) == {"order.total": 12.5}


def test_what_every_event_keeps_counts_too() -> None:
    assert told({"amount"}, more={"keep": ["data.amount"]}) == {"amount": 1500}


def test_an_attribute_gives_a_field_its_name() -> None:
    assert told({"sum"}, attributes={"sum": "data.amount"}) == {"sum": 1500}
    assert told({"order.total"}, attributes={"order.total": "data.amount"}) == {"order.total": 1500}
    assert told({"tenant"}, attributes={"tenant": "tenant"}) == {"tenant": "blue"}
    assert told({"first"}, attributes={"first": "data.order.lines[0]"}) == {"first": 1}


def test_an_attribute_that_is_an_object_has_fields() -> None:
    for expression in ("data.order", "data | order", "data.[order][0]"):
        assert told({"o.total", "o.customer.tier", "o.none"}, attributes={"o": expression}) == {
            "o.total": 12.5,
            "o.customer.tier": "gold",
        }


def test_the_attribute_is_meant_where_both_say_something() -> None:
    rule: dict[str, Any] = {"attributes": {"amount": "data.order.total"}, "keep": ["data"]}
    assert told({"amount"}, **rule) == {"amount": 12.5}


def test_attributes_that_no_condition_reads_stay() -> None:
    assert told({"amount"}, attributes={"tier": "data.order.customer.tier"}, keep=["data"]) == {
        "tier": "gold",
        "amount": 1500,
    }


def test_a_null_is_told_and_what_is_absent_is_not() -> None:
    assert told({"coupon", "order.coupon", "gone", "order.gone", "amount.gone"}, keep=["data"]) == {
        "coupon": None,
        "order.coupon": None,
    }
    assert told({"coupon", "gone"}, attributes={"coupon": "data.coupon", "gone": "data.gone"}) == {
        "coupon": None
    }


def test_what_is_too_much_to_keep_is_no_longer_what_it_was() -> None:
    assert told({"long", "order", "order.lines"}, keep=["data"]) == {
        "long": [],
        "order": [],
        "order.lines": [],
    }


@pytest.mark.parametrize("data", [None, "text", 7, ["x"]])
def test_data_of_any_kind_is_looked_into(data: Any) -> None:
    assert told({"amount"}, data=data, keep=["data"]) == {}


def test_an_invalid_expression_is_told_at_once() -> None:
    with pytest.raises(MappingError, match=r"attributes\.amount"):
        told({"amount"}, attributes={"amount": "data.["})
