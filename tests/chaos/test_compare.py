"""The comparison sees what it is there for: each way in which the store or the receivers can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.domain.event import Key
from tests.chaos.compare import differences
from tests.chaos.judged import About, AlertRow, Checked, EventId, Held, Message, Order, Told, Truth
from tests.support.shop import Said

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE = NOON + timedelta(seconds=10)
PLACED, PAID = EventId("/shop/orders", "e-1"), EventId("/shop/payments", "e-2")
POISON = Message("undecodable", b'{"id": ')
BREACH = About("SlaBreached", "o-1", "Shipped in time")
RISK = About("SlaAtRisk", "o-1", "Shipped in time")
ORDER = Order(False, 2, (("missing", "ItemsPicked"),), (("Shipped in time", "breached"),))
CHECKED = Checked(
    False,
    False,
    1,
    (("missing", "ItemsPicked", "Task_1", None, "ItemsPicked is missing."),),
    (("Shipped in time", "breached", NOON.isoformat(), DUE.isoformat(), ""),),
)
SAID = Said(
    key="o-1",
    keys=frozenset({Key("order", "o-1"), Key("payment", "P-o-1-1")}),
    events=((NOON, "OrderPlaced", "e-1"), (NOON + timedelta(seconds=1), "PaymentReceived", "e-2")),
    conforms=False,
    complete=False,
    cost=1,
    expected=("GoodsShipped",),
    standing=("Task_1",),
    findings=frozenset(
        {("missing", "ItemsPicked", "Task_1", NOON, "ItemsPicked is missing.", ("ItemsPicked",), None)}
    ),
    clocks=frozenset({("Shipped in time", 1, NOON, DUE, None, None, "breached")}),
)
TRUTH = Truth(
    events=frozenset({PLACED, PAID}),
    inbox=frozenset({POISON}),
    orders={"o-1": ORDER},
    checked={"o-1": CHECKED},
    said=(SAID,),
    must=frozenset({BREACH}),
    most={BREACH: 1, RISK: 1},
)
ROW = AlertRow("a-1", "SlaBreached", BREACH, "firing", "critical", True)
OVER = AlertRow("a-2", "SlaAtRisk", RISK, "resolved", "warning", True)
SILENT = replace(OVER, tells_end=False)
TOLD = (
    Told("hook", "m-2", "a-2", "firing"),
    Told("hook", "m-1", "a-1", "firing"),
    Told("hook", "m-1", "a-1", "firing"),  # delivered twice, by one id
    Told("mail", "m-3", "a-1", "firing"),
    Told("hook", "m-4", "a-2", "resolved"),
)
HELD = Held(
    events=(PLACED, PAID),
    inbox=(POISON,),
    places=(("warehouse", 0, 7, "undecodable"),),
    orders={"o-1": ORDER},
    checked={"o-1": CHECKED},
    said=(SAID,),
    alerts=(ROW, OVER),
    told=TOLD,
    bodies={("hook", "m-1"): 1},
)


def test_what_is_as_it_must_be_differs_in_nothing() -> None:
    assert differences(TRUTH, HELD) == []


def test_a_message_that_a_broker_was_given_twice_may_stand_in_the_inbox_twice() -> None:
    places = (("warehouse", 0, 7, "undecodable"), ("warehouse", 0, 9, "undecodable"))
    assert differences(TRUTH, replace(HELD, inbox=(POISON, POISON), places=places)) == []


def test_a_risk_that_became_a_breach_ends_without_a_word() -> None:
    assert differences(TRUTH, replace(HELD, alerts=(ROW, SILENT), told=TOLD[:-1])) == []


LATE = replace(ROW, id="a-3")
FALSE = About("SlaBreached", "o-1", "Payment in time")
BLIND = AlertRow("a-9", "SourceBlind", None, "resolved", "critical", True)

WRONG: dict[str, tuple[Callable[[Held], Held], str]] = {
    "the end of a risk that became a breach is told": (
        lambda held: replace(held, alerts=(ROW, SILENT)),
        "hook was told of an end that was none",
    ),
    "a risk ends without a word and without a breach": (
        lambda held: replace(held, alerts=(replace(ROW, about=FALSE), SILENT), told=TOLD[1:4]),
        "its end is told by no breach",
    ),
    "an event is lost": (lambda held: replace(held, events=(PLACED,)), "event lost"),
    "an event counts twice": (lambda held: replace(held, events=(PLACED, PAID, PAID)), "event held 2 times"),
    "an event was never sent": (
        lambda held: replace(held, events=(*held.events, EventId("/shop/orders", "e-9"))),
        "event never sent",
    ),
    "a misfit is lost": (lambda held: replace(held, inbox=()), "message of the inbox lost"),
    "a good message is in the inbox": (
        lambda held: replace(held, inbox=(POISON, Message("failed", b"{}"))),
        "message of the inbox never sent",
    ),
    "one place is in the inbox twice": (
        lambda held: replace(held, places=2 * held.places),
        "the inbox holds 2 times",
    ),
    "a deviation is missed": (
        lambda held: replace(held, orders={"o-1": replace(ORDER, deviations=())}),
        "order o-1 by the simulation: deviations",
    ),
    "an order is lost": (lambda held: replace(held, orders={}), "order o-1 by the simulation"),
    "an order nobody placed": (
        lambda held: replace(held, orders={"o-1": ORDER, "o-2": ORDER}),
        "order o-2 by the simulation",
    ),
    "a verdict is wrong": (
        lambda held: replace(held, checked={"o-1": replace(CHECKED, complete=True)}),
        "order o-1 by choreoscope check: complete",
    ),
    "a clock is wrong": (
        lambda held: replace(held, checked={"o-1": replace(CHECKED, slas=())}),
        "order o-1 by choreoscope check: slas",
    ),
    "a trace is held twice": (lambda held: replace(held, said=(SAID, SAID)), "trace held 2 times"),
    "a trace is lost": (lambda held: replace(held, said=()), "trace lost"),
    "a key is missing": (
        lambda held: replace(held, said=(replace(SAID, keys=frozenset({Key("order", "o-1")})),)),
        "trace o-1 by replay: keys",
    ),
    "an event is in no trace": (
        lambda held: replace(held, said=(replace(SAID, events=SAID.events[:1]),)),
        "trace o-1 by replay: events",
    ),
    "a finding waits": (lambda held: replace(held, provisional=1), "1 findings are still provisional"),
    "an alert is lost": (lambda held: replace(held, alerts=(OVER,)), "no alert says so any more"),
    "an alert ended that lasts": (
        lambda held: replace(held, alerts=(replace(ROW, status="resolved"), OVER)),
        "no alert says so any more",
    ),
    "an alert was not delivered": (
        lambda held: replace(held, told=tuple(one for one in TOLD if one.alert != "a-1")),
        "hook was never told of",
    ),
    "an alert was not mailed": (
        lambda held: replace(held, told=tuple(one for one in TOLD if one.receiver != "mail")),
        "mail was never told of",
    ),
    "an end was not told": (
        lambda held: replace(held, told=TOLD[:-1]),
        "hook was never told of the end",
    ),
    "an end came first": (
        lambda held: replace(held, told=(TOLD[-1], *TOLD[:-1])),
        "before the beginning",
    ),
    "an end was none": (
        lambda held: replace(held, told=(*TOLD, Told("hook", "m-5", "a-1", "resolved"))),
        "an end that was none",
    ),
    "a repeat has another id": (
        lambda held: replace(held, told=(*TOLD, Told("hook", "m-9", "a-1", "firing"))),
        "hook was told 2 times, by as many ids",
    ),
    "one trouble is several alerts": (
        lambda held: replace(
            held, alerts=(ROW, LATE, OVER), told=(*TOLD, Told("hook", "m-9", "a-3", "firing"))
        ),
        "which was so 1 times",
    ),
    "a breach was none": (
        lambda held: replace(
            held,
            alerts=(ROW, OVER, replace(ROW, id="a-4", about=FALSE, severity="warning")),
            told=(*TOLD, Told("hook", "m-9", "a-4", "firing")),
        ),
        "which was so 0 times",
    ),
    "nobody stored what was told": (
        lambda held: replace(held, told=(*TOLD, Told("hook", "m-9", "a-8", "firing"))),
        "an alert that is not stored",
    ),
    "an alert about ourselves that no fault explains": (
        lambda held: replace(held, alerts=(*held.alerts, replace(BLIND, name="UnreadableClock"))),
        "an alert nobody provoked",
    ),
    "two messages have one id": (
        lambda held: replace(held, bodies={("hook", "m-1"): 2}),
        "2 different messages came to hook under one id",
    ),
    "a message waits": (lambda held: replace(held, undelivered=("m-7",)), "not delivered: m-7"),
    "a notice lasts": (lambda held: replace(held, notices=("blind of shop",)), "still lasts: blind"),
    "a process ended by itself": (lambda held: replace(held, ended=("ingest-1",)), "ended by itself"),
    "a log has a traceback": (lambda held: replace(held, complaints=("Traceback",)), "a log says"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told(what: str) -> None:
    spoil, said = WRONG[what]
    assert [one for one in differences(TRUTH, spoil(HELD)) if said in one]


def test_an_order_told_too_late_excuses_only_what_was_told_meanwhile() -> None:
    excused = replace(TRUTH, excused=frozenset({"o-1"}))
    retracted = replace(ROW, id="a-4", about=FALSE, status="resolved", severity="warning")
    told = (*TOLD, Told("hook", "m-8", "a-4", "firing"))
    meanwhile = replace(HELD, alerts=(ROW, OVER, retracted), told=told)
    (only,) = differences(excused, meanwhile)
    assert "never told of the end" in only
    ended = replace(meanwhile, told=(*told, Told("hook", "m-9", "a-4", "resolved")))
    assert differences(excused, ended) == []
    assert differences(excused, replace(ended, alerts=(OVER, retracted)))
