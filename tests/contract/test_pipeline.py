"""The pipeline over each database: repeats, keys, late events, new traces, new versions, two workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.domain.event import Delivery, InboxReason
from monitor.domain.verdict import FindingKind, FindingState
from monitor.landscape import demo
from monitor.landscape.plan import Pace, plan
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.reading import Reader
from monitor.settings import MemorySource, ModelSettings, Settings
from monitor.sources.memory import Memory
from monitor.storage.sql import SqlStore, open_store
from monitor.storage.views import FindingRow, TraceDetail, TraceFilter
from tests.support.flows import bpmn, tasks
from tests.support.shop import BOTH_KEYS, NOON, counts_agree, offline, sent, shop, start, stored, told

SHOP = shop()
LINKED = Settings.model_validate({**SHOP.model_dump(by_alias=True), "events": BOTH_KEYS})
END = NOON + timedelta(days=1)


@pytest.fixture
async def pipeline(store: SqlStore) -> Pipeline:
    return await start(store, SHOP)


def whole(order: str = "o-1", begin: float = 0) -> list[Delivery]:
    """An order that goes as it should, ten minutes from one event to the next."""
    payment = f"p-{order}"
    return [
        told("OrderPlaced", begin, order),
        told("PaymentRequested", begin + 10, order, payment=payment),
        told("PaymentReceived", begin + 20, None, payment=payment),
        told("ItemsPicked", begin + 30, order),
        told("ParcelPacked", begin + 40, order),
        told("GoodsShipped", begin + 50, order),
        told("InvoiceSent", begin + 60, order),
        told("OrderCompleted", begin + 70, order),
    ]


async def details(store: SqlStore) -> list[TraceDetail]:
    rows = (await store.views.traces(TraceFilter(sort="first"), limit=200)).rows
    found = [await store.views.trace(row.id) for row in reversed(rows)]
    return [one for one in found if one is not None]


async def only(store: SqlStore) -> TraceDetail:
    (trace,) = await details(store)
    return trace


def labels(trace: TraceDetail) -> list[str]:
    return [event.label for event in trace.events]


def active(findings: Sequence[FindingRow]) -> list[tuple[str, str]]:
    return sorted((one.kind.value, one.name) for one in findings if one.state is not FindingState.RETRACTED)


async def swept(store: SqlStore, watermark: datetime = END) -> None:
    await store.sweep_clocks({"order": watermark}, watermark, 1000)
    await store.confirm_findings({"order": watermark}, watermark, 1000)


# repeats ------------------------------------------------------------------------------------------------


async def test_the_same_event_counts_once_however_it_comes_again(store: SqlStore, pipeline: Pipeline) -> None:
    placed, requested = whole()[:2]
    elsewhere = placed._replace(position=requested.position, received=END, redelivered=True)
    first = await pipeline.process([placed, placed, requested])
    again = await pipeline.process([requested, elsewhere])
    assert (first.stored, first.duplicates) == (2, 1)
    assert (again.stored, again.duplicates) == (0, 2)
    assert labels(await only(store)) == ["OrderPlaced", "PaymentRequested"]
    assert not (await store.views.inbox()).rows


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_an_id_used_for_something_else_goes_to_the_inbox(
    store: SqlStore, pipeline: Pipeline, together: bool
) -> None:
    placed = told("OrderPlaced", 0, "o-1", id="1")
    other = told("OrderPlaced", 1, "o-2", id="1")
    elsewhere = told("OrderPlaced", 2, "o-3", id="1", producer="/other")
    for batch in [[placed, other, elsewhere]] if together else [[placed], [other], [elsewhere]]:
        await pipeline.process(batch)
    assert [trace.row.key for trace in await details(store)] == ["o-1", "o-3"]
    (kept,) = (await store.views.inbox()).rows
    assert kept.reason is InboxReason.ID_REUSED
    whole_one = await store.views.inbox_item(kept.id)
    assert whole_one is not None
    assert whole_one.body == other.body
    assert "“1”" in kept.detail
    assert kept.mend
    await pipeline.process([other])  # the broker hands it over again
    assert len((await store.views.inbox()).rows) == 1


async def test_what_cannot_be_placed_never_holds_up_the_rest(store: SqlStore, pipeline: Pipeline) -> None:
    unknown, keyless = told("ParcelWeighed", 5), told("ItemsPicked", 6, None)
    garbled = told("ItemsPicked", 7)._replace(body=b"{")
    outcome = await pipeline.process([unknown, *whole()[:4], keyless, *whole()[4:], garbled])
    assert outcome.stored == 8
    reasons = sorted(row.reason.value for row in (await store.views.inbox()).rows)
    assert reasons == ["no_key", "undecodable", "unmapped"]
    trace = await only(store)
    assert (trace.row.conforms, trace.row.complete) == (True, True)
    await counts_agree(store)


# keys ---------------------------------------------------------------------------------------------------


async def test_what_waits_for_its_link_is_joined_retroactively(store: SqlStore, pipeline: Pipeline) -> None:
    placed, requested, received, *rest = whole()
    await pipeline.process([received])
    await pipeline.process([placed])
    alone, waiting = sorted(await details(store), key=lambda trace: trace.row.key)
    assert (alone.row.key, waiting.row.key) == ("o-1", "p-o-1")
    assert active(waiting.findings) != []  # a payment that nobody asked for
    await pipeline.process([requested, *rest])
    await swept(store)

    trace = await only(store)
    assert trace.row.key == "o-1"
    assert {key.value for key in trace.keys} == {"o-1", "p-o-1"}
    assert labels(trace)[:3] == ["OrderPlaced", "PaymentRequested", "PaymentReceived"]
    assert (trace.row.conforms, trace.row.complete, active(trace.findings)) == (True, True, [])
    gone = {alone.row.id, waiting.row.id} - {trace.row.id}
    for old in gone:
        merged = await store.views.trace(old)
        assert merged is not None
        assert merged.merged_into == trace.row.id
        assert active(merged.findings) == []
        assert all(one.reason for one in merged.findings)
    await counts_agree(store)


async def test_traces_are_merged_when_the_link_comes_last(store: SqlStore, pipeline: Pipeline) -> None:
    linking = whole()[1]
    others = [one for one in whole() if one is not linking and one.body != linking.body]
    for one in others:
        await pipeline.process([one])
    assert len(await details(store)) == 2
    await pipeline.process([linking])
    await swept(store)
    assert await stored(store) == offline(SHOP, whole(), END)
    trace = await only(store)
    assert (trace.row.conforms, trace.row.complete) == (True, True)
    await counts_agree(store)


async def test_a_link_that_would_go_on_in_one_trace_alone_still_joins_both(
    store: SqlStore, pipeline: Pipeline
) -> None:
    """In order for the trace of the order; the payment waits in the other."""
    placed, requested, received, *_ = whole()
    for one in (received, placed, requested):
        await pipeline.process([one])
    trace = await only(store)
    assert labels(trace) == ["OrderPlaced", "PaymentRequested", "PaymentReceived"]
    assert trace.row.conforms
    assert await stored(store) == offline(SHOP, [placed, requested, received], NOON)


async def test_one_event_may_link_many_traces_at_once(store: SqlStore) -> None:
    pipeline = await start(store, LINKED)
    payments = [told("PaymentFailed", 10 * n, None, payment=f"p-{n}") for n in range(1, 5)]
    await pipeline.process(payments)
    await pipeline.process([told("OrderPlaced", 0)])
    assert len(await details(store)) == 5
    links = [told("PaymentRequested", 10 * n - 5, payment=f"p-{n}") for n in range(1, 5)]
    await pipeline.process(links)
    trace = await only(store)
    assert trace.row.events == 9
    assert len(trace.keys) == 5
    assert await stored(store) == offline(LINKED, [*payments, told("OrderPlaced", 0), *links], NOON)
    await counts_agree(store)


# traces of one chain ------------------------------------------------------------------------------------


async def test_a_start_after_a_complete_trace_begins_a_new_one(store: SqlStore, pipeline: Pipeline) -> None:
    await pipeline.process(whole())
    await pipeline.process([told("OrderPlaced", 100), told("PaymentRequested", 110, payment="p-again")])
    first, second = await details(store)
    assert (first.row.key, second.row.key) == ("o-1", "o-1")
    assert [row.id for row in first.siblings] == [second.row.id]
    assert first.keys == second.keys
    assert (first.row.complete, second.row.complete) == (True, False)
    assert labels(second) == ["OrderPlaced", "PaymentRequested"]
    await counts_agree(store)


async def test_what_comes_after_a_new_beginning_belongs_to_the_new_trace(
    store: SqlStore, tmp_path: Path
) -> None:
    """Although the one before could have gone on as well."""
    file = tmp_path / "again.bpmn"
    file.write_bytes(
        bpmn(
            f"""
            <startEvent id="start"/><endEvent id="end"/>
            <exclusiveGateway id="join"/><exclusiveGateway id="split"/>
            {tasks("OrderPlaced", "ItemsPicked")}
            start -> OrderPlaced -> join -> ItemsPicked -> split -> end
            split -> join
            """
        )
    )
    model = ModelSettings.model_validate({"file": file, "key": "order"})
    pipeline = await start(store, shop(models=(model,)))
    for minute, label in enumerate(
        ["OrderPlaced", "ItemsPicked", "ItemsPicked", "OrderPlaced", "ItemsPicked"]
    ):
        await pipeline.process([told(label, minute)])
    first, second = await details(store)
    assert labels(first) == ["OrderPlaced", "ItemsPicked", "ItemsPicked"]
    assert labels(second) == ["OrderPlaced", "ItemsPicked"]


async def test_a_late_event_finds_the_first_of_two_traces(store: SqlStore, pipeline: Pipeline) -> None:
    late = next(one for one in whole() if b"InvoiceSent" in one.body)
    early = [one for one in whole() if one.body != late.body]
    again = [told("OrderPlaced", 100), told("PaymentRequested", 110, payment="p-again")]
    for one in (*early, *again):
        await pipeline.process([one])
    first, second = await details(store)
    assert active(first.findings) == [("missing", "InvoiceSent")]
    await pipeline.process([late])
    await swept(store, NOON + timedelta(minutes=111))
    repaired, untouched = await details(store)
    assert (repaired.row.id, untouched.row.id) == (first.row.id, second.row.id)
    assert labels(repaired) == [*labels(first)[:6], "InvoiceSent", "OrderCompleted"]
    assert active(repaired.findings) == []
    assert labels(untouched) == labels(second)
    assert await stored(store) == offline(SHOP, [*whole(), *again], NOON + timedelta(minutes=111))
    await counts_agree(store)


async def test_a_trace_split_in_two_by_what_came_late(store: SqlStore, pipeline: Pipeline) -> None:
    """The end of the first order comes last: only then the second placing is a beginning."""
    *most, last = whole()
    again = told("OrderPlaced", 100)
    await pipeline.process([*most, again])
    assert not (await only(store)).row.conforms
    await pipeline.process([last])
    first, second = await details(store)
    assert first.row.complete
    assert labels(second) == ["OrderPlaced"]
    retracted = [one for one in first.findings if one.state is FindingState.RETRACTED]
    assert {one.kind for one in retracted} & {FindingKind.DUPLICATE, FindingKind.UNEXPECTED}
    await counts_agree(store)


async def test_two_traces_that_turn_out_to_be_one(store: SqlStore, pipeline: Pipeline) -> None:
    """A rejection ends the first attempt; a placing after it begins anew, until it turns out to be older."""
    rejected = [
        told("OrderPlaced", 0),
        told("PaymentRequested", 10, payment="p-1"),
        told("PaymentFailed", 20, None, payment="p-1"),
        told("OrderRejected", 30),
    ]
    again = [told("OrderPlaced", 40), told("PaymentRequested", 50, payment="p-2")]
    await pipeline.process(rejected)
    await pipeline.process(again)
    assert len(await details(store)) == 2
    noise = told("ItemsPicked", 35)  # after the end of the first
    await pipeline.process([noise])
    await swept(store)
    assert await stored(store) == offline(SHOP, [*rejected, *again, noise], END)
    await counts_agree(store)


# what time and late events change -----------------------------------------------------------------------


async def test_a_late_event_takes_a_finding_back(store: SqlStore, pipeline: Pipeline) -> None:
    late = whole()[3]
    await pipeline.process([one for one in whole() if one.body != late.body])
    await store.confirm_findings({"order": END}, END, 100)
    (finding,) = (await only(store)).findings
    assert (finding.kind, finding.name, finding.state) == ("missing", "ItemsPicked", "confirmed")

    await pipeline.process([late])
    trace = await only(store)
    (kept,) = trace.findings
    assert (kept.key, kept.state) == (finding.key, FindingState.RETRACTED)
    assert kept.retracted is not None
    assert kept.reason is not None
    assert kept.reason.startswith("ItemsPicked")
    assert kept.confirmed == finding.confirmed
    assert trace.row.conforms
    assert trace.row.deviations == 0


async def test_a_breach_that_a_late_event_disproves_is_taken_back(
    store: SqlStore, pipeline: Pipeline
) -> None:
    placed, requested, received, *_ = whole()
    await pipeline.process([placed, requested])
    await swept(store)
    breached = await only(store)
    assert ("sla_breach", "Payment in time") in active(breached.findings)
    assert breached.row.sla == "breached"

    await pipeline.process([received])
    trace = await only(store)
    paid = next(clock for clock in trace.clocks if clock.sla == "Payment in time")
    assert (paid.state, paid.ended) == ("met", NOON + timedelta(minutes=20))
    assert ("sla_breach", "Payment in time") not in active(trace.findings)
    gone = next(one for one in trace.findings if (one.kind, one.name) == ("sla_breach", "Payment in time"))
    assert gone.state is FindingState.RETRACTED
    assert gone.reason
    await counts_agree(store)


async def test_a_breach_stays_one_when_it_ends_late(store: SqlStore, pipeline: Pipeline) -> None:
    placed, requested, _, *_ = whole()
    await pipeline.process([placed, requested])
    await swept(store, NOON + timedelta(minutes=75))
    (before,) = [one for one in (await only(store)).findings if one.kind is FindingKind.SLA_BREACH]
    await pipeline.process([told("PaymentReceived", 80, None, payment="p-o-1")])
    trace = await only(store)
    (after,) = [one for one in trace.findings if one.kind is FindingKind.SLA_BREACH]
    assert (after.key, after.state, after.confirmed) == (before.key, FindingState.CONFIRMED, before.confirmed)
    assert "met 10 min late" in after.message
    assert trace.row.sla == "missed"


# versions -----------------------------------------------------------------------------------------------


def steps(folder: Path, *names: str) -> Settings:
    file = folder / "steps.bpmn"
    content = f'{tasks(*names)}\n<startEvent id="start"/>\n<endEvent id="end"/>\n'
    file.write_bytes(bpmn(content + " -> ".join(("start", *names, "end"))))
    model = ModelSettings.model_validate({"file": file, "key": "order"})
    return shop(models=(model,))


async def test_traces_stay_with_the_version_they_began_with(store: SqlStore, tmp_path: Path) -> None:
    picked_first = steps(tmp_path, "OrderPlaced", "ItemsPicked", "ParcelPacked", "OrderCompleted")
    old = await start(store, picked_first)
    await old.process([told("OrderPlaced", 0, "in order"), told("OrderPlaced", 0, "late")])
    packed_first = steps(tmp_path, "OrderPlaced", "ParcelPacked", "ItemsPicked", "OrderCompleted")
    new = await start(store, packed_first)
    await new.process([told("OrderPlaced", 0, "new"), told("ParcelPacked", 20, "late")])
    for order in ("in order", "late", "new"):
        await new.process([told("ItemsPicked", 10, order)])
        await new.process([told("ParcelPacked", 20, order), told("OrderCompleted", 30, order)])

    traces = {trace.row.key: trace for trace in await details(store)}
    assert {key: trace.row.version for key, trace in traces.items()} == {"in order": 1, "late": 1, "new": 2}
    assert active(traces["in order"].findings) == []
    assert active(traces["late"].findings) == []
    assert active(traces["new"].findings) == [("out_of_order", "ItemsPicked")]
    await new.process([told("OrderPlaced", 40, "in order")])
    (again,) = [row for row in (await details(store)) if row.row.key == "in order" and not row.row.complete]
    assert again.row.version == 2


async def test_what_only_an_earlier_version_knows_still_reaches_its_traces(
    store: SqlStore, tmp_path: Path
) -> None:
    """A model that is changed while orders are under way must not lose the rest of their events."""
    earlier = await start(store, steps(tmp_path, "OrderPlaced", "ItemsPicked", "OrderCompleted"))
    await earlier.process([told("OrderPlaced", 0)])
    later = await start(store, steps(tmp_path, "OrderPlaced", "ParcelPacked", "OrderCompleted"))
    outcome = await later.process([told("ItemsPicked", 10), told("OrderCompleted", 20)])
    assert outcome.misfits == []
    trace = await only(store)
    assert (trace.row.version, trace.row.conforms, trace.row.complete) == (1, True, True)


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_traces_name_does_not_depend_on_what_came_first(store: SqlStore, backwards: bool) -> None:
    """Three orders one payment links: the least names them all, whichever is heard of last."""
    pipeline = await start(store, LINKED)
    deliveries = [
        told("OrderPlaced", 0, "o-2", payment="p-9"),
        told("PaymentRequested", 10, "o-1", payment="p-9"),
        told("PaymentReceived", 20, None, payment="p-9"),
        told("ItemsPicked", 30, "o-3", payment="p-9"),
    ]
    for delivery in reversed(deliveries) if backwards else deliveries:
        await pipeline.process([delivery])
    assert (await only(store)).row.key == "o-1"


async def test_an_earlier_worker_and_a_later_one_agree_on_the_version(
    store: SqlStore, tmp_path: Path
) -> None:
    settings = steps(tmp_path, "OrderPlaced", "OrderCompleted")
    one, other = await start(store, settings), await start(store, settings, END)
    assert one.flows.active_ids() == other.flows.active_ids()
    await one.process([told("OrderPlaced", 0)])
    await other.process([told("OrderCompleted", 1)])
    trace = await only(store)
    assert (trace.row.version, trace.row.complete) == (1, True)


# several workers ----------------------------------------------------------------------------------------


async def test_workers_that_share_a_database_find_exactly_what_went_wrong(
    store: SqlStore, store_url: str
) -> None:
    """Each reads every other message; both hold parts of every order at the same time."""
    landscape = plan(11, 60, NOON, Pace())
    settings = shop(landscape.limits)
    other = await open_store(store_url)
    deliveries = [sent(number, emission) for number, emission in enumerate(landscape.emissions)]

    async def work(mine: SqlStore, half: Sequence[Delivery]) -> None:
        pipeline = await start(mine, settings)
        source = Memory(MemorySource(name=demo.RABBIT), worker="w")
        reader = Reader(
            source,
            pipeline,
            mine,
            Metrics(),
            worker="w",
            now=lambda: datetime.now(UTC),
            batch_size=20,
            wait=1,
        )
        for at in range(0, len(half), 20):
            await reader.store_batch(half[at : at + 20])

    try:
        await asyncio.gather(work(store, deliveries[0::2]), work(other, deliveries[1::2]))
    finally:
        await other.close()
    await swept(store, landscape.end)

    assert await stored(store) == offline(settings, deliveries, landscape.end)
    found = {trace.row.key: trace for trace in await details(store)}
    assert len(found) == len(landscape.truths)
    for truth in landscape.truths:
        trace = found[truth.order]
        deviations = [one for one in trace.findings if one.kind.is_deviation]
        assert active(deviations) == sorted(truth.deviations)
        assert sorted((clock.sla, clock.state.value) for clock in trace.clocks) == sorted(
            (clock.sla, clock.state(landscape.end)) for clock in truth.clocks
        )
    inbox = sorted(row.reason.value for row in (await store.views.inbox(limit=100)).rows)
    assert inbox == sorted(reason for truth in landscape.truths for reason in truth.inbox)
    await counts_agree(store)
