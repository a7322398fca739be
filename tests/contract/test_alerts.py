"""Alerts are born and end with what they tell of: told once, again while they last, and to the end."""

from datetime import timedelta

from sqlalchemy import event

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import ClockState
from monitor.storage.alerting import AlertFilter, AlertRow
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import Said, a_clock, a_finding, at, place, tell
from tests.support.telling import Telling

KEYS = [("order", "o-1")]
ASTRAY = Said([a_finding(element="Task_2")], conforms=False)
BREACHED = Said(clocks=[a_clock(ClockState.BREACHED)])
MISSED = Said(clocks=[a_clock(ClockState.MISSED, ended=at(40))])


async def confirm(store: SqlStore) -> int:
    return await store.confirm_findings({"order": at(59)}, at(59), 100)


async def alerts(store: SqlStore) -> list[AlertRow]:
    return list((await store.alerts.alerts()).rows)


async def test_only_what_is_confirmed_alerts(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS, said=ASTRAY)
    assert await alerts(store) == []
    await confirm(store)
    (row,) = await alerts(store)
    assert row.alert.status == "firing"
    assert dict(row.alert.labels) == {
        "alertname": "Missing",
        "flow": "order",
        "kind": "missing",
        "severity": "warning",
        "trace": str(trace),
        "key": "o-1",
        "element": "Task_2",
    }
    assert row.alert.summary == "Paid is missing."
    assert row.alert.trace == trace
    assert not row.lasting


async def test_what_is_disproved_before_it_is_confirmed_never_alerts(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=ASTRAY)
    await tell(store, KEYS, Said([]))
    await confirm(store)
    assert await alerts(store) == []


async def test_a_retraction_ends_it_and_says_why(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=ASTRAY)
    await confirm(store)
    await tell(store, KEYS, Said([], reason="It came late."))
    (row,) = await alerts(store)
    assert (row.alert.status, row.reason) == ("resolved", "It came late.")
    assert row.alert.ends_at is not None


async def test_found_again_is_another_alert(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=ASTRAY)
    await confirm(store)
    await tell(store, KEYS, Said([]))
    await tell(store, KEYS, ASTRAY)
    await confirm(store)
    assert sorted(row.alert.status for row in await alerts(store)) == ["firing", "resolved"]


async def test_a_breach_ends_with_its_clock_and_begins_again_if_that_runs_on(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=BREACHED)
    await confirm(store)
    (row,) = await alerts(store)
    assert row.lasting
    assert row.alert.labels["alertname"] == "SlaBreached"
    assert row.alert.labels["sla"] == "Ship"
    assert row.alert.annotations["due"] == at(10).isoformat()
    assert (await store.views.totals()).firing == 1
    await tell(store, KEYS, MISSED)
    assert (await store.views.totals()).firing == 0
    (ended,) = await alerts(store)
    assert (ended.alert.status, ended.alert.ends_at) == ("resolved", at(40))
    await tell(store, KEYS, BREACHED)
    (again,) = await alerts(store)
    assert (again.alert.id, again.alert.status, again.alert.ends_at) == (row.alert.id, "firing", None)


async def test_a_breach_of_a_trace_that_is_let_go_of_ends_with_it(store: SqlStore) -> None:
    complete = Said(clocks=[a_clock(ClockState.BREACHED)], complete=True)
    await place(store, "a", *KEYS, said=complete)
    await place(store, "b", ("order", "o-2"), said=BREACHED)
    await confirm(store)
    assert await store.purge_traces(timedelta(hours=1), at(99), 100) == 1
    states = {row.alert.labels["key"]: (row.alert.status, row.reason) for row in await alerts(store)}
    assert states == {"o-1": ("resolved", "Its trace is no longer kept."), "o-2": ("firing", None)}


async def test_what_was_over_before_it_was_known_is_born_resolved_and_not_told(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=MISSED)
    await confirm(store)
    (row,) = await alerts(store)
    assert (row.alert.status, row.alert.ends_at) == ("resolved", at(40))
    telling = Telling(store.alerts)
    await telling.begin()
    await telling.go()
    await telling.go(hours=1)
    assert telling.ops.sent == []


async def test_a_risk_that_came_true_ends_without_good_news(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=Said(clocks=[a_clock(ClockState.AT_RISK)]))
    await confirm(store)
    telling = Telling(store.alerts)
    await telling.begin()
    await telling.go()
    await telling.go(seconds=30)
    assert telling.ops.told == [[("SlaAtRisk", "firing")]]
    await store.sweep_clocks({"order": at(30)}, at(30), 10)
    await confirm(store)
    await telling.go(minutes=1)
    await telling.go(minutes=10)
    assert telling.ops.told[1:] == [[("SlaBreached", "firing")]]


