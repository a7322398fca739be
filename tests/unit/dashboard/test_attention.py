"""What needs attention, by cause."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from monitor.configuration import Configuration, Refused
from monitor.dashboard.attention import Landscape, Matter, at_once, blinded, matters, worst_slas
from monitor.dashboard.health import source_health
from monitor.domain.event import InboxReason
from monitor.domain.objective import Count, Objective, evaluate
from monitor.domain.verdict import FindingKind
from monitor.storage.views import ClockCounts, InboxGroup

SLA = ("order", "Ship within an hour")


def told(make: SimpleNamespace, **given: Any) -> list[Matter]:
    nothing: dict[str, Any] = {
        "names": {"order": "Order fulfilment"},
        "promises": make.promises(),
        "clocks": {},
        "overdue": (),
        "deviations": (),
        "each": 100,
        "sources": (),
        "feeds": {},
        "objectives": (),
        "notices": (),
        "inbox": (),
        "configuration": None,
    }
    return matters(Landscape(**{**nothing, **given}), make.NOW)


def test_nothing(make: SimpleNamespace) -> None:
    assert told(make, configuration=Configuration(make.NOW)) == []


def test_late_traces_are_one_matter_for_each_thing_waited_for(make: SimpleNamespace) -> None:
    rows = [
        make.overdue_row(1, due=make.ago(hours=3)),
        *(make.overdue_row(number, due=make.ago(hours=2)) for number in range(2, 13)),
        make.overdue_row(20, due=make.ago(hours=1), standing=("pay",), expected=("Paid", "Cancelled")),
    ]
    many, one = told(make, overdue=rows, clocks={SLA: ClockCounts(breached=13)})
    assert many.said == "12 orders of Order fulfilment are late, waiting for GoodsShipped"
    assert many.detail == "“Ship within an hour”; the oldest, order=o-1, due 3 h ago"
    assert (many.count, many.exact, many.since, many.severity) == (12, True, make.ago(hours=3), "critical")
    assert many.address == "/traces?flow=order&element=ship&sla=breached"
    assert one.said.startswith("1 order of Order fulfilment is late")
    assert one.said.endswith("waiting for Paid or Cancelled")


def test_of_more_than_were_read_it_says_at_least(make: SimpleNamespace) -> None:
    (one,) = told(make, overdue=[make.overdue_row()], clocks={SLA: ClockCounts(breached=900)})
    assert one.said.startswith("At least 1 order of Order fulfilment is late")
    assert not one.exact


def test_one_cause_is_one_matter_whichever_slas_it_breaks(make: SimpleNamespace) -> None:
    rows = [
        make.overdue_row(1, sla="Done in time", severity="warning", due=make.ago(hours=1)),
        make.overdue_row(1),
        make.overdue_row(2),
    ]
    (one,) = told(make, overdue=rows, clocks={SLA: ClockCounts(breached=2)})
    assert one.said.startswith("2 orders of Order fulfilment are late")
    assert one.detail.startswith("“Ship within an hour” and “Done in time”; the oldest, order=o-1, due 3 h")
    assert (one.severity, one.count, one.exact) == ("critical", 2, True)


def test_however_much_is_late_other_kinds_are_seen(make: SimpleNamespace) -> None:
    rows = [make.overdue_row(number, expected=(f"E{number}",)) for number in range(30)]
    sources = [source_health(make.source_row(watermark=make.ago(hours=1)), make.NOW)]
    shown, folded = at_once(told(make, overdue=rows, sources=sources))
    assert [one.kind for one in shown] == ["breached"] * 6 + ["blind"]
    assert len(folded) == 24


def test_critical_slas_are_asked_first_and_few(make: SimpleNamespace) -> None:
    clocks = {
        ("order", "Often"): ClockCounts(breached=50),
        SLA: ClockCounts(breached=1),
        ("order", "Never"): ClockCounts(running=5),
    }
    assert worst_slas(clocks, make.promises()) == [SLA, ("order", "Often")]
    assert worst_slas(clocks, {}, 1) == [("order", "Often")]


def test_deviations_by_kind_and_event(make: SimpleNamespace) -> None:
    rows = [
        make.deviation_row(1),
        make.deviation_row(2, open=False, found=make.ago(hours=5)),
        make.deviation_row(3, kind=FindingKind.DUPLICATE, name="Paid"),
    ]
    missing, again = told(make, deviations=rows)
    assert missing.said == "GoodsShipped is missing: 2 orders of Order fulfilment"
    assert missing.detail == "in the last 24 h; 1 still open"
    assert missing.since == make.ago(hours=5)
    assert missing.address == "/traces?flow=order&finding=missing"
    assert again.said == "Paid came again: 1 order of Order fulfilment"
    (cut, _) = told(make, deviations=rows, each=2)
    assert cut.said.startswith("GoodsShipped is missing: at least 2 orders")


def test_blind_sources_say_what_they_hold_up(make: SimpleNamespace) -> None:
    row = make.source_row("shop/ä", watermark=make.ago(minutes=9), shards=(make.shard_row(error="refused"),))
    sources = [source_health(row, make.NOW), source_health(make.source_row(), make.NOW)]
    (one,) = told(make, sources=sources, feeds={"order": ("shop/ä",), "returns": ("other",)})
    assert one.said == "Source shop/ä is blind: refused"
    assert one.detail == "what is missing or late in 1 flow cannot be judged"
    assert one.since == make.ago(minutes=9)
    assert one.address == "/sources/shop%2F%C3%A4"
    assert blinded("x", ["order", "returns"], {"order": ("y",)}) == ["returns"]


def test_budgets_that_burn_or_are_short(make: SimpleNamespace) -> None:
    objective = Objective(0.9, timedelta(days=1), minimum=1)

    def evaluated(whole: Count, lately: Count) -> Any:
        return evaluate(objective, make.NOW, [whole, *[lately] * (len(objective.begins(make.NOW)) - 1)])

    quiet, bad = Count(10, 0), Count(0, 10)
    of = {
        "fine": evaluated(Count(99, 1), quiet),
        "short": evaluated(Count(92, 8), quiet),
        "gone": evaluated(Count(70, 30), quiet),
        "burns": evaluated(Count(99, 1), bad),
        "unknown": evaluated(Count(), Count()),
    }
    found = told(make, objectives=[("order", name, one) for name, one in of.items()])
    assert [one.said for one in found] == [
        "The error budget of “short” of Order fulfilment has 20% left",
        "The error budget of “gone” of Order fulfilment is used up",
        "The error budget of “burns” of Order fulfilment burns 10.0 times as fast as it may last",
    ]
    assert found[0].address == "/slas/order/short"


def test_the_inbox_counts_while_it_grows(make: SimpleNamespace) -> None:
    groups = [
        InboxGroup(InboxReason.UNMAPPED, "Foo & Bar", "shop", 14, make.ago(minutes=3), "No flow knows it."),
        *(InboxGroup(InboxReason.NO_KEY, f"T{at}", "shop", 2, make.ago(hours=1), "") for at in range(6)),
        InboxGroup(InboxReason.UNMAPPED, "Old", "shop", 99, make.ago(days=3), ""),
    ]
    found = told(make, inbox=groups)
    assert len(found) == 6
    assert found[0].said == "14 messages Foo & Bar from shop in the inbox: no flow knows it"
    assert found[0].address == "/inbox?reason=unmapped&type=Foo+%26+Bar"
    assert found[-1].said == "2 further groups of messages in the inbox"
    assert found[-1].count == 4


def test_at_risk_and_a_refused_configuration(make: SimpleNamespace) -> None:
    used = Configuration(make.ago(days=1), Refused(make.ago(hours=1), "models: none"))
    risk, refused = told(make, clocks={SLA: ClockCounts(at_risk=2)}, configuration=used)
    assert risk.said == "2 clocks of “Ship within an hour” of Order fulfilment are about to be late"
    assert (refused.kind, refused.detail) == ("configuration", "models: none")
