"""What event rules leave out of the flows, and what of the flows no event can tell apart."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.mapping import FlowLabels, Rule
from monitor.mapping.coverage import Gap, gaps

ORDER = FlowLabels("order", {"OrderPlaced", "PaymentReceived", "GoodsShipped"}, key="order")
BILLING = FlowLabels("billing", {"InvoiceSent"}, key="invoice")

ALL = {"ignore": True}
"""A rule that takes every event."""


def found(*rules: dict[str, Any], flows: tuple[FlowLabels, ...] = (ORDER,)) -> list[Gap]:
    return list(gaps([Rule.of(rule) for rule in rules], flows))


def brief(found: list[Gap]) -> list[tuple[str, str | None, str | None, int | None]]:
    return [(gap.code, gap.flow, gap.label, gap.rule) for gap in found]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{"match": {"type": "com.shop.*"}, "keys": {"order": "data.id"}}],
        [{"match": {"type": "x"}, "as": "OrderPlaced"}],
        [{"match": {"type": "com.*"}}, ALL],
        [{"match": {"channel": "orders"}}, ALL],
        [{"as": "=data.kind"}, ALL],
        [
            {"match": {"type": "a"}, "as": "order-placed"},
            {"match": {"type": "PaymentReceived"}},
            {"match": {"type": "c"}, "as": "GoodsShipped"},
            ALL,
        ],
        [{"model": "other", "ignore": True}],
    ],
)
def test_where_every_label_may_come_nothing_is_said(rules: list[dict[str, Any]]) -> None:
    assert found(*rules) == []


def test_labels_that_the_rules_keep_every_event_from() -> None:
    rules = {"match": {"type": "a"}, "as": "order placed"}, {"match": {"type": "GoodsShipped"}}, ALL
    (gap,) = found(*rules)
    assert brief([gap]) == [("unmapped-element", "order", "PaymentReceived", None)]
    assert "rule 3 takes all" in gap.said
    assert 'as: "PaymentReceived"' in gap.said


def test_a_rule_for_another_flow_leaves_the_convention_in_force() -> None:
    taking = {"model": "billing", "as": "InvoiceSent"}
    assert found(taking, flows=(ORDER, BILLING)) == []
    assert [gap.label for gap in found({**taking, "model": "order"}, flows=(ORDER, BILLING))] == [
        "GoodsShipped",
        "OrderPlaced",
        "PaymentReceived",
        None,
    ]


def test_labels_no_flow_has() -> None:
    rules = (
        {"match": {"type": "a"}, "as": "PaymentRecieved"},
        {"match": {"type": "b"}, "as": "GoodsShipped"},
        {"match": {"type": "c"}, "as": "GoodsShipped", "model": "billing"},
        {"match": {"type": "d"}, "as": "=data.x"},
    )
    first, third = found(*rules, flows=(ORDER, BILLING))
    assert brief([first, third]) == [("unknown-label", None, None, 0), ("unknown-label", None, None, 2)]
    assert "perhaps PaymentReceived" in first.said
    assert "flow billing" in third.said


def test_labels_that_read_alike() -> None:
    flow = FlowLabels("f", {"Order placed", "OrderPlaced", "Paid"})
    (gap,) = found(flows=(flow,))
    assert brief([gap]) == [("ambiguous-label", "f", "Order placed", None)]
    assert "“Order placed” and “OrderPlaced”" in gap.said


def test_a_further_name_of_several_labels() -> None:
    flow = FlowLabels("f", {"MailSent", "LetterSent"}, {"Notify": ("LetterSent", "MailSent")})
    (gap,) = found(flows=(flow,))
    assert (gap.code, gap.label) == ("ambiguous-label", "LetterSent")
    assert "'Notify'" in gap.said


PAYMENT = {"match": {"type": "PaymentReceived"}, "keys": {"payment": "data.p"}}


def test_keys_that_lead_to_no_trace() -> None:
    (gap,) = found(PAYMENT)
    assert brief([gap]) == [("missing-key", "order", None, 0)]
    assert gap.key == "keys"
    assert "found by order" in gap.said


def test_keys_that_another_event_links() -> None:
    link = {"match": {"type": "PaymentRequested"}, "keys": {"order": "data.o", "payment": "data.p"}}
    assert found(PAYMENT, link) == []
    chained = {"match": {"type": "R"}, "keys": {"refund": "data.r", "payment": "data.p"}}
    assert found({"match": {"type": "S"}, "keys": {"refund": "data.r"}}, chained, link) == []
    assert [gap.rule for gap in found(chained)] == [0]
