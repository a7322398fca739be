"""The read side of the store, against counts and filters done by hand, on both dialects."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from monitor.domain.event import InboxReason, Misfit
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.errors import InvalidInput
from monitor.sources.base import Progress, SourceState
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import EventRow, FindingFilter, FindingRow, Page, TraceFilter, TraceRow
from tests.contract.store_harness import Said, a_clock, a_finding, an_event, at, place, put, read_to, seen_as

FLOWS = ("order", "returns")


async def fill(store: SqlStore, count: int = 60) -> None:
    """Traces of all kinds, several of them at the same time."""
    dice = random.Random(7)
    for number in range(count):
        kinds = dice.sample([FindingKind.MISSING, FindingKind.DUPLICATE], dice.randrange(3))
        state = dice.choice([None, *(state for state in ClockState if state is not ClockState.BLIND)])
        said = Said(
            [a_finding("Paid", number, kind=kind) for kind in kinds],
            None if state is None else [a_clock(state, ended=None if state.is_open else at(20))],
            conforms=not kinds,
            complete=dice.random() < 0.5,
        )
        flow = dice.choice(FLOWS)
        for event in range(dice.randrange(1, 4)):
            time = at(dice.randrange(20))
            keys = (("order", f"o-{number:02}"), ("customer", f"c-{number}"))
            await place(store, f"{number}-{event}", *keys, flow=flow, time=time, said=said)


async def confirm(store: SqlStore) -> None:
    """Some of what :func:`fill` said, so that traces have all, some or none of their deviations confirmed."""
    assert await store.confirm_findings({"order": at(30), "returns": at(15)}, at(99), 1000) > 5


def verdict(row: TraceRow) -> str:
    return "deviating" if row.confirmed else "conforming" if row.conforms else "checking"


async def every(store: SqlStore, filter: TraceFilter, limit: int = 7) -> list[TraceRow]:
    """All pages, one after the other."""
    rows: list[TraceRow] = []
    cursor = None
    while True:
        page: Page[TraceRow] = await store.views.traces(filter, cursor, limit)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows
        assert len(page.rows) == limit


async def test_pages_are_complete_and_in_order(store: SqlStore) -> None:
    await fill(store)
    whole = (await store.views.traces(TraceFilter(), limit=1000)).rows
    assert len(whole) == 60
    for sort in ("last", "first", "events"):
        rows = await every(store, TraceFilter(sort=sort))
        assert {row.id for row in rows} == {row.id for row in whole}
        assert rows == sorted(rows, key=lambda row: (getattr(row, sort), row.id), reverse=True)


async def test_pages_are_stable_while_traces_come_in(store: SqlStore) -> None:
    await fill(store, 20)
    before = await every(store, TraceFilter())
    page = await store.views.traces(TraceFilter(), limit=8)
    await place(store, "new", ("order", "new"), time=at(99))
    rest = await store.views.traces(TraceFilter(), page.next, 100)
    assert [*page.rows, *rest.rows] == before


FILTERS = [
    TraceFilter(flow="order"),
    TraceFilter(flow="none"),
    TraceFilter(state="open"),
    TraceFilter(state="complete"),
    TraceFilter(verdict="conforming"),
    TraceFilter(verdict="checking"),
    TraceFilter(verdict="deviating"),
    TraceFilter(verdict="deviating", state="open", flow="returns"),
    TraceFilter(finding=FindingKind.DUPLICATE),
    TraceFilter(finding=FindingKind.SLA_BREACH, flow="order"),
    TraceFilter(sla="breached"),
    TraceFilter(sla="missed", verdict="deviating", sort="events"),
    TraceFilter(since=at(5), until=at(15)),
    TraceFilter(since=at(5), until=at(15), sort="first"),
    TraceFilter(search="o-1"),
    TraceFilter(search="o-10"),
    TraceFilter(search="order=o-10", state="open"),
    TraceFilter(search="customer=o-10"),
    TraceFilter(search="17-0"),
    TraceFilter(search='"nothing at all"'),
]


@pytest.mark.parametrize("few", [5000, 3], ids=["few", "many"])
async def test_filters_are_what_they_say(store: SqlStore, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With either strategy: naming the traces found, or testing each on the way."""
    monkeypatch.setattr("monitor.storage.trace_search.FEW", few)
    monkeypatch.setattr("monitor.storage.trace_conditions._SCANNED", 4 * few)
    await fill(store)
    await confirm(store)
    whole = (await store.views.traces(TraceFilter(), limit=1000)).rows
    details = {row.id: await store.views.trace(row.id) for row in whole}

    def meets(row: TraceRow, filter: TraceFilter) -> bool:
        detail = details[row.id]
        assert detail is not None
        active = {one.kind for one in detail.findings if one.state is not FindingState.RETRACTED}
        keys = detail.keys
        search = filter.search or ""
        found = any(
            key.value.startswith(search) or f"{key.name}={key.value}" == search for key in keys
        ) or search in {event.event_id for event in detail.events}
        time = row.first if filter.sort == "first" else row.last
        assert time is not None
        return (
            (filter.flow is None or row.flow == filter.flow)
            and (filter.state is None or row.complete == (filter.state == "complete"))
            and (filter.verdict is None or filter.verdict == verdict(row))
            and (filter.finding is None or filter.finding in active)
            and (filter.sla is None or row.sla == filter.sla)
            and (filter.search is None or found)
            and (filter.since is None or time >= filter.since)
            and (filter.until is None or time < filter.until)
        )

    for filter in FILTERS:
        wanted = {row.id for row in whole if meets(row, filter)}
        assert {row.id for row in await every(store, filter)} == wanted, filter


