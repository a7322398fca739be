"""One trace's page and its JSON: timeline, sequence, events page by page, findings' story, related traces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from monitor.dashboard.pages import trace as page
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.settings import DashboardSettings

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def rows_of(make: SimpleNamespace, **detail: Any) -> Any:
    return make.Rows(details={17: make.trace_detail(**detail)})


async def test_the_timeline_says_what_each_step_waited_for(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows_of(make)) as client:
        html = (await client.get("/traces/17")).text
    assert "1 h from OrderPlaced to PaymentReceived, of which 30 min waiting for GoodsShipped" in html
    table = html.split('class="gantt"')[1].split("</table>")[0]
    assert '<a href="#event-2">GoodsShipped</a>' in table
    assert "30 min" in table
    assert "on the critical path" in table
    assert "Expected now" in table
    assert 'id="event-2"' in html
    assert "Nothing is wrong" in html


async def test_a_flow_that_is_not_known_is_said(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows_of(make, flow_id=9)) as client:
        html = (await client.get("/traces/17")).text
        told = (await client.get("/api/v1/traces/17")).json()
    assert "since the event before" in html
    assert (told["steps"], told["critical_path"], told["sequence"]) == (None, None, None)


async def test_events_come_page_by_page(
    make: SimpleNamespace, client_for: Callable[..., Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr(page, "EVENTS", 2)
    events = tuple(make.event_row(number, label=f"L{number}") for number in range(1, 6))
    async with client_for(rows_of(make, events=events)) as client:
        first = (await client.get("/traces/17")).text
        second = (await client.get("/traces/17?cursor=2")).text
        last = (await client.get("/traces/17?cursor=4")).text
        bad = await client.get("/traces/17?cursor=x")
        listed = (await client.get("/api/v1/traces/17/events?limit=2&cursor=2")).json()
        nowhere = await client.get("/api/v1/traces/99/events")
    shown = [[f'id="event-{number}"' in html for number in range(1, 6)] for html in (first, second, last)]
    assert shown == [
        [True, True, False, False, False],
        [False, False, True, True, False],
        [False] * 4 + [True],
    ]
    assert 'href="/traces/17?cursor=2">Next events' in first
    assert "First events" not in first
    assert 'href="/traces/17">First events' in second
    assert "These are the last." in last
    assert "Expected now" not in first
    assert "Expected now" in last
    assert "30 min" in second.split('class="gantt"')[1], "what made it possible is on the page before"
    assert bad.status_code == 400
    assert ([event["id"] for event in listed["items"]], listed["next"]) == ([3, 4], "4")
    assert nowhere.status_code == 404


async def test_a_page_past_the_first_events_does_not_claim_to_know_causes(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = rows_of(make, truncated=True)
    beyond = tuple(make.event_row(number) for number in (1, 2, 3, 4))

    async def trace_events(trace_id: int, after: int | None = None, limit: int = 200) -> Any:
        return SimpleNamespace(rows=beyond[3:], next=None)

    rows.trace_events = trace_events
    async with client_for(rows) as client:
        html = (await client.get("/traces/17?cursor=3")).text
    assert "worked out for the first 3 events" in html


async def test_a_finding_tells_its_story(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    findings = (
        make.finding_row(acknowledged=make.ago(hours=2), acknowledged_by="kim", acknowledged_note="<b>on it"),
        make.finding_row(
            key="22" * 16,
            kind=FindingKind.MISSING,
            state=FindingState.RETRACTED,
            retracted=make.ago(hours=1),
            reason="A late event came.",
        ),
    )
    async with client_for(rows_of(make, findings=findings)) as client:
        html = (await client.get("/traces/17")).text
    story = html.split(f'id="finding-{"00" * 16}"')[1].split("</li>\n  <")[0]
    assert "Provisional</span>" in story
    assert "Confirmed</span>" in story
    assert "by kim: “&lt;b&gt;on it”" in html
    assert 'href="#event-2"' in story
    assert "A late event came." in html
    assert f'href="#finding-{"00" * 16}"' in html.split('id="event-2"')[1].split('id="event-3"')[0]


async def test_delay_and_clocks_that_differ(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    early = make.event_row(1)
    events = (
        make.event_row(1, received=early.time - timedelta(seconds=3)),
        make.event_row(2, received=make.event_row(2).time + timedelta(minutes=5)),
    )
    async with client_for(rows_of(make, events=events)) as client:
        html = (await client.get("/traces/17")).text
    assert "Clocks differ" in html
    assert "received 3 s before its own time" in html
    assert html.count("Came late") == 1


async def test_traceparent_leads_to_the_tracing_ui(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    settings = DashboardSettings(tracing="https://jaeger.example/trace/{trace_id}")
    events = (make.event_row(1, attributes={"traceparent": f"00-{TRACE}-{SPAN}-01"}),)
    async with client_for(rows_of(make, events=events), settings=settings) as client:
        html = (await client.get("/traces/17")).text
        (told,) = (await client.get("/api/v1/traces/17")).json()["events"]
    assert f'href="https://jaeger.example/trace/{TRACE}"' in html
    assert told["tracing"]["url"] == f"https://jaeger.example/trace/{TRACE}"


async def test_related_traces_and_paused_clocks_are_shown(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    clocks = (
        make.clock(paused=make.ago(hours=1)),
        make.clock(sla="Other", state=ClockState.BREACHED, due=make.ago(hours=2), unverified=True),
    )
    related = (make.trace_row(40, flow="billing", key="invoice=i-1"),)
    async with client_for(rows_of(make, clocks=clocks, related=related)) as client:
        html = (await client.get("/traces/17")).text
        told = (await client.get("/api/v1/traces/17")).json()
    assert "Paused" in html
    assert "Not verified" in html
    assert "Related traces" in html
    assert 'href="/traces/40"' in html
    assert [row["id"] for row in told["related"]] == [40]


async def test_the_json_says_what_the_page_draws(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    events = (make.event_row(1), make.event_row(2, producer="/ship"))
    async with client_for(rows_of(make, events=events)) as client:
        html = (await client.get("/traces/17")).text
        told = (await client.get("/api/v1/traces/17")).json()
    assert [(step["event"], step["after"], step["waited_seconds"]) for step in told["steps"]] == [
        (1, None, None),
        (2, 1, 1800),
    ]
    assert told["critical_path"] == [1, 2]
    assert [(one["from"], one["to"]) for one in told["sequence"]] == [(None, "/shop"), ("/shop", "/ship")]
    assert "from /shop to /ship" in html.split("Between services")[1]
