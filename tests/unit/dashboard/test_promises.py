"""What SLAs promise, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Sla
from monitor.dashboard.promises import Promise, limit_text, promises_of, span_text
from monitor.domain.calendar import BUSINESS
from monitor.domain.duration import Span
from monitor.domain.limit import Limit
from monitor.domain.verdict import ClockKind
from tests.support.flows import flow_of, tasks

HOUR = Limit.of(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "working", "said"),
    [
        ("PT1H30M", False, "1 h 30 min"),
        ("PT8H", True, "8 h of working time"),
        ("P2D", False, "2 days"),
        ("P1D", True, "1 working day"),
        ("P1M2DT4H", False, "1 month, 2 days and 4 h"),
        ("P1W", True, "1 working week"),
        ("PT0S", False, "0 ms"),
    ],
)
def test_spans_stay_what_was_written(text: str, working: bool, said: str) -> None:
    assert span_text(Span.parse(text), working=working) == said


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (HOUR, "within 1 h"),
        (Limit(Span(days=2), calendar=BUSINESS), "within 2 working days"),
        (Limit(by=17 * 60, timezone="Europe/Berlin"), "by 17:00 (Europe/Berlin)"),
        (Limit(Span(days=1), by=9 * 60 + 5), "by 09:05 1 day later (UTC)"),
        (Limit(at=datetime(2026, 12, 24, 11, tzinfo=UTC)), "by 2026-12-24 11:00:00 UTC"),
        (Limit(field="promisedBy"), "by the time its event says"),
        (Limit(Span(days=3), field="promisedBy"), "by the time its event says, else within 3 days"),
    ],
)
def test_limits(limit: Limit, said: str) -> None:
    assert limit_text(limit) == said


FLOW = f"""
{tasks("OrderPlaced", "PaymentReceived", "GoodsShipped")}
<startEvent id="s"/><endEvent id="e"/>
s -> OrderPlaced -> PaymentReceived -> GoodsShipped -> e
"""


def promised(**given: Any) -> Promise:
    flow = flow_of(FLOW, Options(slas=(Sla(**given),)))
    ((key, promise),) = promises_of([flow]).items()
    assert key == (promise.flow, promise.name)
    return promise


def test_between_two_events() -> None:
    promise = promised(
        name="Ship",
        limit=HOUR,
        start="PaymentReceived",
        end="GoodsShipped",
        at_risk=0.8,
        severity="critical",
        pause=frozenset({"OrderPlaced"}),
        resume=frozenset({"PaymentReceived"}),
    )
    assert promise.kind == "between"
    assert promise.sentence == "GoodsShipped comes within 1 h of PaymentReceived."
    assert "At risk once 80 % of the time has passed." in promise.also
    assert "The clock stands still from OrderPlaced to PaymentReceived." in promise.also
    assert promise.risk == 0.8
    roles = {(place.name, place.role) for place in promise.places}
    assert ("PaymentReceived", "starts the clock") in roles
    assert ("GoodsShipped", "stops the clock") in roles


def test_of_a_whole_trace() -> None:
    promise = promised(name="Done", limit=HOUR)
    assert promise.sentence == "The flow is complete within 1 h of the first event of a trace."
    assert promise.places == ()


def test_idle_and_reminder() -> None:
    idle = promised(name="Quiet", limit=HOUR, idle=True)
    assert (idle.kind, idle.sentence) == (
        "idle",
        "The next event of a trace comes within 1 h of the one before.",
    )
    reminder = promised(name="Remind", limit=HOUR, on=("GoodsShipped",), kind=ClockKind.REMINDER)
    assert reminder.kind == "reminder"
    assert reminder.risk is None
    assert reminder.sentence.startswith("GoodsShipped is reminded of")


def test_what_is_awaited_is_named() -> None:
    promise = promised(name="Paid", limit=HOUR, on=("PaymentReceived",), at_risk=timedelta(minutes=15))
    assert promise.kind == "waiting"
    assert promise.sentence.endswith("comes within 1 h of becoming the expected event.")
    assert promise.risk == pytest.approx(0.75)
    assert [place.role for place in promise.places] == ["the clock runs while it is awaited"]
