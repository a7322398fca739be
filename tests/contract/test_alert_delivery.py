"""What is to be told arrives at least once, in order and with the same id, whatever fails in between."""

import asyncio
from datetime import timedelta

import pytest

from monitor.alerts.base import Undeliverable
from monitor.alerts.policy import Receiver, Retry
from monitor.domain.verdict import ClockState
from monitor.storage.alerting import AlertFilter
from monitor.storage.sql import SqlStore
from tests.contract.store_harness import Said, a_clock, a_finding, at, place, tell
from tests.support.telling import BEGIN, Telling

KEYS = [("order", "o-1")]
BREACHED = Said(clocks=[a_clock(ClockState.BREACHED)])
MISSED = Said(clocks=[a_clock(ClockState.MISSED, ended=at(40))])
BOTH = (Receiver("ops"), Receiver("pager"))


async def breach(store: SqlStore, key: str = "o-1") -> int:
    trace = await place(store, key, ("order", key), said=BREACHED)
    await store.confirm_findings({"order": at(59)}, at(59), 100)
    return trace


async def firing(store: SqlStore) -> list[str]:
    return [row.alert.name for row in (await store.alerts.alerts(AlertFilter(state="firing"))).rows]


async def begun(store: SqlStore, **rest: object) -> Telling:
    telling = Telling(store.alerts, **rest)  # type: ignore[arg-type]
    await telling.begin()
    return telling


async def test_a_failure_is_tried_again_later_and_later_with_the_same_id(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("away") for _ in range(4)]
    await telling.go()
    await telling.go(seconds=30)
    (row,) = (await store.alerts.notifications()).rows
    waits = []
    while row.status == "waiting":
        assert row.next_at is not None
        waits.append((row.next_at - telling.now).total_seconds())
        await telling.go(seconds=waits[-1])
        (row,) = (await store.alerts.notifications()).rows
    assert waits == [10, 20, 40, 80]
    assert (row.status, row.attempts, row.said) == ("sent", 5, "taken")
    assert [one.id for one in telling.ops.sent] == [row.uid]
    told = await store.alerts.notification(row.id, "http://here")
    assert told is not None
    assert [one.outcome for one in told[2]] == ["failed"] * 4 + ["arrived"]
    assert [one.said for one in told[2]] == ["away"] * 4 + ["taken"]


async def test_it_waits_as_long_as_the_receiver_wishes(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("busy", retry_after=timedelta(hours=2))]
    await telling.go()
    await telling.go(seconds=30)
    await telling.go(minutes=119)
    assert telling.ops.sent == []
    await telling.go(minutes=1)
    assert len(telling.ops.sent) == 1