async def test_a_notice_is_an_alert_while_it_lasts(store: SqlStore) -> None:
    blind = Notice(NoticeKind.BLIND, "kafka", "kafka is not read.", at(1), at(2))
    await store.begin_notice(blind)
    await store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "Still not.", at(1), at(3)))
    (row,) = await alerts(store)
    assert row.alert.labels == {
        "alertname": "SourceBlind",
        "kind": "blind",
        "severity": "warning",
        "source": "kafka",
    }
    assert row.alert.summary == "Still not."
    await store.end_notice(NoticeKind.BLIND, "kafka", at(5))
    (row,) = await alerts(store)
    assert (row.alert.status, row.alert.ends_at) == ("resolved", at(5))


async def test_it_is_told_once_again_while_it_lasts_and_when_it_ends(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=BREACHED)
    await confirm(store)
    telling = Telling(store.alerts)
    await telling.begin()
    await telling.go()
    assert telling.ops.sent == []  # the group waits for more
    await telling.go(seconds=30)
    assert telling.ops.told == [[("SlaBreached", "firing")]]
    await telling.over(timedelta(minutes=5), timedelta(hours=3, minutes=55))
    assert len(telling.ops.sent) == 1
    await telling.over(timedelta(minutes=1), timedelta(minutes=11))
    assert telling.ops.told[1:] == [[("SlaBreached", "firing")]]
    await tell(store, KEYS, MISSED)
    await telling.over(timedelta(minutes=1), timedelta(minutes=6))
    assert telling.ops.told[2:] == [[("SlaBreached", "resolved")]]
    await telling.over(timedelta(minutes=30), timedelta(hours=9))
    assert len(telling.ops.sent) == 3
    assert len({one.id for one in telling.ops.sent}) == 3


async def test_a_fact_is_told_once_and_its_retraction(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=ASTRAY)
    await confirm(store)
    telling = Telling(store.alerts)
    await telling.begin()
    await telling.go()
    await telling.over(timedelta(minutes=30), timedelta(hours=9))
    assert telling.ops.told == [[("Missing", "firing")]]
    await place(store, "b", ("order", "o-2"), said=ASTRAY)
    await confirm(store)
    await telling.go()
    await telling.go(minutes=6)
    assert telling.ops.told[1:] == [[("Missing", "firing")]]
    assert telling.ops.sent[1].alerts[0].labels["key"] == "o-2"
    await tell(store, KEYS, Said([], reason="It came late."))
    await telling.go()
    await telling.go(minutes=6)
    assert telling.ops.told[2:] == [[("Missing", "resolved")]]
    assert telling.ops.sent[2].alerts[0].annotations["reason"] == "It came late."


async def test_filters(store: SqlStore) -> None:
    await place(store, "a", *KEYS, said=Said([a_finding()], [a_clock(ClockState.BREACHED)]))
    await confirm(store)

    async def names(**wanted: object) -> list[str]:
        page = await store.alerts.alerts(AlertFilter(**wanted))  # type: ignore[arg-type]
        return [row.alert.name for row in page.rows]

    assert await names(state="firing") == ["SlaBreached"]
    assert await names(state="facts") == ["Missing"]
    assert await names(state="resolved") == []
    assert await names(name="Missing") == ["Missing"]
    assert await names(severity="critical", flow="order") == ["SlaBreached"]
    assert await names(flow="refund") == []
    page = await store.alerts.alerts(limit=1)
    assert page.next is not None
    rest = await store.alerts.alerts(cursor=page.next, limit=1)
    assert {page.rows[0].alert.name, rest.rows[0].alert.name} == {"SlaBreached", "Missing"}


async def test_a_batch_without_news_for_people_asks_nothing_about_alerts(store: SqlStore) -> None:
    """The ingest path: findings begin and clocks move in it all the time."""
    asked: list[str] = []

    def noted(_c: object, _x: object, statement: str, *_: object) -> None:
        asked.append(statement)

    engine = store._writes.sync_engine
    event.listen(engine, "before_cursor_execute", noted)
    said = Said([a_finding()], [a_clock(ClockState.AT_RISK)], conforms=False)
    await place(store, "a", *KEYS, said=said)
    await tell(store, KEYS, Said([a_finding("Shipped")], [a_clock(ClockState.MET, ended=at(5))]))
    assert len(asked) > 5
    assert [statement for statement in asked if "alert" in statement] == []
    await tell(store, KEYS, ASTRAY)
    await confirm(store)
    asked.clear()
    await tell(store, KEYS, Said([]))
    assert len([statement for statement in asked if "alert" in statement]) == 1
    event.remove(engine, "before_cursor_execute", noted)


async def test_a_breach_of_an_open_trace_that_is_let_go_of_ends_with_it(store: SqlStore) -> None:
    await place(store, "b", ("order", "o-2"), said=BREACHED)
    await confirm(store)
    assert [row.alert.status for row in await alerts(store)] == ["firing"]
    assert await store.purge_open(timedelta(hours=1), {"order": at(999)}, at(999), 100) == 1
    states = {row.alert.labels["key"]: (row.alert.status, row.reason) for row in await alerts(store)}
    assert states == {"o-2": ("resolved", "Its trace is no longer kept.")}