async def test_counts_are_what_there_is(store: SqlStore) -> None:
    await store.deploy("order", "Order", "order.bpmn", b"<xml/>", "{}", "h1", at(0))
    await store.deploy("returns", "Returns", "returns.bpmn", b"<xml/>", "{}", "h2", at(0))
    await fill(store)
    await store.sweep_clocks({"order": at(9), "returns": at(99)}, at(99), 1000)
    await confirm(store)
    for number in range(0, 60, 7):
        await place(store, f"m{number}", ("customer", f"c-{number}"), ("order", f"o-{number + 1:02}"))
    whole = (await store.views.traces(TraceFilter(), limit=1000)).rows

    def counted(rows: Sequence[TraceRow]) -> tuple[int, ...]:
        return (
            len(rows),
            sum(not row.complete for row in rows),
            sum(row.confirmed > 0 for row in rows),
            sum(row.sla == "at_risk" for row in rows),
            sum(row.sla == "breached" for row in rows),
        )

    for row in whole:
        detail = await store.views.trace(row.id)
        assert detail is not None
        assert row.confirmed == sum(
            one.state is FindingState.CONFIRMED and one.kind.is_deviation for one in detail.findings
        )
    assert {verdict(row) for row in whole} == {"deviating", "conforming", "checking"}
    totals = await store.views.totals()
    assert counted(whole) == (
        totals.traces,
        totals.open,
        totals.deviating,
        totals.at_risk,
        totals.breached,
    )
    assert sum(row.events for row in whole) == totals.events
    for flow in await store.views.flows():
        rows = [row for row in whole if row.flow == flow.key]
        assert counted(rows) == (flow.traces, flow.open, flow.deviating, flow.at_risk, flow.breached)


