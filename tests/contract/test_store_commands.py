"""Commands as rows, on both databases: asked for once, within limits, sent by one at a time, never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from monitor.commands.base import (
    Command,
    CommandFilter,
    Message,
    NotPossible,
    Outcome,
    Patience,
    Request,
    Status,
)
from monitor.commands.declared import Expect, Item, Limits, Mode, Target, Template, When
from monitor.commands.dispatch import standing
from monitor.domain.notice import NoticeKind
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import FindingRow
from tests.contract.store_harness import Said, a_finding, at, place, tell

KEYS = [("order", "o-1")]
PATIENCE = Patience()
LEASE = PATIENCE.lease


def an_item(**changed: Any) -> Item:
    given: dict[str, Any] = {
        "name": "release",
        "title": "Release the order",
        "flow": "order",
        "when": When(),
        "mode": Mode.MANUAL,
        "target": Target("rabbitmq", "rabbitmq shop:5672/", "shop", Template("orders")),
        "type": "com.shop.ReleaseOrder",
        "source": "/choreoscope",
        "subject": None,
        "headers": {},
        "body": {},
        "expect": Expect("Paid", timedelta(minutes=5)),
        "limits": Limits(per_trace=None, per_hour=None),
        "dry_run": False,
    }
    return Item(**{**given, **changed})


def a_request(item: Item | None = None, **changed: Any) -> Request:
    item = item or an_item()
    id_ = changed.pop("id", None) or str(uuid4())
    message = Message(
        id_,
        item.type,
        item.target.kind,
        item.target.broker,
        item.target.place,
        "orders",
        {"cloudEvents_id": id_, "odd": "\ud800"},
        "application/json",
        b'{"orderId": "o-1"}',
    )
    given: dict[str, Any] = {
        "item": item,
        "message": message,
        "trace": 1,
        "trace_key": "o-1",
        "finding": None,
        "reason": "",
        "who": "ann",
        "note": "",
        "status": Status.QUEUED,
    }
    return Request(**{**given, **changed})


async def actions(store: SqlStore) -> list[tuple[str, str]]:
    return [(entry.who, entry.action) for entry in (await store.views.audit()).rows]


async def claimed(store: SqlStore, now: datetime, worker: str = "w") -> list[Command]:
    return await store.commands.claim(worker, PATIENCE, now, 10)


async def looked_up(store: SqlStore, id: int) -> Command:
    found = await store.commands.command(id)
    assert found is not None
    return found


async def test_what_was_asked_for_is_kept_to_the_byte_and_once(store: SqlStore) -> None:
    request = a_request(note="please")
    made = await store.commands.request(request, at(0))
    assert made.message == request.message
    assert (made.status, made.requested, made.requested_by) == (Status.QUEUED, at(0), "ann")
    again = await store.commands.request(request, at(1))
    assert again == made
    assert await store.commands.by_message(request.message.id) == made
    assert await actions(store) == [("ann", "command.request")]
    with pytest.raises(NotPossible, match="another command's"):
        await store.commands.request(replace(request, trace=2), at(1))


async def test_lists_go_on_after_the_last_row(store: SqlStore) -> None:
    made = [await store.commands.request(a_request(), at(one)) for one in range(5)]
    first = await store.commands.commands(limit=3)
    rest = await store.commands.commands(cursor=first.next, limit=3)
    assert [*first.rows, *rest.rows] == made[::-1]
    assert rest.next is None
    await store.commands.cancel(made[0].id, "bob", "", at(9))
    only = await store.commands.commands(CommandFilter(Status.CANCELLED, "release"))
    assert [one.id for one in only.rows] == [made[0].id]
    assert (await store.commands.commands(CommandFilter(name="other"))).rows == []


async def test_limits_are_exact_even_when_all_ask_at_once(store: SqlStore) -> None:
    item = an_item(limits=Limits(per_trace=None, per_hour=3))
    answers = await asyncio.gather(
        *(store.commands.request(a_request(item, trace=one), at(0)) for one in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Command) for one in answers) == 3
    assert all("an hour" in str(one) for one in answers if not isinstance(one, Command))
    assert await store.commands.unmet(item, 99, at(59)) is not None
    assert await store.commands.unmet(item, 99, at(61)) is None


async def test_one_for_each_trace_counts_what_may_go_out(store: SqlStore) -> None:
    item = an_item(limits=Limits(per_trace=1, per_hour=None))
    made = await store.commands.request(a_request(item), at(0))
    with pytest.raises(NotPossible, match="already"):
        await store.commands.request(a_request(item), at(1))
    await store.commands.cancel(made.id, "ann", "", at(2))
    await store.commands.request(a_request(item), at(3))
    dry = replace(item, dry_run=True)
    await store.commands.request(a_request(dry, status=Status.DRY_RUN), at(4))
    with pytest.raises(NotPossible):
        await store.commands.request(a_request(dry, status=Status.DRY_RUN), at(5))


async def test_a_dry_run_is_put_down_and_never_sent(store: SqlStore) -> None:
    made = await store.commands.request(a_request(an_item(dry_run=True), status=Status.DRY_RUN), at(0))
    assert (made.status, made.settled, made.dry_run) == (Status.DRY_RUN, at(0), True)
    assert await claimed(store, at(100)) == []


async def test_a_command_has_one_sender_at_a_time(store: SqlStore, store_url: str) -> None:
    other = await open_store(store_url)
    for number in range(6):
        await store.commands.request(a_request(trace=number), at(0))
    taken = await asyncio.gather(
        *(
            one.commands.claim(f"w{number}", PATIENCE, at(1), 2)
            for number, one in enumerate([store, other] * 4)
        )
    )
    ids = [command.id for several in taken for command in several]
    assert len(ids) == len(set(ids)) == 6
    assert await claimed(store, at(1) + LEASE - timedelta(seconds=1)) == []
    await other.close()


async def test_a_sender_that_dies_leaves_it_to_the_next_with_the_same_id(store: SqlStore) -> None:
    made = await store.commands.request(a_request(), at(0))
    (first,) = await claimed(store, at(0), "dies")
    (second,) = await claimed(store, at(0) + LEASE, "lives")
    assert second.message == first.message == made.message
    assert (first.attempts, second.attempts) == (1, 2)
    await store.commands.record(second, Outcome.PUBLISHED, "ok", PATIENCE, at(2))
    attempts = await store.commands.attempts(made.id)
    assert [(one.number, one.worker, one.outcome) for one in attempts] == [
        (2, "lives", Outcome.PUBLISHED),
        (1, "dies", None),
    ]
    await store.commands.record(first, Outcome.AWAY, "too late", PATIENCE, at(3))
    assert (await looked_up(store, made.id)).status is Status.PUBLISHED


async def test_what_fails_is_tried_again_later_and_later_and_then_given_up(store: SqlStore) -> None:
    made = await store.commands.request(a_request(), at(0))
    now, pauses = at(0), []
    patience = replace(PATIENCE, failures=100)
    while True:
        batch = await store.commands.claim("w", patience, now, 10)
        if not batch:
            break
        stands = await store.commands.record(batch[0], Outcome.AWAY, "no broker", patience, now)
        assert stands is not None
        assert stands.next_at is not None
        pauses.append(stands.next_at - now)
        now = stands.next_at
    assert pauses[:4] == [timedelta(seconds=2**one) for one in range(4)]
    assert max(pauses) == PATIENCE.cap
    given_up = await looked_up(store, made.id)
    assert (given_up.status, given_up.next_at) == (Status.FAILED, None)
    assert "no broker" in (given_up.told or "")
    assert now - at(0) >= PATIENCE.give_up


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.UNCLEAR, Status.UNCONFIRMED), (Outcome.NACKED, Status.REFUSED)],
)
async def test_given_up_says_what_is_known(store: SqlStore, outcome: Outcome, status: Status) -> None:
    made = await store.commands.request(a_request(), at(0))
    (one,) = await claimed(store, at(0))
    await store.commands.record(one, outcome, "hm", PATIENCE, at(0))
    assert await claimed(store, at(30)) == []
    assert (await looked_up(store, made.id)).status is status
    again = await store.commands.again(made.id, "bob", PATIENCE, at(31))
    assert (again.status, again.message) == (Status.QUEUED, made.message)
    (one,) = await claimed(store, at(31))
    await store.commands.record(one, Outcome.PUBLISHED, "ok", PATIENCE, at(31))
    assert (await looked_up(store, made.id)).status is Status.PUBLISHED
    assert ("bob", "command.again") in await actions(store)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.UNROUTABLE, Status.UNROUTABLE), (Outcome.REFUSED, Status.REFUSED)],
)
async def test_what_the_broker_says_for_good_is_not_tried_again(
    store: SqlStore, outcome: Outcome, status: Status
) -> None:
    made = await store.commands.request(a_request(), at(0))
    (one,) = await claimed(store, at(0))
    await store.commands.record(one, outcome, "no", PATIENCE, at(0))
    stands = await looked_up(store, made.id)
    assert (stands.status, stands.told, stands.settled) == (status, "no", at(0))
    assert await claimed(store, at(100)) == []


async def test_the_circuit_opens_for_one_broker_and_one_attempt_decides(store: SqlStore) -> None:
    patience = replace(PATIENCE, failures=3)
    elsewhere = an_item(target=Target("kafka", "kafka shop:9092", "orders", Template("")))
    for number in range(4):
        await store.commands.request(a_request(trace=number), at(0))
    batch = await store.commands.claim("w", patience, at(0), 3)
    for one in batch:
        await store.commands.record(one, Outcome.AWAY, "no broker", patience, at(0))
    await store.commands.request(a_request(elsewhere), at(0))
    (free,) = await store.commands.claim("w", patience, at(0.5), 10)
    assert free.message.kind == "kafka"
    await store.commands.record(free, Outcome.PUBLISHED, "ok", patience, at(0.5))
    (broker,) = [one for one in await store.commands.brokers() if one.until]
    assert (broker.failures, broker.until) == (3, at(1))
    (probe,) = await store.commands.claim("w", patience, at(1), 10)
    await store.commands.record(probe, Outcome.AWAY, "no broker", patience, at(1))
    assert await store.commands.claim("w", patience, at(2.9), 10) == []  # twice as long
    (probe,) = await store.commands.claim("w", patience, at(3), 10)
    await store.commands.record(probe, Outcome.PUBLISHED, "ok", patience, at(3))
    assert [one.failures for one in await store.commands.brokers()] == [0, 0]
    assert len(await store.commands.claim("w", patience, at(5), 10)) == 3


async def test_the_kill_switch_stops_what_waits_and_what_is_asked_for(store: SqlStore) -> None:
    waiting = await store.commands.request(a_request(), at(0))
    assert await store.commands.stop("bob", "it does harm", at(1))
    assert not await store.commands.stop("ann", "", at(1))
    stop = await store.commands.stopped()
    assert stop is not None
    assert (stop.by, stop.note, stop.since) == ("bob", "it does harm", at(1))
    assert await claimed(store, at(2)) == []
    with pytest.raises(NotPossible, match="stopped by bob"):
        await store.commands.request(a_request(), at(2))
    assert await store.commands.resume("ann", "", at(3))
    assert await store.commands.stopped() is None
    assert [one.id for one in await claimed(store, at(3))] == [waiting.id]
    told = await actions(store)
    assert told[:2] == [("ann", "command.resume"), ("bob", "command.stop")]


async def test_it_takes_a_second_person(store: SqlStore) -> None:
    request = a_request(an_item(mode=Mode.APPROVE), status=Status.WAITING)
    made = await store.commands.request(request, at(0))
    assert await claimed(store, at(1)) == []
    with pytest.raises(NotPossible, match="second person"):
        await store.commands.approve(made.id, "ann", "", PATIENCE, at(1))
    approved = await store.commands.approve(made.id, "bob", "fine", PATIENCE, at(2))
    assert (approved.status, approved.approved_by, approved.approved) == (Status.QUEUED, "bob", at(2))
    with pytest.raises(NotPossible):
        await store.commands.approve(made.id, "cid", "", PATIENCE, at(3))
    assert [one.id for one in await claimed(store, at(3))] == [made.id]


async def test_an_approval_may_come_late_and_still_be_sent(store: SqlStore) -> None:
    item = an_item(mode=Mode.APPROVE, expires=timedelta(days=1))
    made = await store.commands.request(a_request(item, status=Status.WAITING), at(0))
    await store.commands.approve(made.id, "bob", "", PATIENCE, at(600))
    assert [one.id for one in await claimed(store, at(600))] == [made.id]


async def test_requests_nobody_approves_expire(store: SqlStore) -> None:
    request = a_request(an_item(mode=Mode.APPROVE), status=Status.WAITING)
    made = await store.commands.request(request, at(0))
    assert await store.commands.expire(at(59), 10) == 0
    with pytest.raises(NotPossible, match="too long"):
        await store.commands.approve(made.id, "bob", "", PATIENCE, at(61))
    assert await store.commands.expire(at(61), 10) == 1
    assert (await looked_up(store, made.id)).status is Status.EXPIRED


async def test_what_is_on_its_way_cannot_be_cancelled(store: SqlStore) -> None:
    made = await store.commands.request(a_request(), at(0))
    await claimed(store, at(0))
    with pytest.raises(NotPossible, match="any more"):
        await store.commands.cancel(made.id, "ann", "", at(1))
    with pytest.raises(NotPossible, match="no command"):
        await store.commands.cancel(999, "ann", "", at(1))


async def sent(store: SqlStore, trace: int) -> Command:
    made = await store.commands.request(a_request(trace=trace), at(10))
    (one,) = await claimed(store, at(10))
    await store.commands.record(one, Outcome.PUBLISHED, "ok", PATIENCE, at(10))
    return await looked_up(store, made.id)


async def test_the_effect_is_an_event_since_it_was_sent(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS)
    await place(store, "early", *KEYS, type="Paid", time=at(9))
    command = await sent(store, trace)
    assert [one.id for one in await store.commands.awaited(at(10), 10)] == [command.id]
    assert await store.commands.followed(command) is None
    await place(store, "effect", *KEYS, type="Paid", time=at(11))
    found = await store.commands.followed(command)
    assert found is not None
    assert (found.time, found.event) == (at(11), "effect")
    status, told, again = standing(command, found, None, at(12))
    assert await store.commands.watched(command, status, found, told, again, at(12))
    done = await looked_up(store, command.id)
    assert (done.status, done.effect, done.effect_event) == (Status.EFFECTIVE, at(11), "effect")
    assert done.told == "Paid followed 1 min after it was sent."
    assert await store.commands.awaited(at(99), 10) == []


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(Outcome.AWAY, False), (Outcome.UNROUTABLE, False), (Outcome.NACKED, True), (Outcome.UNCLEAR, True)],
)
async def test_what_happened_before_it_can_have_arrived_is_no_effect(
    store: SqlStore, outcome: Outcome, counts: bool
) -> None:
    trace = await place(store, "a", *KEYS)
    made = await store.commands.request(a_request(trace=trace), at(1))
    (one,) = await claimed(store, at(1))
    await store.commands.record(one, outcome, "hm", PATIENCE, at(1))
    await place(store, "between", *KEYS, type="Paid", time=at(5))
    if outcome.is_final:
        await store.commands.again(made.id, "bob", PATIENCE, at(9))
    (one,) = await claimed(store, at(9))
    await store.commands.record(one, Outcome.PUBLISHED, "ok", PATIENCE, at(10))
    found = await store.commands.followed(await looked_up(store, made.id))
    assert (found is not None) == counts


async def test_the_effect_is_found_in_the_trace_this_one_turned_out_to_be_part_of(store: SqlStore) -> None:
    trace = await place(store, "a", ("payment", "p-1"))
    first = await place(store, "b", *KEYS)
    late = await place(store, "c", ("payment", "p-2"))
    command = await sent(store, late)
    await place(store, "link", *KEYS, ("payment", "p-1"), ("payment", "p-2"), time=at(11))
    await place(store, "effect", *KEYS, type="Paid", time=at(12))
    found = await store.commands.followed(command)
    assert found is not None
    assert found.event == "effect"
    on_page = await store.commands.of_trace(min(trace, first))
    assert [one.id for one in on_page] == [command.id]


async def test_without_effect_there_is_a_notice_until_it_comes_after_all(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS)
    command = await sent(store, trace)
    assert command.due == at(15)
    assert standing(command, None, at(14.9), at(20))[0] is Status.PUBLISHED  # nobody can know yet
    status, told, again = standing(command, None, at(15), at(20))
    assert await store.commands.watched(command, status, None, told, again, at(20))
    stands = await looked_up(store, command.id)
    assert (stands.status, stands.told) == (
        Status.INEFFECTIVE,
        "Paid did not follow by 2026-03-01 12:15:00 UTC.",
    )
    (notice,) = await store.notices(NoticeKind.COMMAND_INEFFECTIVE)
    assert "Release the order" in notice.message
    assert not await store.commands.watched(
        command, status, None, told, again, at(20)
    )  # it changed meanwhile
    await place(store, "effect", *KEYS, type="Paid", time=at(18))
    found = await store.commands.followed(stands)
    status, told, again = standing(stands, found, at(30), at(30))
    assert (status, told) == (
        Status.EFFECTIVE,
        "Paid followed 8 min after it was sent, later than expected.",
    )
    assert await store.commands.watched(stands, status, found, told, again, at(30))
    assert await store.notices(NoticeKind.COMMAND_INEFFECTIVE) == []


async def test_the_notice_of_one_that_never_had_an_effect_ends_after_a_day(store: SqlStore) -> None:
    trace = await place(store, "a", *KEYS)
    command = await sent(store, trace)
    status, told, again = standing(command, None, at(15), at(15))
    await store.commands.watched(command, status, None, told, again, at(15))
    stands = await looked_up(store, command.id)
    status, told, again = standing(stands, None, None, at(15 + 1440))
    assert again is None
    assert await store.commands.watched(stands, status, None, told, again, at(15 + 1440))
    assert await store.notices(NoticeKind.COMMAND_INEFFECTIVE) == []
    assert (await looked_up(store, command.id)).told == "Paid did not follow by 2026-03-01 12:15:00 UTC."


async def test_findings_are_found_by_when_they_were_confirmed(store: SqlStore) -> None:
    astray = Said([a_finding()], conforms=False)
    trace = await place(store, "a", *KEYS, said=astray)
    assert await store.commands.confirmed("order", at(-99), at(99), 10) == []
    await store.confirm_findings({"order": at(9)}, at(9), 9)
    (row,) = await store.commands.confirmed("order", at(8), at(9), 10)
    assert row.trace == trace
    assert await store.commands.confirmed("order", at(9), at(10), 10) == []
    await store.acknowledge(trace, row.key, "ann", "", at(10))
    assert await store.commands.confirmed("order", at(8), at(9), 10) == []
    await store.resume(trace, row.key, "ann", at(11))
    await tell(store, KEYS, Said([], reason="It came."))
    assert await store.commands.confirmed("order", at(8), at(9), 10) == []


async def test_findings_confirmed_at_one_instant_are_all_found(store: SqlStore) -> None:
    for one in range(3):
        astray = Said([a_finding(f"{side}{one}") for side in "ab"], conforms=False)
        await place(store, f"e{one}", ("order", f"o-{one}"), said=astray)
    await store.confirm_findings({"order": at(9)}, at(9), 99)
    every = list(await store.commands.confirmed("order", at(8), at(9), 99))
    assert len({(row.trace, row.key) for row in every}) == 6
    paged: list[FindingRow] = []
    while rows := await store.commands.confirmed("order", at(8), at(9), 2, paged[-1] if paged else None):
        paged += rows
    assert paged == every


async def test_once_is_once(store: SqlStore) -> None:
    made = await store.commands.request(a_request(once="release/1/aa"), at(0))
    assert made.status is Status.QUEUED
    assert await store.commands.known(["release/1/aa", "release/1/bb"]) == {"release/1/aa"}
    held = a_request(once="release/1/aa", status=Status.LIMITED)
    assert not await store.commands.held_back(held, "too many", at(1))
    held = a_request(once="release/1/bb", status=Status.LIMITED)
    assert await store.commands.held_back(held, "too many", at(1))
    assert [one.told for one in (await store.commands.commands()).rows] == ["too many", None]


async def test_what_had_no_effect_is_counted_in_a_row(store: SqlStore) -> None:
    async def judged(minute: float, status: Status) -> None:
        made = await store.commands.request(a_request(), at(minute))
        (one,) = await claimed(store, at(minute))
        await store.commands.record(one, Outcome.PUBLISHED, "ok", PATIENCE, at(minute))
        command = await looked_up(store, made.id)
        assert await store.commands.watched(command, status, None, "told", None, at(minute))

    assert await store.commands.in_vain("release") == 0
    for minute, status in enumerate((Status.INEFFECTIVE, Status.EFFECTIVE)):
        await judged(minute, status)
    assert await store.commands.in_vain("release") == 0
    for minute in (2, 3, 4):
        await judged(minute, Status.INEFFECTIVE)
    assert await store.commands.in_vain("release") == 3
    assert await store.commands.in_vain("other") == 0
    await store.commands.stop("ann", "", at(5))
    await store.commands.resume("ann", "", at(6))
    assert await store.commands.in_vain("release") == 0


async def test_what_never_had_a_message_is_never_sent_and_takes_nobodys_place(store: SqlStore) -> None:
    item = an_item(limits=Limits(per_trace=1, per_hour=1))
    unmade = a_request(item, status=Status.FAILED, once="release/1/aa")
    blank = replace(unmade.message, key="", headers={}, content_type="", body=b"")
    assert await store.commands.held_back(replace(unmade, message=blank), "It cannot be made.", at(0))
    (kept,) = (await store.commands.commands()).rows
    assert not kept.may_go_again
    with pytest.raises(NotPossible, match="not one to be sent again"):
        await store.commands.again(kept.id, "bob", PATIENCE, at(1))
    assert await claimed(store, at(2)) == []
    await store.commands.request(a_request(item), at(3))
