"""The simulated landscape: the same seed tells the same story, and the truth fits what is told."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from monitor.landscape.plan import Pace, Plan, in_order, plan, stream
from monitor.landscape.story import DEFAULT_FAULTS, FAULTS, Limits
from monitor.landscape.wire import EXCHANGE, STRUCTURED, TOPICS, Emission

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def many() -> Plan:
    return plan(7, 1500, START)


def attributes(message: Emission) -> dict[str, str]:
    """CloudEvents attributes, whichever mode the message is in."""
    if message.content_type == STRUCTURED:
        return {name: value for name, value in json.loads(message.body).items() if isinstance(value, str)}
    prefix = "cloudEvents:" if message.channel == "rabbit" else "ce_"
    return {name.removeprefix(prefix): value for name, value in message.headers.items()}


def readable(messages: tuple[Emission, ...]) -> list[Emission]:
    return [message for message in messages if message.body.endswith(b"}")]


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(7, 50, START) == plan(7, 50, START)
    assert plan(8, 50, START).emissions != plan(7, 50, START).emissions


def test_an_order_does_not_depend_on_how_many_follow(many: Plan) -> None:
    assert plan(7, 20, START).truths == many.truths[:20]


def test_a_stream_is_the_plan(many: Plan) -> None:
    first = list(islice(stream(7, START, Pace()), 200))
    assert tuple(order.truth for order in first) == many.truths[:200]
    sent = list(in_order(iter(first)))
    assert [message.at for message in sent] == sorted(message.at for message in sent)
    assert len(sent) == sum(len(order.emissions) for order in first)


def test_every_fault_and_path_occurs(many: Plan) -> None:
    faults = Counter(truth.fault for truth in many.truths)
    assert set(faults) == {None, *FAULTS}
    assert faults[None] / len(many.truths) == pytest.approx(1 - sum(DEFAULT_FAULTS.values()), abs=0.05)
    assert len({truth.path for truth in many.truths}) == 5


def test_no_faults_means_none() -> None:
    quiet = plan(7, 300, START, faults={})
    assert {truth.fault for truth in quiet.truths} == {None}
    assert not any(truth.deviations or truth.inbox or truth.repeats for truth in quiet.truths)
    assert {clock.state(quiet.end) for truth in quiet.truths for clock in truth.clocks} == {
        "met",
        "cancelled",
    }


def test_one_fault_can_be_asked_for() -> None:
    assert {truth.fault for truth in plan(1, 20, START, faults={"stuck": 1.0}).truths} == {"stuck"}
    with pytest.raises(ValueError, match="there is no fault 'sluggish'"):
        plan(1, 1, START, faults={"sluggish": 1.0})


def test_messages_are_cloud_events_in_both_modes_on_the_right_channel(many: Plan) -> None:
    modes: Counter[tuple[str, str]] = Counter()
    for message in readable(many.emissions):
        told = attributes(message)
        assert told["specversion"] == "1.0"
        assert told["id"] == message.id
        assert datetime.fromisoformat(told["time"]) == message.time
        assert told["type"].startswith("com.shop.")
        if message.channel == "rabbit":
            assert message.destination == EXCHANGE
            assert message.routing_key.startswith(message.service + ".")
        else:
            assert message.destination in TOPICS
            assert message.key == message.order.encode()
        modes[message.channel, message.content_type] += 1
    assert min(modes.values()) > 1000
    assert len(modes) == 4


def test_the_truth_counts_what_is_told(many: Plan) -> None:
    ids = Counter(message.id for message in many.emissions)
    for truth in many.truths[:400]:
        mine = [message for message in many.emissions if message.order == truth.order]
        known = {message.id for message in mine if message.type != "com.shop.ParcelWeighed"}
        assert len(known) == truth.events
        assert sum(ids[one] - 1 for one in known) == truth.repeats
        assert len(mine) == truth.events + truth.repeats + len(truth.inbox)


def test_payments_must_be_linked_to_their_order(many: Plan) -> None:
    """Some payment events name the payment alone; the request names both."""
    alone = linked = 0
    for message in readable(many.emissions):
        document = json.loads(message.body)
        data = document.get("data", document)
        if "paymentId" in data:
            alone += "orderId" not in data
            linked += "orderId" in data
            assert message.order in data["paymentId"]
    assert alone > 500
    assert linked > 500


def test_late_messages_arrive_after_later_events() -> None:
    late = plan(3, 30, START, faults={"late": 1.0})
    for truth in late.truths:
        mine = [message for message in late.emissions if message.order == truth.order]
        assert [message.time for message in mine] != sorted(message.time for message in mine)
        assert not truth.deviations


@pytest.mark.parametrize(
    ("fault", "state", "outcome"),
    [("slow", "Shipped in time", "missed"), ("tight", "Shipped in time", "met")],
)
def test_slow_orders_are_at_risk_first(fault: str, state: str, outcome: str) -> None:
    told = plan(5, 30, START, faults={fault: 1.0})
    for truth in told.truths:
        (ship,) = (clock for clock in truth.clocks if clock.sla == state)
        assert ship.ended is not None
        assert ship.state(ship.started) == "running"
        assert ship.state(min(ship.due, ship.ended) - timedelta(milliseconds=1)) == "at_risk"
        assert ship.state(told.end) == outcome


def test_stuck_orders_breach_and_stay_so() -> None:
    told = plan(5, 60, START, faults={"stuck": 1.0})
    for truth in told.truths:
        assert not truth.complete
        assert not truth.deviations
        assert "breached" in {clock.state(told.end) for clock in truth.clocks}
        assert "missed" not in {clock.state(told.end) for clock in truth.clocks}


def test_limits_leave_a_rightly_going_order_alone() -> None:
    assert Limits.of(timedelta(seconds=1)) == Limits(
        pay=timedelta(seconds=6), ship=timedelta(seconds=8), done=timedelta(seconds=20)
    )


def test_the_truth_file_is_plain_json(many: Plan) -> None:
    lines = [json.dumps(truth.to_json(many.end)) for truth in many.truths]
    assert json.loads(lines[0])["order"] == "A-00001"