async def test_findings_list(store: SqlStore) -> None:
    await fill(store)
    await store.confirm_findings({"order": at(30)}, at(99), 1000)
    whole = (await store.views.findings(limit=1000)).rows
    assert whole == sorted(
        whole, key=lambda row: (row.found, row.trace, bytes.fromhex(row.key)), reverse=True
    )
    for flow in (None, "order"):
        for kind in (None, FindingKind.MISSING, FindingKind.SLA_BREACH):
            for state in (None, *FindingState):
                rows: list[FindingRow] = []
                cursor = None
                while True:
                    page = await store.views.findings(
                        FindingFilter(flow=flow, kind=kind, state=state), cursor, 5
                    )
                    rows += page.rows
                    if (cursor := page.next) is None:
                        break
                assert rows == [
                    row
                    for row in whole
                    if (flow is None or row.flow == flow)
                    and (kind is None or row.kind is kind)
                    and (state is None or row.state is state)
                ]


async def test_timeline_is_in_trace_order_and_bounded(store: SqlStore) -> None:
    trace = 0
    for number in (3, 1, 2, 0):
        trace = await place(
            store,
            f"e{number}",
            ("order", "o"),
            time=at(number),
            headers={"raw": b"\xff", "text": b"plain", "n": 2**70, "odd": "\ud800\x00"},
            attributes={"a": "\x00"},
        )
    detail = await store.views.trace(trace)
    assert detail is not None
    assert [event.event_id for event in detail.events] == ["e0", "e1", "e2", "e3"]
    assert not detail.truncated
    assert detail.events[0].attributes == {"a": "\x00"}
    assert '"plain"' in detail.events[0].headers
    short = await store.views.trace(trace, events=2)
    assert short is not None
    assert [event.event_id for event in short.events] == ["e0", "e1"]
    assert short.truncated
    assert await store.views.trace(trace + 99_999) is None


