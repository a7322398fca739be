"""The naming convention."""

from __future__ import annotations

import pytest

from monitor.mapping.naming import Naming, bare, nearest

LABELS = [
    "PaymentReceived",
    "Goods shipped",
    "Invoice paid",
    "Order\u00a0bestätigt",
    "Prevent fraud",
    "A_Submitted",
]
NAMING = Naming(
    LABELS,
    {"Task_3": ("Goods shipped",), "Versand": ("Goods shipped",), "x": ("A_Submitted", "Invoice paid")},
)


@pytest.mark.parametrize(
    ("type_", "label"),
    [
        ("PaymentReceived", "PaymentReceived"),
        ("com.shop.PaymentReceived", "PaymentReceived"),
        ("com.shop.payment_received", "PaymentReceived"),
        ("com.shop.PAYMENT-RECEIVED", "PaymentReceived"),
        ("com.shop.PaymentReceivedEvent", "PaymentReceived"),
        ("com.shop.PaymentReceived.v1", "PaymentReceived"),
        ("com.shop.PaymentReceivedV2", "PaymentReceived"),
        ("com.shop.payment_received_v1", "PaymentReceived"),
        ("com.shop.PaymentReceivedEventV2", "PaymentReceived"),
        ("com.shop.PaymentReceivedV2Event", "PaymentReceived"),
        ("com.shop.payment_received_event.v1.2", "PaymentReceived"),
        ("payment received", "PaymentReceived"),
        ("https://shop.example/events/PaymentReceived", "PaymentReceived"),
        ("urn:message:Shop.Contracts:PaymentReceived", "PaymentReceived"),
        ("com.shop.Events$PaymentReceived", "PaymentReceived"),
        ("Shop.PaymentReceived, Shop.Contracts, Version=1.0.0.0", "PaymentReceived"),
        ("invoice.paid", "Invoice paid"),
        ("com.shop.invoice.paid", "Invoice paid"),
        ("com.shop.invoice.paid.v3", "Invoice paid"),
        ("goods-shipped", "Goods shipped"),
        ("OrderBestätigt", "Order\u00a0bestätigt"),
        ("a.submitted", "A_Submitted"),
        ("Task_3", "Goods shipped"),
        ("shop.versand.v1", "Goods shipped"),
    ],
)
def test_resolved(type_: str, label: str) -> None:
    assert NAMING.resolve(type_) == (label,)


@pytest.mark.parametrize(
    "type_", ["", ".", "v1", "Event", "Refunded", "Payment", "paid", "shop.PaymentReceivedTwice"]
)
def test_unresolved(type_: str) -> None:
    assert NAMING.resolve(type_) == ()


def test_ambiguity_names_all_candidates() -> None:
    naming = Naming(["Order placed", "OrderPlaced", "order-placed"], {})
    assert naming.resolve("com.shop.ORDER_PLACED") == ("Order placed", "OrderPlaced", "order-placed")
    assert naming.resolve("com.shop.OrderPlaced") == ("OrderPlaced",)
    assert NAMING.resolve("x") == ("A_Submitted", "Invoice paid")


def test_a_closer_form_wins_over_a_farther_one() -> None:
    naming = Naming(["Paid", "PaidEvent", "Invoice paid"], {"paidv2": ("Invoice paid",)})
    assert naming.resolve("x.paid_event") == ("PaidEvent",)
    assert naming.resolve("x.PaidV1") == ("Paid",)
    assert naming.resolve("x.invoice.paid") == ("Paid",)
    assert naming.resolve("x.paidV2") == ("Invoice paid",)


def test_labels_come_before_aliases() -> None:
    assert Naming(["A", "B"], {"b": ("A",)}).resolve("x.b") == ("A",)
    assert Naming(["A", "B"], {"b_": ("A",)}).resolve("x.b") == ("B",)


def test_labels_written_like_types() -> None:
    naming = Naming(["com.shop.OrderPlaced.v1", "Check no. 5"], {})
    assert naming.resolve("OrderPlaced") == ("com.shop.OrderPlaced.v1",)
    assert naming.resolve("com.shop.OrderPlaced.v2") == ("com.shop.OrderPlaced.v1",)
    assert naming.resolve("5") == ()


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Prevent", "Prevent"),
        ("prevent", "prevent"),
        ("Event", "Event"),
        ("RevV2", "Rev"),
        ("rev2", "rev2"),
        ("dev.v2", "dev"),
    ],
)
def test_endings_are_only_dropped_where_they_are_endings(name: str, stem: str) -> None:
    assert bare(name) == stem


def test_nearest() -> None:
    assert nearest("com.shop.PaymentRecieved", LABELS)[0] == "PaymentReceived"
    assert nearest("goods.shiped", LABELS)[0] == "Goods shipped"
    assert nearest("zzz", LABELS) == []
    assert nearest("zzz", []) == []
