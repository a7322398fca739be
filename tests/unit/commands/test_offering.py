"""Which commands are offered for which traces."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.commands.declared import Item, Limits, Mode, Target, Template, When
from monitor.commands.offering import offered
from monitor.domain.event import Key
from monitor.domain.verdict import Clock, ClockState, FindingKind, FindingState
from monitor.storage.views import FindingRow, TraceDetail, TraceRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = {"Task_2": {"Ship the goods", "GoodsShipped"}}


def a_finding(**changed: Any) -> FindingRow:
    given: dict[str, Any] = {
        "trace": 1,
        "trace_key": "o-1",
        "flow": "order",
        "key": "aa",
        "kind": FindingKind.MISSING,
        "state": FindingState.CONFIRMED,
        "severity": "warning",
        "element": "Task_1",
        "name": "Paid",
        "message": "Paid is missing.",
        "expected": (),
        "event": None,
        "identity": None,
        "time": NOON,
        "found": NOON,
        "confirmed": NOON,
        "retracted": None,
        "reason": None,
    }
    return FindingRow(**{**given, **changed})


BREACH = a_finding(kind=FindingKind.SLA_BREACH, key="bb", name="Ship", element="Task_2", severity="critical")


def a_clock(state: ClockState = ClockState.BREACHED) -> Clock:
    return Clock("Ship", 0, state, NOON, NOON + timedelta(hours=1))


def a_trace(*findings: FindingRow, **changed: Any) -> TraceDetail:
    given: dict[str, Any] = {
        "id": 1,
        "flow": "order",
        "version": 1,
        "key": "o-1",
        "first": NOON,
        "last": NOON,
        "events": 1,
        "conforms": True,
        "complete": False,
        "undecided": False,
        "cost": 0,
        "deviations": 0,
        "confirmed": 0,
        "sla": None,
        "standing": ("Task_2",),
        "expected": ("GoodsReturned",),
    }
    row = TraceRow(**{**given, **changed})
    return TraceDetail(row, None, (Key("order", "o-1"),), (), False, findings, (), (), 1, ())


def an_item(when: When, **changed: Any) -> Item:
    given: dict[str, Any] = {
        "name": "release",
        "title": "Release",
        "flow": "order",
        "when": when,
        "mode": Mode.MANUAL,
        "target": Target("kafka", "kafka k:9092", "orders", Template("")),
        "type": "t",
        "source": "/choreoscope",
        "subject": None,
        "headers": {},
        "body": {},
        "limits": Limits(),
    }
    return Item(**{**given, **changed})


def keys(when: When, detail: TraceDetail, *clocks: Clock) -> list[str | None]:
    found = offered([an_item(when)], detail, clocks, NAMES)
    return [None if one.finding is None else one.finding.key for one in found]


def only(**asked: Any) -> When:
    return When(**{name: frozenset(value) for name, value in asked.items()})


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (When(), [None]),
        (only(findings=[FindingKind.MISSING]), ["aa"]),
        (only(findings=[FindingKind.DUPLICATE]), []),
        (only(sla=["Ship"]), ["bb"]),
        (only(sla=["Paid"]), []),
        (only(severity=["critical"]), ["bb"]),
        (only(severity=["critical", "warning"]), ["aa", "bb"]),
        (only(element=["Task_1"]), ["aa"]),
        (only(element=["Paid"]), ["aa"]),
        (only(findings=[FindingKind.MISSING], element=["Task_2"]), []),
        (only(standing=["Task_2"]), [None]),
        (only(standing=["GoodsShipped"]), [None]),
        (only(standing=["GoodsReturned"]), [None]),
        (only(standing=["Task_1"]), []),
        (only(standing=["Task_1"], sla=["Ship"]), []),
        (When(states=frozenset({"complete"})), []),
        (When(states=frozenset()), [None]),
    ],
)
def test_all_that_is_asked_has_to_be_true(when: When, found: list[str | None]) -> None:
    assert keys(when, a_trace(a_finding(), BREACH), a_clock()) == found


def test_of_another_flow_nothing_is_offered() -> None:
    assert offered([an_item(When(), flow="refund")], a_trace(), (), NAMES) == []


@pytest.mark.parametrize("state", [FindingState.PROVISIONAL, FindingState.RETRACTED])
def test_only_what_is_confirmed_counts(state: FindingState) -> None:
    assert keys(only(findings=[FindingKind.MISSING]), a_trace(a_finding(state=state))) == []


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (ClockState.RUNNING, True),
        (ClockState.AT_RISK, True),
        (ClockState.BREACHED, True),
        (ClockState.BLIND, True),
        (ClockState.MISSED, False),
        (ClockState.MET, False),
        (ClockState.CANCELLED, False),
    ],
)
def test_a_promise_that_is_over_needs_no_mending(state: ClockState, counts: bool) -> None:
    found = keys(only(sla=["Ship"]), a_trace(BREACH), a_clock(state))
    assert found == (["bb"] if counts else [])


def test_the_latest_finding_comes_first() -> None:
    later = replace(a_finding(), key="cc", time=NOON + timedelta(hours=1))
    assert keys(only(findings=[FindingKind.MISSING]), a_trace(a_finding(), later)) == ["cc", "aa"]