async def test_events_of_a_trace_page_by_page(store: SqlStore) -> None:
    trace = 0
    for number in range(7):  # several at one instant
        trace = await place(store, f"e{number}", ("order", "o"), time=at(number // 3))
    await place(store, "other", ("order", "other"))
    detail = await store.views.trace(trace)
    assert detail is not None
    seen: list[EventRow] = []
    after = None
    while True:
        page = await store.views.trace_events(trace, after, 2)
        seen += page.rows
        if page.next is None:
            break
        assert len(page.rows) == 2
        after = int(page.next)
    assert tuple(seen) == detail.events
    assert (await store.views.trace_events(trace, seen[-1].id, 2)).rows == []
    with pytest.raises(InvalidInput):
        await store.views.trace_events(trace, 10**9, 2)


async def test_traces_that_share_a_key_value_are_related(store: SqlStore) -> None:
    first = await place(store, "a", ("order", "o-1"), ("customer", "c-1"), time=at(1))
    older = await place(store, "b", ("return", "o-1"), flow="returns", time=at(2))
    newer = await place(store, "c", ("customer", "c-1"), ("order", "o-2"), flow="billing", time=at(3))
    await place(store, "d", ("order", "o-3"), ("customer", "c-2"), time=at(4))
    detail = await store.views.trace(first)
    assert detail is not None
    assert [row.id for row in detail.related] == [newer, older]
    assert [row.flow for row in detail.related] == ["billing", "returns"]
    other = await store.views.trace(older)
    assert other is not None
    assert [row.id for row in other.related] == [first]


async def test_a_value_that_very_many_share_relates_the_newest(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.storage.trace_page._SHARED", 3)
    made = [
        await place(store, f"e{n}", ("country", "DE"), ("order", f"o-{n}"), flow=f"f{n}", time=at(n))
        for n in range(6)
    ]
    detail = await store.views.trace(made[0])
    assert detail is not None
    assert [row.id for row in detail.related] == made[:2:-1]


async def test_inbox_pages_and_groups(store: SqlStore) -> None:
    async with store.ingest() as batch:
        events = [an_event(f"i{number}", type=f"T{number % 2}", data=number) for number in range(9)]
        await batch.misfits(
            [
                Misfit(
                    event.delivery._replace(received=at(number)),
                    InboxReason.UNMAPPED,
                    f"d{number}",
                    "mend",
                    event.type,
                    event,
                )
                for number, event in enumerate(events)
            ]
        )
    first = await store.views.inbox(limit=5)
    rest = await store.views.inbox(cursor=first.next, limit=5)
    assert [row.detail for row in (*first.rows, *rest.rows)] == [
        f"d{number}" for number in reversed(range(9))
    ]
    typed = await store.views.inbox(InboxReason.UNMAPPED, "T1")
    assert [row.detail for row in typed.rows] == ["d7", "d5", "d3", "d1"]
    assert (await store.views.inbox(InboxReason.NO_KEY)).rows == []
    groups = await store.views.inbox_groups()
    assert [(group.type, group.count, group.last, group.detail) for group in groups] == [
        ("T0", 5, at(8), "d8"),
        ("T1", 4, at(7), "d7"),
    ]


async def test_bad_cursor_and_filter_are_the_askers_fault(store: SqlStore) -> None:
    for cursor in ("!", "bm8", "W10", "WzFd", "W251bGwsMV0"):
        with pytest.raises(InvalidInput):
            await store.views.traces(TraceFilter(), cursor)
    with pytest.raises(InvalidInput):
        await store.views.traces(TraceFilter(sort="height"))
    with pytest.raises(InvalidInput):
        await store.views.traces(TraceFilter(state="ajar"))


# flows ----------------------------------------------------------------------------------------------------


async def test_same_hash_is_the_same_version(store: SqlStore) -> None:
    first = await store.deploy("order", "Order", "a.bpmn", b"\x00<xml>", "{}", "h1", at(0))
    assert (first.version, first.active, first.source, first.created) == (1, True, b"\x00<xml>", at(0))
    assert await store.deploy("order", "Order", "a.bpmn", b"\x00<xml>", "{}", "h1", at(1)) == first
    second = await store.deploy("order", "Order", "a.bpmn", b"2", "{}", "h2", at(2))
    assert second.version == 2
    (shown,) = await store.views.flows()
    assert (shown.id, shown.version) == (second.id, 2)
    old = await store.flow(first.id)
    assert old is not None
    assert not old.active
    back = await store.deploy("order", "Order", "a.bpmn", b"\x00<xml>", "{}", "h1", at(3))
    assert (back.id, back.version, back.active) == (first.id, 1, True)
    assert await store.flow(9_999) is None


# sources --------------------------------------------------------------------------------------------------


def progress(shard: str, minute: float | None, **rest: object) -> Progress:
    mark = None if minute is None else at(minute)
    return Progress(shard, SourceState.READING, mark, **rest)  # type: ignore[arg-type]


async def test_watermark_never_moves_back(store: SqlStore) -> None:
    for minute in (5, 3, None):
        await store.record_progress("kafka", "kafka", "w1", [progress("t/0", minute)], at(10))
        assert await read_to(store, at(10)) == {"kafka": at(5)}
    await store.record_progress("kafka", "kafka", "w2", [progress("t/0", 4)], at(11))
    assert await read_to(store, at(11)) == {"kafka": at(5)}


async def test_watermark_is_the_least_of_the_shards(store: SqlStore) -> None:
    await store.record_progress("kafka", "kafka", "w1", [progress("t/0", 5), progress("t/1", None)], at(10))
    assert await read_to(store, at(10)) == {"kafka": None}
    await store.record_progress("kafka", "kafka", "w2", [progress("t/1", 7, lag=3)], at(10))
    assert await read_to(store, at(500)) == {"kafka": at(5)}
    (source,) = await store.views.sources(at(10))
    assert (source.watermark, source.lag, len(source.shards)) == (at(5), None, 2)


async def test_silent_sharers_do_not_count_until_all_are(store: SqlStore) -> None:
    shared = {"shared": True, "lag": 2}
    await store.record_progress("rabbit", "rabbitmq", "w1", [progress("q", 1, **shared)], at(10))
    await store.record_progress("rabbit", "rabbitmq", "w2", [progress("q", 9, **shared)], at(10.5))
    assert await read_to(store, at(10.6)) == {"rabbit": at(1)}
    assert await read_to(store, at(11.1)) == {"rabbit": at(9)}
    await store.record_progress("rabbit", "rabbitmq", "w2", [progress("q", 12, **shared)], at(12.5))
    assert await read_to(store, at(60)) == {"rabbit": at(12)}
    (source,) = await store.views.sources(at(60))
    assert (source.lag, [shard.worker for shard in source.shards]) == (2, ["w1", "w2"])


async def told(store: SqlStore, worker: str, minute: float, *shards: Progress) -> None:
    await store.record_progress("kafka", "kafka", worker, shards, at(minute))


async def shards_of(store: SqlStore, minute: float) -> dict[str, str]:
    (source,) = await store.views.sources(at(minute))
    return {shard.shard: shard.state for shard in source.shards}


async def test_shard_that_is_gone_is_abandoned_in_the_end(store: SqlStore) -> None:
    """A deleted topic holds the watermark for ten minutes, for it could be on its way to another worker."""
    await told(store, "w1", 0, progress("gone/0", 0, lag=3), progress("t/0", 0, lag=0))
    for minute in range(1, 11):
        await told(store, "w1", minute, progress("t/0", minute, lag=0))
        assert await read_to(store, at(minute)) == {"kafka": at(0)}
    pulse = await store.views.pulse()
    await told(store, "w1", 11, progress("t/0", 11, lag=0))
    assert await store.views.pulse() != pulse
    assert await read_to(store, at(11)) == {"kafka": at(11)}
    assert await shards_of(store, 11) == {"gone/0": "abandoned", "t/0": "reading"}
    (source,) = await store.views.sources(at(11))
    assert (source.watermark, source.lag) == (at(11), 0)
    await told(store, "w1", 60 * 24 + 12, progress("t/0", 12))
    assert await shards_of(store, 60 * 24 + 12) == {"t/0": "reading"}


async def test_shard_of_a_dead_worker_holds_until_somebody_takes_it(store: SqlStore) -> None:
    await told(store, "w1", 0, progress("t/0", 0), progress("t/1", 0))
    for minute in range(1, 9):
        await told(store, "w2", minute, progress("t/0", minute))
    assert await read_to(store, at(8)) == {"kafka": at(0)}
    await told(store, "w2", 9, progress("t/0", 9), progress("t/1", None))
    for minute in range(10, 40):
        await told(store, "w2", minute, progress("t/0", minute), progress("t/1", 5))
    assert await read_to(store, at(39)) == {"kafka": at(5)}


async def test_shard_between_two_workers_is_not_abandoned(store: SqlStore) -> None:
    """Revoked here, assigned there: the one that gave it up does not decide."""
    await told(store, "w1", 0, progress("t/0", 0), progress("t/1", 0))
    for step in range(1, 41):
        await told(store, "w1", step / 2, progress("t/0", step / 2))
        await told(store, "w2", step / 2, *([] if step < 10 else [progress("t/1", step / 2)]))
    assert await shards_of(store, 20) == {"t/0": "reading", "t/1": "reading"}
    assert await read_to(store, at(20)) == {"kafka": at(20)}


async def test_nothing_is_abandoned_while_nothing_is_read(store: SqlStore) -> None:
    """A monitor that was down for hours, or has no broker, has let nobody take anything over."""
    await told(store, "w1", 0, progress("t/0", 0), progress("t/1", 0))
    await told(store, "w2", 600, progress("t/0", 600))
    await told(store, "w2", 601, progress("t/0", 601))
    assert await read_to(store, at(601)) == {"kafka": at(0)}
    await told(store, "w2", 605, progress("t/0", 605))
    away = Progress("t/0", SourceState.CONNECTING)
    error = progress("group", None, shared=True, error="away")
    for minute in range(606, 640):
        await told(store, "w2", minute, away, error)
    await told(store, "w2", 640, progress("t/0", 640))
    await told(store, "w2", 641, progress("t/0", 641))
    assert await read_to(store, at(641)) == {"kafka": at(0)}
    for minute in range(642, 652):
        await told(store, "w2", minute, progress("t/0", minute))
    assert await read_to(store, at(651)) == {"kafka": at(651)}


async def test_abandoned_shard_counts_again_once_it_is_read(store: SqlStore) -> None:
    await told(store, "w1", 0, progress("t/0", 0), progress("t/1", 0))
    for minute in range(1, 15):
        await told(store, "w1", minute, progress("t/0", minute))
    assert (await shards_of(store, 14))["t/1"] == "abandoned"
    await told(store, "w2", 15, progress("t/1", None))
    assert await read_to(store, at(15)) == {"kafka": at(0)}
    await told(store, "w2", 16, progress("t/1", 16))
    assert await read_to(store, at(16)) == {"kafka": at(14)}


async def test_own_share_no_longer_told_is_gone_at_once(store: SqlStore) -> None:
    await told(store, "w1", 0, progress("t/0", 0), progress("group", None, shared=True, error="no topic x"))
    await told(store, "w2", 0, progress("t/1", 0), progress("group", None, shared=True, error="no topic x"))
    await told(store, "w1", 0.5, progress("t/0", 0))
    (source,) = await store.views.sources(at(0.5))
    assert [(shard.shard, shard.worker) for shard in source.shards] == [
        ("group", "w2"),
        ("t/0", "w1"),
        ("t/1", "w2"),
    ]


async def test_workers_that_come_back_at_once_do_not_wait_for_each_other(
    store_url: str, store: SqlStore
) -> None:
    """Both find the other's shard silent and report their own."""
    names = [f"t/{number}" for number in range(8)]
    other = await open_store(store_url)
    for turn in range(10):
        hour = 60.0 * turn
        await asyncio.gather(
            store.record_progress("kafka", "kafka", "w1", [progress(n, hour) for n in names[::2]], at(hour)),
            other.record_progress("kafka", "kafka", "w2", [progress(n, hour) for n in names[1::2]], at(hour)),
        )
        assert await read_to(store, at(hour)) == {"kafka": at(hour)}
    await other.close()


async def test_events_of_a_source(store: SqlStore) -> None:
    await store.record_progress("shop", "memory", "w", [progress("-", 0)], at(0))
    observed = []
    for number in range(10):
        event = an_event(f"e{number}", received=at(0) if number < 4 else at(10))
        observed.append((event, seen_as(event, ("order", "o"))))
    await put(store, *observed)
    (source,) = await store.views.sources(at(10) + timedelta(seconds=5))
    assert (source.events, source.recent) == (10, 6)


# pulse ----------------------------------------------------------------------------------------------------


async def test_pulse_changes_with_what_is_shown(store: SqlStore) -> None:
    told = [await store.views.pulse()]

    async def changed() -> bool:
        told.append(await store.views.pulse())
        return told[-1] != told[-2]

    assert not await changed()
    await place(store, "e1", ("order", "o"), said=Said([a_finding()], [a_clock()]))
    assert await changed()
    event = an_event("e1")
    await put(store, (event, seen_as(event, ("order", "o"))))  # a repeat
    await store.confirm_findings({"order": at(-9)}, at(60), 9)
    await store.sweep_clocks({"order": at(-9)}, at(60), 9)
    assert not await changed()
    await store.confirm_findings({"order": at(60)}, at(60), 9)
    assert await changed()
    await store.sweep_clocks({"order": at(60)}, at(60), 9)
    assert await changed()
    await store.record_progress("s", "kafka", "w", [progress("t/0", 1)], at(1))
    assert await changed()
    await store.record_progress("s", "kafka", "w", [progress("t/0", 2)], at(2))
    assert not await changed()
    await store.record_progress("s", "kafka", "w", [progress("t/0", 2, error="away")], at(2))
    assert await changed()
