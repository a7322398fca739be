"""What is not told, why, and that none of it is lost."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.alerts.inhibition import Rule
from monitor.alerts.intervals import Interval
from monitor.alerts.matchers import parse
from monitor.alerts.policy import Digest, Receiver
from monitor.bpmn.compile import Options
from monitor.bpmn.flow import Sla
from monitor.domain.limit import Limit
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import ClockState
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import Said, a_clock, a_finding, at, place, tell
from tests.support.flows import flow_of, tasks
from tests.support.telling import BEGIN, ROUTE, Telling

KEYS = [("order", "o-1")]
ASTRAY = Said([a_finding()], conforms=False)
BREACHED = Said(clocks=[a_clock(ClockState.BREACHED)])
MISSED = Said(clocks=[a_clock(ClockState.MISSED, ended=at(40))])
STEP = timedelta(minutes=1)


async def confirmed(store: SqlStore, key: str, said: Said) -> int:
    trace = await place(store, key, ("order", key), said=said)
    await store.confirm_findings({"order": at(59)}, at(59), 100)
    return trace


async def begun(store: SqlStore, **rest: object) -> Telling:
    telling = Telling(store.alerts, **rest)  # type: ignore[arg-type]
    await telling.begin()
    return telling


async def silence(store: SqlStore, matchers: str, hours: float) -> int:
    ends = BEGIN + timedelta(hours=hours)
    return await store.alerts.silence(parse(matchers), BEGIN, ends, "works", "ann", BEGIN)


async def muted(store: SqlStore) -> list[tuple[str, str]]:
    (row,) = (await store.alerts.alerts()).rows
    detail = await store.alerts.alert(bytes.fromhex(row.alert.id))
    assert detail is not None
    return [(one.muted.why.value, one.muted.by) for one in detail.members if one.muted]


async def test_what_is_silenced_is_told_once_that_is_over_if_it_lasts(store: SqlStore) -> None:
    await confirmed(store, "o-1", BREACHED)
    number = await silence(store, 'alertname="SlaBreached"', 2)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=119))
    assert telling.ops.sent == []
    assert await muted(store) == [("silenced", str(number))]
    await telling.over(STEP, timedelta(minutes=7))
    assert telling.ops.told == [[("SlaBreached", "firing")]]
    assert await muted(store) == []


async def test_a_silenced_fact_is_not_told_later(store: SqlStore) -> None:
    await confirmed(store, "o-1", ASTRAY)
    await silence(store, 'flow="order"', 1)
    telling = await begun(store)
    await telling.over(STEP, timedelta(hours=3))
    assert telling.ops.sent == []
    assert [why for why, _ in await muted(store)] == ["silenced"]


async def test_the_end_of_what_was_told_waits_for_the_end_of_the_silence(store: SqlStore) -> None:
    await confirmed(store, "o-1", BREACHED)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=2))
    await silence(store, 'flow="order"', 2)
    await tell(store, KEYS, MISSED)
    await telling.over(STEP, timedelta(hours=1))
    assert len(telling.ops.sent) == 1
    await telling.over(STEP, timedelta(hours=2))
    assert telling.ops.told == [[("SlaBreached", "firing")], [("SlaBreached", "resolved")]]


async def test_a_silence_can_be_ended_and_is_on_record(store: SqlStore) -> None:
    await confirmed(store, "o-1", BREACHED)
    number = await silence(store, 'flow="order", severity=~"crit.*"', 24)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=10))
    assert telling.ops.sent == []
    assert await store.alerts.expire(number, "bob", telling.now)
    assert not await store.alerts.expire(number, "bob", telling.now)
    await telling.over(STEP, timedelta(minutes=7))
    assert len(telling.ops.sent) == 1
    now = telling.now
    assert (await store.alerts.silences(over=False, now=now)).rows == []
    (row,) = (await store.alerts.silences(over=True, now=now)).rows
    assert (row.id, row.created_by, row.comment) == (number, "ann", "works")
    assert [str(one) for one in row.matchers] == ['flow="order"', 'severity=~"crit.*"']
    assert [entry.action for entry in (await store.views.audit()).rows] == [
        "silence.expire",
        "silence.create",
    ]


async def test_a_silence_to_come_does_nothing_yet(store: SqlStore) -> None:
    await confirmed(store, "o-1", BREACHED)
    later = BEGIN + timedelta(hours=5)
    await store.alerts.silence(parse('flow="order"'), later, later + STEP, "", "ann", BEGIN)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=2))
    assert len(telling.ops.sent) == 1


async def test_quiet_hours_hold_back_and_lose_nothing(store: SqlStore) -> None:
    await confirmed(store, "o-1", BREACHED)
    await confirmed(store, "o-2", ASTRAY)
    quiet = {"evening": (Interval(times=((15 * 60, 17 * 60),)),)}
    route = replace(ROUTE, mute_times=("evening",))
    telling = await begun(store, route=route, intervals=quiet)
    await telling.over(STEP, timedelta(minutes=115))
    assert telling.ops.sent == []
    await telling.over(STEP, timedelta(minutes=15))
    assert sorted(telling.ops.told) == [[("Missing", "firing")], [("SlaBreached", "firing")]]


async def test_who_takes_care_is_told_no_more_but_of_the_end(store: SqlStore) -> None:
    trace = await confirmed(store, "o-1", BREACHED)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=2))
    (row,) = (await store.alerts.alerts()).rows
    assert row.alert.finding is not None
    await store.acknowledge(trace, row.alert.finding, "ann", "on it", telling.now)
    (row,) = (await store.alerts.alerts()).rows
    assert (row.acknowledged_by, row.acknowledged_note) == ("ann", "on it")
    await telling.over(timedelta(minutes=5), timedelta(hours=13))
    assert len(telling.ops.sent) == 1
    assert await muted(store) == [("acknowledged", "ann")]
    await tell(store, KEYS, MISSED)
    await telling.over(STEP, timedelta(minutes=7))
    assert telling.ops.told[1:] == [[("SlaBreached", "resolved")]]


async def test_a_notice_is_acknowledged_by_its_alert(store: SqlStore) -> None:
    await store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "kafka is not read.", at(1), at(2)))
    (row,) = (await store.alerts.alerts()).rows
    alert = bytes.fromhex(row.alert.id)
    telling = await begun(store)
    await telling.over(STEP, timedelta(minutes=2))
    assert await store.alerts.acknowledge(alert, "ann", "cable", telling.now)
    assert await store.alerts.acknowledge(alert, "ann", "cable", telling.now)
    await telling.over(timedelta(minutes=5), timedelta(hours=5))
    assert len(telling.ops.sent) == 1
    assert await store.alerts.acknowledge(alert, "bob", None, telling.now)
    await telling.over(timedelta(minutes=5), timedelta(minutes=10))
    assert len(telling.ops.sent) == 2
    assert not await store.alerts.acknowledge(b"x" * 16, "ann", "", telling.now)
    actions = [entry.action for entry in (await store.views.audit()).rows]
    assert actions == ["alert.resume", "alert.acknowledge"]


async def test_an_inhibited_alert_is_told_once_its_cause_is_over(store: SqlStore) -> None:
    await store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "kafka is not read.", at(1), at(2)))
    await confirmed(store, "o-1", BREACHED)
    rule = Rule(parse('alertname="SourceBlind"'), parse('flow="order"'))
    telling = await begun(store, rules=(rule,))
    await telling.over(STEP, timedelta(hours=1))
    assert telling.ops.told == [[("SourceBlind", "firing")]]
    await store.end_notice(NoticeKind.BLIND, "kafka", telling.now)
    await telling.over(STEP, timedelta(minutes=7))
    assert sorted(telling.ops.told[1:]) == [[("SlaBreached", "firing")], [("SourceBlind", "resolved")]]


async def test_what_only_follows_from_a_late_step_is_not_told(store: SqlStore) -> None:
    line = f"""
    <startEvent id="s"/> {tasks("A", "B")} <endEvent id="e"/>
    s -> A -> B -> e
    """
    limit = Limit.of(timedelta(hours=1))
    slas = tuple(Sla(f"{name} in time", limit, on=(name,)) for name in "AB")
    flow = flow_of(line, Options(slas=slas))
    first = a_clock(ClockState.BREACHED, sla="A in time")
    second = a_clock(ClockState.BREACHED, sla="B in time", due=at(12))
    await confirmed(store, "o-1", Said(clocks=[first, second]))
    telling = await begun(store, flow=flow)
    await telling.over(STEP, timedelta(hours=1))
    ((told,),) = [one.alerts for one in telling.ops.sent]
    assert told.labels["sla"] == "A in time"
    rows = {row.alert.labels["sla"]: row.alert for row in (await store.alerts.alerts()).rows}
    detail = await store.alerts.alert(bytes.fromhex(rows["B in time"].id))
    assert detail is not None
    (member,) = detail.members
    assert member.muted is not None
    assert (member.muted.why.value, member.muted.by) == ("inhibited", rows["A in time"].id)
    met = a_clock(ClockState.MISSED, sla="A in time", ended=at(70))
    await tell(store, KEYS, Said(clocks=[met, second]))  # the first came; the second is late in its own right
    await telling.over(STEP, timedelta(minutes=7))
    last = {alert.labels["sla"]: alert.status for alert in telling.ops.sent[-1].alerts}
    assert last == {"A in time": "resolved", "B in time": "firing"}


async def test_other_routes_send_what_lasts_anew_and_the_end_to_whom_was_told(store: SqlStore) -> None:
    both = (Receiver("ops"), Receiver("pager"))
    await confirmed(store, "o-1", BREACHED)
    await confirmed(store, "o-2", ASTRAY)
    before = await begun(store, receivers=both)
    await before.over(STEP, timedelta(minutes=2))
    assert len(before.ops.sent) == 2
    after = Telling(store.alerts, receivers=both, route=replace(ROUTE, receiver="pager"))
    after.now = before.now
    await after.begin(routing="2")
    await after.over(STEP, timedelta(minutes=10))
    assert after.channels["pager"].told == [[("SlaBreached", "firing")]]
    assert after.ops.sent == []
    await tell(store, KEYS, MISSED)
    await after.over(STEP, timedelta(minutes=7))
    assert after.channels["pager"].told[1:] == [[("SlaBreached", "resolved")]]
    assert after.ops.told == [[("SlaBreached", "resolved")]]


async def test_what_went_by_routes_that_are_no_more_is_routed_anew(store: SqlStore) -> None:
    """While two versions of the configuration are in force, one sweep may route what the other looks at."""
    both = (Receiver("ops"), Receiver("pager"))
    before = await begun(store, receivers=both)
    after = Telling(store.alerts, receivers=both, route=replace(ROUTE, receiver="pager"))
    await after.begin(routing="2")
    await confirmed(store, "o-1", BREACHED)
    await confirmed(store, "o-2", ASTRAY)
    await before.dispatcher.route()
    await after.over(STEP, timedelta(minutes=4))
    assert sorted(after.channels["pager"].told) == [[("Missing", "firing")], [("SlaBreached", "firing")]]
    assert after.ops.sent == []
    await after.over(STEP, timedelta(hours=1))
    assert len(after.channels["pager"].sent) == 2
    assert await after.dispatcher.route() == 0


async def test_a_digest_tells_at_its_time_all_that_was(store: SqlStore) -> None:
    digest = Digest(8 * 60, ZoneInfo("Europe/Berlin"), None)
    telling = await begun(store, receivers=(Receiver("ops", digest=digest),))
    await confirmed(store, "o-1", BREACHED)
    await confirmed(store, "o-2", ASTRAY)
    await confirmed(store, "o-3", MISSED)
    await telling.over(timedelta(minutes=30), timedelta(hours=15, minutes=30))
    assert telling.ops.sent == []
    await telling.over(timedelta(minutes=30), timedelta(hours=2))
    (sent,) = telling.ops.sent
    assert sent.kind == "digest"
    told = [("Missing", "firing"), ("SlaBreached", "firing"), ("SlaBreached", "resolved")]
    assert sorted(telling.ops.told[0]) == told
    await telling.over(timedelta(minutes=30), timedelta(days=1))
    assert telling.ops.told[1:] == [[("SlaBreached", "firing")]]
    await tell(store, KEYS, MISSED)
    await telling.over(timedelta(minutes=30), timedelta(days=3))
    assert telling.ops.told[2:] == [[("SlaBreached", "resolved")]]