async def test_after_days_it_is_given_up_and_others_are_told(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(
        store,
        receivers=BOTH,
        retry=Retry(timedelta(minutes=10), timedelta(hours=6), timedelta(days=3)),
    )
    telling.ops.fails = [Undeliverable("away") for _ in range(1000)]
    await telling.go()
    await telling.over(timedelta(minutes=10), timedelta(hours=1))
    assert "ReceiverFailing" in await firing(store)
    assert telling.channels["pager"].told == [[("ReceiverFailing", "firing")]]
    await telling.over(timedelta(hours=3), timedelta(days=4))
    rows = (await store.alerts.notifications("ops")).rows
    assert rows[-1].status == "given_up"
    telling.ops.fails = []
    await telling.over(timedelta(minutes=30), timedelta(hours=8))
    assert "ReceiverFailing" not in await firing(store)
    assert telling.channels["pager"].told[-1] == [("ReceiverFailing", "resolved")]


async def test_who_refuses_for_good_is_disabled_and_the_others_are_told(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store, receivers=BOTH)
    telling.ops.fails = [Undeliverable("410 Gone", permanent=True)]
    await telling.go()
    await telling.go(seconds=30)
    ops, _ = await store.alerts.receivers()
    assert (ops.disabled, ops.reason, ops.waiting) == (telling.now, "410 Gone", 1)
    await telling.over(timedelta(minutes=10), timedelta(hours=5))
    assert telling.ops.sent == []
    told = telling.channels["pager"]
    assert told.told == [[("ReceiverDisabled", "firing")], [("ReceiverDisabled", "firing")]]
    assert told.sent[0].alerts[0].labels["receiver"] == "ops"
    assert await store.alerts.enable("ops", "ann", telling.now)
    assert not await store.alerts.enable("ops", "ann", telling.now)
    await telling.go(minutes=6)
    assert telling.ops.told[0] == [("SlaBreached", "firing")]
    assert told.told[-1] == [("ReceiverDisabled", "resolved")]
    entries = (await store.views.audit()).rows
    assert [(entry.who, entry.action, entry.subject) for entry in entries] == [
        ("ann", "receiver.enable", "ops")
    ]


async def test_other_settings_enable_a_receiver(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("login refused", permanent=True)]
    await telling.go()
    await telling.go(seconds=30)
    await telling.begin()
    await telling.go(minutes=1)
    assert telling.ops.sent == []
    await telling.begin(settings="2")
    await telling.go(minutes=1)
    assert len(telling.ops.sent) == 1


async def test_messages_of_a_group_arrive_in_order(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("away", retry_after=timedelta(hours=1))]
    await telling.go()
    await telling.go(seconds=30)
    await tell(store, KEYS, MISSED)
    await telling.over(timedelta(minutes=1), timedelta(minutes=50))
    assert telling.ops.sent == []  # the end waits for the beginning
    await telling.over(timedelta(minutes=1), timedelta(minutes=20))
    assert telling.ops.told == [[("SlaBreached", "firing")], [("SlaBreached", "resolved")]]


async def test_what_has_not_arrived_is_not_repeated(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("away", retry_after=timedelta(hours=9))]
    await telling.go()
    await telling.over(timedelta(minutes=30), timedelta(hours=8))
    assert len((await store.alerts.notifications()).rows) == 1


async def test_killed_between_sending_and_recording_it_is_sent_again_with_the_same_id(
    store: SqlStore,
) -> None:
    await breach(store)
    telling = await begun(store)
    await telling.go()

    def killed() -> None:
        raise SystemExit

    telling.ops.after = killed
    with pytest.raises(SystemExit):
        await telling.go(seconds=30)
    telling.ops.after = lambda: None
    assert len(telling.ops.sent) == 1
    await telling.go(seconds=30)
    assert len(telling.ops.sent) == 1  # leased still: whoever holds it may be at it
    await telling.go(minutes=5)
    first, second = telling.ops.sent
    assert first == second
    (row,) = (await store.alerts.notifications()).rows
    told = await store.alerts.notification(row.id, "")
    assert told is not None
    assert [one.outcome for one in told[2]] == [None, "arrived"]
    await telling.over(timedelta(minutes=5), timedelta(hours=3))
    assert len(telling.ops.sent) == 2


async def test_killed_before_sending_it_is_not_lost(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    await telling.go()

    def killed() -> None:
        raise SystemExit

    telling.ops.before = killed
    with pytest.raises(SystemExit):
        await telling.go(seconds=30)
    telling.ops.before = lambda: None
    await telling.go(minutes=6)
    assert telling.ops.told == [[("SlaBreached", "firing")]]


async def test_of_several_sweepers_one_tells(store: SqlStore) -> None:
    for number in range(6):
        await breach(store, f"o-{number}")
    tellings = [await begun(store) for _ in range(4)]
    for _ in range(3):
        for telling in tellings:
            telling.now += timedelta(seconds=20)
        await asyncio.gather(*(telling.dispatcher.route() for telling in tellings))
        await asyncio.gather(*(telling.dispatcher.flush() for telling in tellings))
        await asyncio.gather(*(telling.dispatcher.deliver("ops") for telling in tellings))
    sent = [one for telling in tellings for one in telling.ops.sent]
    assert [len(one.alerts) for one in sent] == [6]


async def test_it_is_sent_again_by_hand_with_the_same_id(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    await telling.go()
    await telling.go(seconds=30)
    (row,) = (await store.alerts.notifications()).rows
    assert await store.alerts.resend(row.id, "ann", telling.now)
    assert not await store.alerts.resend(row.id, "ann", telling.now)  # it is on its way
    assert not await store.alerts.resend(99, "ann", telling.now)
    await telling.go()
    assert telling.ops.sent[0] == telling.ops.sent[1]
    assert (await store.views.audit()).rows[0].action == "alert.resend"


async def test_a_test_message_is_tried_once(store: SqlStore) -> None:
    telling = await begun(store, receivers=BOTH)
    await breach(store)
    (alert,) = (await store.alerts.alerts()).rows
    number = await store.alerts.test("pager", "test-1", [alert.alert], "ann", BEGIN)
    telling.channels["pager"].fails = [Undeliverable("no", permanent=True)]
    await telling.go()
    await telling.go(hours=1)
    told = await store.alerts.notification(number, "")
    assert told is not None
    assert (told[0].status, told[0].said) == ("given_up", "no")
    _, pager = await store.alerts.receivers()
    assert pager.disabled is None


async def test_a_channel_that_makes_us_fail_stops_nothing(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)

    def fail() -> None:
        raise ZeroDivisionError

    telling.ops.before = fail
    await telling.go()
    await telling.go(seconds=30)
    (row,) = (await store.alerts.notifications()).rows
    assert (row.status, row.said) == ("waiting", "the attempt failed: ZeroDivisionError")
    telling.ops.before = lambda: None
    await telling.go(minutes=1)
    assert len(telling.ops.sent) == 1


async def test_an_attempt_that_hangs_is_broken_off(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.alerts.dispatch.WRITING", timedelta(seconds=0.1))
    await breach(store)
    telling = await begun(store)

    class Hanging:
        timeout = timedelta(0)

        async def send(self, *_: object) -> str:
            await asyncio.sleep(60)
            return ""

        async def close(self) -> None:
            return None

    telling.dispatcher._channels["ops"] = Hanging()  # type: ignore[index]
    await telling.go()
    await telling.go(seconds=30)
    (row,) = (await store.alerts.notifications()).rows
    assert row.said is not None
    assert row.said.startswith("it took longer than")


async def test_what_waits_for_a_receiver_that_is_gone_is_given_up(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    telling.ops.fails = [Undeliverable("no", permanent=True)]
    await telling.go()
    await telling.go(seconds=30)
    await store.alerts.configured({"other": "1"}, "2", telling.now)
    (row,) = (await store.alerts.notifications()).rows
    assert (row.status, row.said) == ("given_up", "The receiver is no longer in the configuration.")
    assert [one.name for one in await store.alerts.receivers()] == ["other"]
    assert await store.notices() == []


async def test_a_long_group_is_cut_and_counted(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.alerts.dispatch.MOST_TOLD", 2)
    for number in range(5):
        await breach(store, f"o-{number}")
    await place(store, "x", ("order", "x"), said=Said([a_finding(severity="critical")]))
    telling = await begun(store)
    await telling.go()
    await telling.go(seconds=30)
    (sent,) = telling.ops.sent
    assert (len(sent.alerts), sent.truncated) == (2, 3)
    assert sent.external_url == ""
    (row,) = (await store.alerts.notifications()).rows
    assert (row.firing, row.truncated) == (5, 3)


async def test_what_is_over_is_kept_for_its_time(store: SqlStore) -> None:
    await breach(store)
    telling = await begun(store)
    await telling.go()
    await telling.go(seconds=30)
    month = timedelta(days=30)
    assert await store.alerts.purge(month, telling.now + month * 2, 10) == 1  # the message
    assert len(await firing(store)) == 1
    await tell(store, KEYS, MISSED)
    await telling.go(minutes=6)
    assert await store.alerts.purge(month, telling.now + month, 10) == 1
    assert (await store.alerts.alerts()).rows == []
    assert await store.alerts.purge(month, telling.now + month, 10) == 0


async def test_a_group_that_begins_anew_sends_no_id_of_before(store: SqlStore) -> None:
    telling = await begun(store)
    for order in ("o-1", "o-2"):
        await breach(store, order)
        await telling.over(timedelta(minutes=1), timedelta(minutes=2))
        await tell(store, [("order", order)], MISSED)
        await telling.over(timedelta(minutes=1), timedelta(minutes=7))
        telling.now += timedelta(days=100)
        assert await store.alerts.purge(timedelta(days=90), telling.now, 10) == 2  # messages, and an alert
    assert [status for ((_, status),) in telling.ops.told] == ["firing", "resolved"] * 2
    assert len({one.id for one in telling.ops.sent}) == 4
