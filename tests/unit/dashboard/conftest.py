"""Hand-made rows behind a ``Views`` fake, for what templates and routes make of them. The real store is used
in ``tests/integration`` and ``tests/browser``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Protocol

import httpx
import pytest

from monitor.bpmn.document import Document, FlowNode, Place, Process, SequenceFlow
from monitor.bpmn.outline import Outlined
from monitor.dashboard.app import create_app
from monitor.dashboard.promises import Place as PromisePlace
from monitor.dashboard.promises import Promise
from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason, Key
from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count, Objective
from monitor.domain.verdict import Clock, ClockState, FindingKind, FindingState
from monitor.errors import StorageUnavailable
from monitor.settings import DashboardSettings
from monitor.statistics import Histogram
from monitor.storage.views import (
    EVERY_FINDING,
    ClockCounts,
    DayRow,
    DeviationRow,
    ElementStatistics,
    EventRow,
    FindingFilter,
    FindingRow,
    FlowRow,
    FlowStatistics,
    FlowTrend,
    InboxGroup,
    InboxRow,
    Offender,
    OutcomeStep,
    OverdueRow,
    Page,
    ShardRow,
    SourceRow,
    Totals,
    TraceDetail,
    TraceFilter,
    TraceRow,
    VariantRow,
    VersionRow,
)
from monitor.timing import Course, Step

NOW = datetime(2026, 3, 4, 17, 2, 11, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def trace_row(number: int = 17, **changed: Any) -> TraceRow:
    values: dict[str, Any] = {
        "id": number,
        "flow": "order",
        "version": 2,
        "key": f"order=o-{number}",
        "first": ago(hours=5),
        "last": ago(hours=3),
        "events": 3,
        "conforms": True,
        "complete": False,
        "undecided": False,
        "cost": 0,
        "deviations": 0,
        "confirmed": 0,
        "sla": None,
        "standing": ("ship",),
        "expected": ("GoodsShipped",),
    }
    return TraceRow(**{**values, **changed})


def finding_row(**changed: Any) -> FindingRow:
    values: dict[str, Any] = {
        "trace": 17,
        "trace_key": "order=o-17",
        "flow": "order",
        "key": "00" * 16,
        "kind": FindingKind.OUT_OF_ORDER,
        "state": FindingState.CONFIRMED,
        "severity": "warning",
        "element": "ship",
        "name": "GoodsShipped",
        "message": "GoodsShipped came before PaymentReceived.",
        "expected": ("PaymentReceived",),
        "event": "e-2",
        "identity": b"\x02" * 16,
        "time": ago(hours=4),
        "found": ago(hours=4),
        "confirmed": ago(hours=3.9),
        "retracted": None,
        "reason": None,
    }
    return FindingRow(**{**values, **changed})


def event_row(number: int = 1, **changed: Any) -> EventRow:
    values: dict[str, Any] = {
        "id": number,
        "identity": bytes([number]) * 16,
        "event_id": f"e-{number}",
        "type": "com.shop.OrderPlaced",
        "label": "OrderPlaced",
        "time": ago(hours=5 - number / 2),
        "time_origin": "producer",
        "received": ago(hours=5 - number / 2) + timedelta(milliseconds=42),
        "producer": "/shop",
        "subject": None,
        "source": "shop-kafka",
        "channel": "orders",
        "partition": 0,
        "offset": 41 + number,
        "exchange": None,
        "routing_key": None,
        "message_key": "o-17",
        "headers": '{"ce_id":"e-1"}',
        "attributes": {"traceparent": "00-abc-def-01"},
        "data": '{"orderId":"o-17"}',
    }
    return EventRow(**{**values, **changed})


def trace_detail(row: TraceRow | None = None, **changed: Any) -> TraceDetail:
    values: dict[str, Any] = {
        "row": row or trace_row(),
        "merged_into": None,
        "keys": (Key("order", "o-17"), Key("payment", "p-9")),
        "events": (event_row(1), event_row(2, label="GoodsShipped"), event_row(3, label="PaymentReceived")),
        "truncated": False,
        "findings": (),
        "clocks": (),
        "visited": ("start", "s1"),
        "flow_id": 4,
        "siblings": (),
    }
    return TraceDetail(**{**values, **changed})


def inbox_row(number: int = 5, **changed: Any) -> InboxRow:
    values: dict[str, Any] = {
        "id": number,
        "reason": InboxReason.UNDECODABLE,
        "type": None,
        "detail": "The body is not JSON: unexpected character at 1.",
        "mend": "Check what the producer sends.",
        "source": "shop-rabbit",
        "channel": "choreoscope.shop",
        "partition": None,
        "offset": None,
        "exchange": "shop",
        "routing_key": "order.placed",
        "message_key": b"order-\x00key",
        "received": ago(minutes=4),
        "content_type": "application/json",
        "headers": "{}",
        "body": b"<script>alert(1)</script>",
        "size": 25,
    }
    return InboxRow(**{**values, **changed})


def source_row(name: str = "shop-kafka", **changed: Any) -> SourceRow:
    values: dict[str, Any] = {
        "name": name,
        "kind": "kafka",
        "watermark": ago(seconds=2),
        "lag": 0,
        "last_message": ago(seconds=5),
        "events": 1200,
        "recent": 33,
        "shards": (shard_row(),),
    }
    return SourceRow(**{**values, **changed})


def shard_row(**changed: Any) -> ShardRow:
    values: dict[str, Any] = {
        "shard": "orders/0",
        "worker": "w-1",
        "state": "caught_up",
        "watermark": ago(seconds=2),
        "lag": 0,
        "position": "44",
        "last_message": ago(seconds=5),
        "error": None,
        "updated": ago(seconds=1),
    }
    return ShardRow(**{**values, **changed})


def clock(**changed: Any) -> Clock:
    values: dict[str, Any] = {
        "sla": "Ship within four hours",
        "occurrence": 0,
        "state": ClockState.RUNNING,
        "started": ago(hours=3),
        "due": NOW + timedelta(hours=1),
    }
    return Clock(**{**values, **changed})


def notice(**changed: Any) -> Notice:
    values: dict[str, Any] = {
        "kind": NoticeKind.BLIND,
        "subject": "shop-kafka",
        "message": "Source “shop-kafka” is read up to 16:02 only.",
        "since": ago(hours=1),
        "noticed": ago(minutes=59),
    }
    return Notice(**{**values, **changed})


def overdue_row(number: int = 17, **changed: Any) -> OverdueRow:
    values: dict[str, Any] = {
        "flow": "order",
        "sla": "Ship within an hour",
        "severity": "critical",
        "trace": number,
        "trace_key": f"order=o-{number}",
        "started": ago(hours=4),
        "due": ago(hours=3),
        "element": "ship",
        "standing": ("ship",),
        "expected": ("GoodsShipped",),
    }
    return OverdueRow(**{**values, **changed})


def deviation_row(number: int = 17, **changed: Any) -> DeviationRow:
    values: dict[str, Any] = {
        "flow": "order",
        "kind": FindingKind.MISSING,
        "element": "ship",
        "name": "GoodsShipped",
        "severity": "warning",
        "message": "GoodsShipped is missing.",
        "trace": number,
        "trace_key": f"order=o-{number}",
        "found": ago(hours=2),
        "open": True,
    }
    return DeviationRow(**{**values, **changed})


def offender(**changed: Any) -> Offender:
    values: dict[str, Any] = {
        "trace": 17,
        "trace_key": "order=o-17",
        "sla": "Ship within an hour",
        "occurrence": 0,
        "started": ago(hours=4),
        "due": ago(hours=3),
        "ended": None,
        "over": timedelta(hours=3),
    }
    return Offender(**{**values, **changed})


def promises(*names: str, **changed: Any) -> dict[tuple[str, str], Promise]:
    """SLAs of the flow ``order``; without names, one."""
    values: dict[str, Any] = {
        "flow": "order",
        "flow_name": "Order fulfilment",
        "severity": "critical",
        "kind": "between",
        "limit": "within 1 h",
        "sentence": "GoodsShipped comes within 1 h of PaymentReceived.",
        "also": ("At risk once 80 % of the time has passed.",),
        "calendar": None,
        "risk": 0.8,
        "places": (PromisePlace("ship", "GoodsShipped", "stops the clock"),),
        "objective": Objective(0.9, timedelta(days=1)),
    }
    given = {**values, **changed}
    return {(given["flow"], name): Promise(name=name, **given) for name in names or ("Ship within an hour",)}


@dataclass
class Rows:
    """A ``Views`` over lists. ``away``: every question is refused. ``asked`` remembers trace filters."""

    totals_row: Totals = field(default_factory=lambda: Totals(1, 1, 0, 0, 0, 3, 0, 0))
    flow_rows: Sequence[FlowRow] = (
        FlowRow(4, "order", 2, "Order fulfilment", "order.bpmn", ago(days=3), 1, 1, 0, 0, 0),
    )
    trace_rows: Sequence[TraceRow] = (trace_row(),)
    details: Mapping[int, TraceDetail] = field(default_factory=lambda: {17: trace_detail()})
    finding_rows: Sequence[FindingRow] = ()
    groups: Sequence[InboxGroup] = ()
    inbox_rows: Sequence[InboxRow] = ()
    source_rows: Sequence[SourceRow] = (source_row(),)
    notice_rows: Sequence[Notice] = (notice(), notice(kind=NoticeKind.HISTORY, ended=ago(hours=1)))
    audit_rows: Sequence[Audited] = ()
    count: Count = field(default_factory=lambda: Count(90, 10))
    version_rows: Sequence[VersionRow] = (
        VersionRow(4, "order", 2, "Order fulfilment", "order.bpmn", ago(days=3), True, 120),
        VersionRow(3, "order", 1, "Order fulfilment", "order.bpmn", ago(days=30), False, 80),
    )
    statistics_row: FlowStatistics = field(
        default_factory=lambda: FlowStatistics(
            traces=120,
            complete=100,
            deviating=7,
            duration={40: 60, 48: 40},
            elements={
                "ship": ElementStatistics(
                    reached=110,
                    passed=115,
                    standing=3,
                    waited={20: 100, 30: 15},
                    worked={},
                    deviations={"missing": 4},
                )
            },
            slas={"Ship within an hour": {4: 50, 15: 30, 22: 5, 41: 2}},
        )
    )
    statistics_asked: list[tuple[tuple[int, ...], int | None, int | None]] = field(default_factory=list)
    variant_rows: Sequence[VariantRow] = (
        VariantRow(4, "aa11", ("OrderPlaced", "PaymentReceived"), 90, 0, timedelta(hours=2)),
        VariantRow(4, "bb22", ("OrderPlaced",), 10, 7, timedelta(hours=5)),
    )
    trend_rows: Mapping[str, FlowTrend] = field(
        default_factory=lambda: {"order": FlowTrend(120, 100, 7, {40: 60, 48: 40}, {20513: 50, 20515: 70})}
    )
    day_rows: Sequence[DayRow] = (DayRow(20513, 50, 45, 3), DayRow(20515, 70, 55, 4))
    offender_rows: Sequence[Offender] = ()
    step_rows: Sequence[OutcomeStep] = ()
    clock_rows: Mapping[tuple[str, str], ClockCounts] = field(default_factory=dict)
    overdue_rows: Sequence[OverdueRow] = ()
    deviation_rows: Sequence[DeviationRow] = ()
    rate_rows: Mapping[str, Sequence[tuple[datetime, int]]] = field(default_factory=dict)
    beat: str = "1"
    away: str | None = None
    next: str | None = None
    asked: list[tuple[TraceFilter, str | None, int]] = field(default_factory=list)
    findings_asked: list[tuple[FindingFilter, str | None, int]] = field(default_factory=list)

    def _here(self) -> None:
        if self.away:
            raise StorageUnavailable(self.away)

    async def totals(self) -> Totals:
        self._here()
        return self.totals_row

    async def flows(self) -> Sequence[FlowRow]:
        self._here()
        return self.flow_rows

    async def traces(self, filter: TraceFilter, cursor: str | None = None, limit: int = 50) -> Page[TraceRow]:
        self._here()
        self.asked.append((filter, cursor, limit))
        return Page(self.trace_rows[:limit], self.next)

    async def trace(self, trace_id: int, events: int = 1000) -> TraceDetail | None:
        self._here()
        return self.details.get(trace_id)

    async def trace_events(self, trace_id: int, after: int | None = None, limit: int = 200) -> Page[EventRow]:
        self._here()
        events = self.details[trace_id].events
        at = next((place + 1 for place, event in enumerate(events) if event.id == after), 0)
        more = str(events[at + limit - 1].id) if len(events) > at + limit else None
        return Page(events[at : at + limit], more)

    async def findings(
        self, filter: FindingFilter = EVERY_FINDING, cursor: str | None = None, limit: int = 50
    ) -> Page[FindingRow]:
        self._here()
        self.findings_asked.append((filter, cursor, limit))
        return Page(self.finding_rows, self.next)

    async def inbox_groups(self, limit: int = 200) -> Sequence[InboxGroup]:
        self._here()
        return self.groups

    async def inbox(
        self,
        reason: InboxReason | None = None,
        type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        source: str | None = None,
    ) -> Page[InboxRow]:
        self._here()
        return Page(self.inbox_rows, self.next)

    async def inbox_item(self, item_id: int) -> InboxRow | None:
        self._here()
        return next((row for row in self.inbox_rows if row.id == item_id), None)

    async def sources(self, now: datetime) -> Sequence[SourceRow]:
        self._here()
        return self.source_rows

    async def notices(
        self,
        kind: NoticeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        subject: str | None = None,
        ended: bool | None = None,
    ) -> Page[Notice]:
        self._here()
        found = [
            row
            for row in self.notice_rows
            if kind in (None, row.kind)
            and subject in (None, row.subject)
            and ended in (None, row.ended is not None)
        ]
        return Page(found[:limit], self.next)

    async def outcomes(self, flow: str, sla: str, begins: Sequence[datetime], until: datetime) -> list[Count]:
        self._here()
        return [self.count] * len(begins)

    async def met(
        self, slas: Sequence[tuple[str, str]], since: datetime, until: datetime
    ) -> Mapping[tuple[str, str], Count]:
        self._here()
        return dict.fromkeys(slas, self.count)

    async def outcomes_by(
        self, flow: str, sla: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[OutcomeStep]:
        self._here()
        return self.step_rows

    async def clock_counts(self) -> Mapping[tuple[str, str], ClockCounts]:
        self._here()
        return self.clock_rows

    async def overdue(self, slas: Sequence[tuple[str, str]], limit: int = 50) -> Sequence[OverdueRow]:
        self._here()
        found = [[row for row in self.overdue_rows if (row.flow, row.sla) == sla] for sla in slas]
        return [row for rows in found for row in rows[:limit]]

    async def deviations(self, since: datetime, limit: int = 100) -> Sequence[DeviationRow]:
        self._here()
        return self.deviation_rows

    async def shares(
        self, since: int, until: int, flow: str | None = None
    ) -> Mapping[tuple[str, str], Histogram]:
        self._here()
        return {("order", sla): counts for sla, counts in self.statistics_row.slas.items()}

    async def versions(self, flow: str) -> Sequence[VersionRow]:
        self._here()
        return [row for row in self.version_rows if row.flow == flow]

    async def statistics(
        self, flow_ids: Sequence[int], since: int | None = None, until: int | None = None
    ) -> FlowStatistics:
        self._here()
        self.statistics_asked.append((tuple(flow_ids), since, until))
        return self.statistics_row

    async def variants(self, flow_ids: Sequence[int], limit: int = 20) -> Sequence[VariantRow]:
        self._here()
        return [row for row in self.variant_rows if row.flow_id in flow_ids][:limit]

    async def trends(self, since: int) -> Mapping[str, FlowTrend]:
        self._here()
        return self.trend_rows

    async def daily(self, flow_ids: Sequence[int], since: int | None = None) -> Sequence[DayRow]:
        self._here()
        return [row for row in self.day_rows if since is None or row.day >= since]

    async def variant_count(self, flow_ids: Sequence[int]) -> int:
        self._here()
        return len([row for row in self.variant_rows if row.flow_id in flow_ids])

    async def offenders(self, flow: str, sla: str, now: datetime, limit: int = 10) -> Sequence[Offender]:
        self._here()
        return [row for row in self.offender_rows if row.sla == sla][:limit]

    async def rates(self, since: datetime) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        self._here()
        return self.rate_rows

    async def uncounted(self) -> int:
        self._here()
        return 0

    async def audit(
        self, action: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Audited]:
        self._here()
        return Page(self.audit_rows, self.next)

    async def pulse(self) -> str:
        self._here()
        return self.beat


PLACE = Place("order.bpmn", 1)
DOCUMENT = Document(
    "order.bpmn",
    processes=(
        Process(
            "order",
            PLACE,
            nodes=(
                FlowNode("start", "startEvent", PLACE, "OrderPlaced", outgoing=("s1",)),
                FlowNode("ship", "task", PLACE, "GoodsShipped", incoming=("s1",)),
            ),
            flows=(SequenceFlow("s1", "start", "ship", PLACE),),
        ),
    ),
)


OUTLINE = (
    Outlined("start", "OrderPlaced", "startEvent", True),
    Outlined("ship", "GoodsShipped", "task", True),
)


class OneModel:
    """Knows the model of flow 4 only, and what is in it of its first version, too."""

    async def document(self, flow_id: int) -> Document | None:
        return DOCUMENT if flow_id == 4 else None

    async def labels(self, flow_id: int) -> Mapping[str, Sequence[str]]:
        return {"OrderPlaced": ("start",), "GoodsShipped": ("ship",)} if flow_id == 4 else {}

    async def places(self, flow_id: int) -> Mapping[str, str]:
        return {"Ship in time": "ship"} if flow_id == 4 else {}

    async def outline(self, flow_id: int) -> Sequence[Outlined]:
        return OUTLINE if flow_id in (3, 4) else ()

    async def visited(self, flow_id: int, events: Sequence[EventRow]) -> Sequence[str]:
        return ("start", "s1", "ship") if events else ()

    async def course(self, flow_id: int, events: Sequence[EventRow]) -> Course | None:
        """Every event is counted and comes after the one before."""
        if flow_id != 4:
            return None
        steps = tuple(Step(("ship",), at - 1 if at else None) for at in range(len(events)))
        return Course(steps, tuple(range(len(events))))


class Clients(Protocol):
    def __call__(self, rows: Rows | None = None, **options: Any) -> httpx.AsyncClient: ...


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of rows, each taking what shall differ."""
    return SimpleNamespace(
        NOW=NOW,
        ago=ago,
        Rows=Rows,
        trace_row=trace_row,
        trace_detail=trace_detail,
        event_row=event_row,
        finding_row=finding_row,
        inbox_row=inbox_row,
        source_row=source_row,
        shard_row=shard_row,
        clock=clock,
        overdue_row=overdue_row,
        deviation_row=deviation_row,
        offender=offender,
        promises=promises,
        OneModel=OneModel,
        document=DOCUMENT,
    )


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def client_for() -> Callable[..., Any]:
    """``async with client_for(rows, **options) as client``: a client of an app over these rows."""

    @asynccontextmanager
    async def client(
        rows: Rows, host: str = "localhost:8321", **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings = options.pop("settings", DashboardSettings())
        options = {"keep_seconds": 0.0, **options}
        app = create_app(rows, flows=OneModel(), settings=settings, now=lambda: NOW, **options)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            yield http

    return client
