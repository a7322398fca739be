"""From event to observations."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping as Map
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from monitor.domain.event import Delivery, Event, InboxReason, Key, Misfit, Observation, Position, TimeOrigin
from monitor.errors import MappingError
from monitor.mapping import FlowLabels, Mapping, Rule

NOW = datetime(2024, 5, 1, tzinfo=UTC)
ORDER = FlowLabels(
    "order-fulfilment",
    frozenset({"OrderPlaced", "PaymentReceived", "GoodsShipped"}),
    {"Task_1": ("OrderPlaced",)},
    key="order",
)
BILLING = FlowLabels("billing", ["PaymentReceived", "Payment reminded"], key="invoice")


def event(
    type_: str = "com.shop.PaymentReceived",
    data: Any = None,
    *,
    subject: str | None = "o-1",
    attributes: Map[str, str] | None = None,
    position: Position | None = None,
) -> Event:
    delivery = Delivery("shop", b"{}", position or Position("orders", 3, 7), NOW)
    return Event(
        type_, NOW, TimeOrigin.PRODUCER, b"i" * 16, delivery, "e-1", "/shop", subject, data, attributes or {}
    )


def mapping(*rules: dict[str, Any], flows: tuple[FlowLabels, ...] = (ORDER,), **more: Any) -> Mapping:
    return Mapping(map(Rule.of, rules), flows, **more)


def one(mapped: Mapping, given: Event) -> Observation:
    found = mapped.observe(given)
    assert not isinstance(found, Misfit), found
    (observation,) = found
    return observation


def misfit(mapped: Mapping, given: Event) -> Misfit:
    found = mapped.observe(given)
    assert isinstance(found, Misfit), found
    assert found.delivery is given.delivery
    assert found.event is given
    assert found.type == given.type
    return found


def rule_in(mend: str) -> dict[str, Any]:
    """The rule a mend proposes."""
    (rule,) = yaml.safe_load(mend.split("`")[1])
    assert isinstance(rule, dict)
    return rule


def test_convention() -> None:
    found = one(
        mapping(), event(attributes={"causationid": "e-0", "sequence": "17", "sequencetype": "Integer"})
    )
    assert found == Observation(
        "order-fulfilment", "PaymentReceived", NOW, b"i" * 16, (Key("order", "o-1"),), "e-1", "/shop",
        "shop/orders/3", 7, 17, "e-0", (),
    )  # fmt: skip


def test_rule() -> None:
    mapped = mapping(
        {
            "match": {"type": "com.shop.Paid*"},
            "as": "PaymentReceived",
            "keys": {"payment": "data.paymentId", "order": "data.order.id"},
        }
    )
    found = one(mapped, event("com.shop.PaidInFull", {"paymentId": 5, "order": {"id": " o-7 "}}))
    assert found.label == "PaymentReceived"
    assert found.keys == (Key("order", "o-7"), Key("payment", "5"))


def test_events_no_rule_is_about_go_by_convention() -> None:
    mapped = mapping({"match": {"type": "x"}, "as": "GoodsShipped", "keys": {"order": "data.id"}})
    assert one(mapped, event()).keys == (Key("order", "o-1"),)


def test_first_match_wins() -> None:
    mapped = mapping(
        {"match": {"type": "A"}, "as": "OrderPlaced"}, {"match": {"type": "*"}, "as": "GoodsShipped"}
    )
    assert one(mapped, event("A")).label == "OrderPlaced"
    assert one(mapped, event("B")).label == "GoodsShipped"


def test_a_rule_without_label_leaves_that_to_the_convention() -> None:
    mapped = mapping({"match": {"type": "*"}, "keys": {"order": "data.id"}})
    found = one(mapped, event(data={"id": 9}))
    assert (found.label, found.keys) == ("PaymentReceived", (Key("order", "9"),))


def test_a_rules_label_may_be_an_alias_or_spelt_otherwise() -> None:
    for name in ("Task_1", "order placed", "OrderPlaced"):
        assert one(mapping({"as": name}), event("X")).label == "OrderPlaced"


def test_a_label_by_expression() -> None:
    mapped = mapping({"match": {"type": "status"}, "as": "=data.status"})
    assert one(mapped, event("status", {"status": "goods_shipped"})).label == "GoodsShipped"
    assert one(mapped, event("status", {"status": "OrderPlaced"})).label == "OrderPlaced"
    unknown = misfit(mapped, event("status", {"status": "Lost"}))
    assert "rule 1 says 'Lost'" in unknown.detail
    assert "found nothing" in misfit(mapped, event("status", {})).detail


# several flows ----------------------------------------------------------------------------------------


def test_several_flows_each_get_an_observation() -> None:
    found = mapping(flows=(ORDER, BILLING)).observe(event())
    assert not isinstance(found, Misfit)
    assert [(seen.flow, seen.keys) for seen in found] == [
        ("order-fulfilment", (Key("order", "o-1"),)),
        ("billing", (Key("invoice", "o-1"),)),
    ]


def test_rules_for_single_models_do_not_hide_one_another() -> None:
    mapped = mapping(
        {
            "match": {"type": "Paid"},
            "model": "order-fulfilment",
            "as": "PaymentReceived",
            "keys": {"order": "data.o"},
        },
        {
            "match": {"type": "Paid"},
            "model": "billing",
            "as": "PaymentReceived",
            "keys": {"invoice": "data.i"},
        },
        flows=(ORDER, BILLING),
    )
    found = mapped.observe(event("Paid", {"o": 1, "i": 2}))
    assert not isinstance(found, Misfit)
    assert [seen.keys for seen in found] == [(Key("order", "1"),), (Key("invoice", "2"),)]


def test_a_flow_without_its_key_does_not_hinder_the_others() -> None:
    mapped = mapping({"model": "billing", "keys": {"invoice": "data.i"}}, flows=(ORDER, BILLING))
    assert one(mapped, event(data={})).flow == "order-fulfilment"


def test_ignore() -> None:
    mapped = mapping({"match": {"type": "*.Heartbeat"}, "ignore": True}, flows=(ORDER, BILLING))
    assert mapped.observe(event("shop.Heartbeat")) == []
    only_billing = mapping(
        {"match": {"type": "*"}, "model": "billing", "ignore": True}, flows=(ORDER, BILLING)
    )
    assert one(only_billing, event()).flow == "order-fulfilment"


# keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("o-1", "o-1"),
        (" o 1 ", "o 1"),
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (7.5, "7.5"),
        (True, "true"),
        (2**63, str(2**63)),
    ],
)
def test_key_values(value: object, key: str) -> None:
    mapped = mapping({"keys": {"order": "data.k"}})
    assert one(mapped, event(data={"k": value})).keys == (Key("order", key),)


@pytest.mark.parametrize("value", [None, "", " \n", {}, {"id": 1}, [], ["o-1"]])
def test_missing_key_values(value: object) -> None:
    found = misfit(mapping({"keys": {"order": "data.k"}}), event(data={"k": value}))
    assert found.reason is InboxReason.NO_KEY
    assert "order" in found.detail


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * 513, "513 characters"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        (1e22, "too large to be exact"),
    ],
)
def test_unfit_key_values(value: object, told: str) -> None:
    found = misfit(mapping({"keys": {"order": "data.k"}}), event(data={"k": value}))
    assert found.reason is InboxReason.NO_KEY
    assert told in found.detail
    assert (
        one(mapping({"keys": {"order": "data.k"}}), event(data={"k": "x" * 512})).keys[0].value == "x" * 512
    )


def test_some_of_several_keys_will_do() -> None:
    mapped = mapping({"keys": {"order": "data.o", "payment": "data.p"}})
    assert one(mapped, event(data={"p": 1})).keys == (Key("payment", "1"),)


@pytest.mark.parametrize("name", ["correlationid", "traceid", "case", "businessKey", "bamtxid"])
def test_keys_by_convention(name: str) -> None:
    assert one(mapping(), event(subject=None, attributes={name: "c-1"})).keys == (Key("order", "c-1"),)
    assert one(mapping(), event(subject="o-1", attributes={name: "c-1"})).keys == (Key("order", "o-1"),)


def test_order_of_keys_by_convention() -> None:
    attributes = {"bamtxid": "5", "case": "4", "traceid": "3", "correlationid": "2"}
    for value in "2345":
        assert one(mapping(), event(subject=" ", attributes=attributes)).keys == (Key("order", value),)
        attributes.popitem()


def test_without_a_key_name_in_the_model_it_is_case() -> None:
    assert one(mapping(flows=(FlowLabels("f", {"A"}),)), event("A")).keys == (Key("case", "o-1"),)


def test_default_keys_of_the_model_and_the_convention_behind_them() -> None:
    flow = FlowLabels("f", {"A", "B"}, key="order", keys={"A": {"order": "data.orderId"}})
    mapped = mapping(flows=(flow,))
    assert one(mapped, event("A", {"orderId": 5})).keys == (Key("order", "5"),)
    assert one(mapped, event("A", {})).keys == (Key("order", "o-1"),)
    assert one(mapped, event("B", {"orderId": 5})).keys == (Key("order", "o-1"),)


def test_no_key_says_what_was_looked_for_and_how_to_mend_it() -> None:
    given = event(data={"note": "x", "customerId": 3, "orderId": 5}, subject=None)
    found = misfit(mapping(), given)
    assert found.reason is InboxReason.NO_KEY
    for name in ("subject", "correlationid", "traceid", "case"):
        assert name in found.detail
    assert "customerId" in found.mend
    assert one(mapping(rule_in(found.mend)), given).keys == (Key("order", "5"),)


# what cannot be placed --------------------------------------------------------------------------------


def test_unmapped_names_the_nearest_labels_and_a_rule_that_mends_it() -> None:
    given = event("com.shop.PaymentRecieved")
    found = misfit(mapping(), given)
    assert found.reason is InboxReason.UNMAPPED
    assert "nearest labels: PaymentReceived" in found.detail
    assert "order-fulfilment" in found.detail
    assert one(mapping(rule_in(found.mend)), given).label == "PaymentReceived"


def test_unmapped_without_flows() -> None:
    assert "no flow is deployed" in misfit(mapping(flows=()), event()).detail


def test_a_proposed_rule_is_valid_whatever_the_type() -> None:
    for type_ in ('a: "b"', "- x", "{", "#", "it's", "zeile\n2", "ä€😀", "\ud800", "null", "1"):
        assert rule_in(misfit(mapping(), event(type_)).mend)["match"]["type"]


def test_ambiguity_names_the_candidates() -> None:
    flow = FlowLabels("f", {"Order placed", "OrderPlaced."})
    given = event("x.order_placed")
    found = misfit(mapping(flows=(flow,)), given)
    assert found.reason is InboxReason.AMBIGUOUS
    assert "Order placed, OrderPlaced." in found.detail
    assert one(mapping(rule_in(found.mend), flows=(flow,)), given).label == "Order placed"


def test_strict_unknown_observes_the_type() -> None:
    mapped = mapping(strict_unknown=True)
    found = one(mapped, event("com.shop.Whatever"))
    assert (found.label, found.keys) == ("com.shop.Whatever", (Key("order", "o-1"),))
    assert misfit(mapped, event("X", subject=None)).reason is InboxReason.NO_KEY
    for flows in ((), (ORDER, BILLING)):
        with pytest.raises(MappingError, match="exactly one flow"):
            mapping(flows=flows, strict_unknown=True)


def test_invalid_expressions_of_a_flow() -> None:
    with pytest.raises(MappingError, match="flow f, key order of A"):
        mapping(flows=(FlowLabels("f", {"A"}, keys={"A": {"order": "a["}}),))
    with pytest.raises(MappingError, match="flow f, attributes"):
        mapping(flows=(FlowLabels("f", {"A"}, attributes=("a[",)),))


# ordering hints, attributes, lifecycle ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "lane", "offset"),
    [
        (Position("orders", 0, 0), "shop/orders/0", 0),
        (Position("log.jsonl", None, 17), None, None),
        (Position("queue", None, None, "shop", "a", "r-1"), None, None),
    ],
)
def test_lanes_are_partitions_only(position: Position, lane: str | None, offset: int | None) -> None:
    found = one(mapping(), event(position=position))
    assert (found.lane, found.offset) == (lane, offset)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0010", 10),
        ("-3", -3),
        ("+3", 3),
        ("a", None),
        ("", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 19, None),
        ("9" * 18, 10**18 - 1),
    ],
)
def test_sequence(text: str, number: int | None) -> None:
    assert one(mapping(), event(attributes={"sequence": text})).sequence == number


def test_attributes_for_slas_and_conditions() -> None:
    flow = FlowLabels("f", {"A"}, attributes=("data.due", "data.items", "data.long", "data.absent"))
    mapped = mapping(
        {"attributes": {"total": "sum(data.prices)", "data.absent": "data.present"}}, flows=(flow,)
    )
    data = {"due": "2024-06-01", "items": [1], "long": "x" * 2000, "prices": [1, 2], "present": False}
    found = one(mapped, event("A", data))
    assert dict(found.attributes) == {"data.due": "2024-06-01", "total": 3, "data.absent": False}
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found)


def test_lifecycle_transitions() -> None:
    flow = FlowLabels("f", {"A", "A begun", "B"}, starts={"A": "A begun"})
    mapped = mapping(flows=(flow,))

    def labels(type_: str, transition: str) -> list[str]:
        found = mapped.observe(event(type_, attributes={"lifecycle:transition": transition}))
        assert not isinstance(found, Misfit)
        return [seen.label for seen in found]

    assert labels("A", "complete") == labels("A", "COMPLETE") == labels("A", "whatever") == ["A"]
    assert labels("A", "start") == labels("A", "START") == ["A begun"]
    assert labels("B", "start") == labels("A", "schedule") == []
    assert labels("B", "complete") == ["B"]


# what is kept -----------------------------------------------------------------------------------------


def test_nothing_is_kept_by_default() -> None:
    assert mapping().kept(event(data={"secret": 1})) is None
    assert mapping({"match": {"type": "x"}, "keep": ["data"]}).kept(event(data={"secret": 1})) is None


def test_kept_fields() -> None:
    mapped = mapping(
        {"match": {"type": "com.*"}, "keep": ["data.order.total", "data.lines[].sku", "data.absent"]},
        keep=["subject"],
    )
    data = {"order": {"total": 5, "card": "4111"}, "lines": [{"sku": "a", "price": 1}]}
    kept = mapped.kept(event(data=data))
    assert kept is not None
    assert json.loads(kept) == {"subject": "o-1", "data.order.total": 5, "data.lines[].sku": ["a"]}
    whole = mapping(keep=["data"]).kept(event(data=data))
    assert json.loads(whole or "") == {"data": data}


def test_kept_text_is_one_a_database_takes() -> None:
    data = {"a\0": ["b\0", "literal \\u0000"], "n": 1.5}
    kept = mapping(keep=["data"]).kept(event(data=data))
    assert json.loads(kept or "") == {"data": {"a\ufffd": ["b\ufffd", "literal \\u0000"], "n": 1.5}}


def test_kept_values_json_cannot_say() -> None:
    kept = mapping(keep=["sum(data.n)"]).kept(event(data={"n": [2**63, 2**63]}))
    assert json.loads(kept or "") == {"sum(data.n)": str(2**64)}
    flow = FlowLabels("f", {"A"}, attributes=("sum(data.n)",))
    assert one(mapping(flows=(flow,)), event("A", {"n": [2**63, 1]})).attributes == ()


def test_plans_are_bounded() -> None:
    mapped = mapping()
    for number in range(10_000):
        mapped._learn(mapped_kind(f"t{number}"))
    assert len(mapped._plans) <= 4096


def mapped_kind(type_: str) -> Any:
    from monitor.mapping.mapping import _Kind

    return _Kind(type_, (), (), None)
