"""The pages of SLAs, sources and the overview: what they say, and that any name leads to its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.objective import Count, Objective
from monitor.storage.views import ClockCounts, FlowTrend, OutcomeStep, Totals
from tests.unit.dashboard.test_pages import NASTY, Page, text_of

NAME = "Ship within an hour"


def late(make: SimpleNamespace, *names: str, **given: Any) -> Any:
    return make.Rows(
        clock_rows={("order", name): ClockCounts(30_000, 1, 12_345) for name in names or (NAME,)},
        step_rows=(OutcomeStep(make.NOW.replace(hour=14, minute=0, second=0), Count(9, 3)),),
        offender_rows=(make.offender(), make.offender(trace=18, ended=make.ago(hours=1))),
        overdue_rows=(make.overdue_row(),),
        deviation_rows=(make.deviation_row(),),
        rate_rows={"shop-kafka": [(make.ago(minutes=3), 40), (make.ago(minutes=2), 20)]},
        **given,
    )


OBJECTIVES = {"order": {NAME: Objective(0.9, timedelta(days=1))}}


@pytest.mark.parametrize(
    "name",
    [
        NAME,
        "a/b",
        "/",
        "x//y/",
        "Lieferung in 2 Tagen – größer",
        "100 %?#&=+",
        "日本",
        NASTY,
        "a\\b",
        ".hidden",
    ],
)
async def test_any_name_leads_to_its_page(
    name: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(late(make, name), promises=make.promises(name)) as client:
        listed = await client.get("/slas")
        (address,) = {
            attributes["href"]
            for attributes in Page(listed.text).all("a")
            if (attributes["href"] or "").startswith("/slas/")
        }
        shown = await client.get(address)
        escaped = await client.get(f"/api/v1/slas/order/{quote(name, safe='')}")
    assert shown.status_code == 200
    assert Page(shown.text).faults == []
    assert escaped.json()["name"] == name


async def test_flow_with_a_slash(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(late(make), promises=make.promises("a/b", flow="shop/order")) as client:
        assert (await client.get("/slas/shop/order/a/b")).status_code == 200
        assert (await client.get("/slas/shop%2Forder/a%2Fb")).status_code == 200
        assert (await client.get("/slas/shop/order")).status_code == 404


async def test_list_of_slas(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    promises = {**make.promises(), **make.promises("All well", severity="info", objective=None)}
    async with client_for(late(make), promises=promises, objectives=OBJECTIVES) as client:
        answer = await client.get("/slas?period=7d")
    page = Page(answer.text)
    said = text_of(answer.text)
    assert page.faults == []
    assert said.index(NAME) < said.index("All well")
    assert "12 345" in said
    assert "90.00 % of 100" in said
    assert "90 % in 1 d" in said
    assert "No objective" in said
    assert "87 clocks: half of them took less than 25 % of their time" in said  # what the sketch shows


async def test_old_addresses_of_traces_by_state_lead_to_the_traces(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows()) as client:
        answer = await client.get("/slas?state=breached&flow=a%26b")
    assert answer.headers["location"] == "/traces?sla=breached&flow=a%26b"


async def test_page_of_one_sla(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(late(make), promises=make.promises(), objectives=OBJECTIVES) as client:
        answer = await client.get(f"/slas/order/{quote(NAME)}")
        week = await client.get(f"/slas/order/{quote(NAME)}?period=7d")
    page = Page(answer.text)
    said = text_of(answer.text)
    assert page.faults == []
    assert "GoodsShipped comes within 1 h of PaymentReceived." in said
    assert "still runs" in said
    assert "3 h 3.0× its time" in said
    assert "/traces/17#clocks" in {attributes["href"] for attributes in page.all("a")}
    assert "10 % may fail" in said
    assert "at risk from 80 %" in said
    assert "3 of 12 failed (75.00 % met)" in said
    assert "GoodsShipped stops the clock" in said
    assert "Error budget left over the window" not in text_of(week.text)


async def test_page_of_an_sla_of_which_nothing_is_known_yet(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(count=Count(), statistics_row=make.Rows().statistics_row.__class__(0, 0, 0, {}, {}, {}))
    async with client_for(rows, promises=make.promises(), objectives=OBJECTIVES) as client:
        said = text_of((await client.get(f"/slas/order/{quote(NAME)}")).text)
    assert "Nothing is overdue, and nothing ended too late." in said
    assert "not enough yet: 0 of 20" in said
    assert "No clock has been decided in this time." in said
    assert "Nothing has been counted yet." in said


async def test_overview_groups_by_cause(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    trend = FlowTrend(traces=12, complete=9, deviating=2, duration={}, begun={})
    rows = late(make)
    rows.trend_rows = {"order": trend}
    async with client_for(rows, promises=make.promises()) as client:
        answer = await client.get("/")
    said = text_of(answer.text)
    assert Page(answer.text).faults == []
    assert "At least 1 order of Order fulfilment is late" in said
    assert "GoodsShipped is missing: 1 order of Order fulfilment" in said
    assert "/traces?flow=order&amp;element=ship&amp;sla=breached" in answer.text
    assert "12 traces, 0 of them today; 2 deviating." in said
    assert "60 in the hour, 40 a minute at most." in said


async def test_overview_is_calm_when_all_is_well(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows()) as client:
        said = text_of((await client.get("/")).text)
    assert "Nothing needs attention" in said
    assert "every source is read" in said


async def test_overview_says_when_everything_is_in_the_inbox(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows(totals_row=Totals(0, 0, 0, 0, 0, 0, 9, 0), trace_rows=())) as client:
        said = text_of((await client.get("/")).text)
    assert "Every message is in the inbox so far" in said


def blind(make: SimpleNamespace, name: str) -> Any:
    notices = (
        Notice(
            NoticeKind.BLIND,
            name,
            "Only read up to 16:53: refused.",
            make.ago(minutes=9),
            make.NOW,
        ),
        Notice(NoticeKind.BLIND, name, "Away.", make.ago(hours=9), make.NOW, ended=make.ago(hours=8)),
        Notice(NoticeKind.BLIND, "another", "Away as well.", make.ago(hours=9), make.NOW),
    )
    return late(
        make,
        source_rows=(make.source_row(name, watermark=make.ago(minutes=9), lag=7),),
        notice_rows=notices,
    )


@pytest.mark.parametrize("name", ["shop-kafka", "shop/kafka", "größe 1", NASTY])
async def test_page_of_a_source(name: str, make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(blind(make, name)) as client:
        listed = await client.get("/sources")
        address = next(
            attributes["href"]
            for attributes in Page(listed.text).all("a")
            if (attributes["href"] or "").startswith("/sources/")
        )
        answer = await client.get(address)
    said = text_of(answer.text)
    assert answer.status_code == 200
    assert Page(answer.text).faults == Page(listed.text).faults == []
    assert "16:53: refused" in said
    assert "cannot be judged in Order fulfilment" in said
    assert "1 h" in said  # how long the spell before lasted
    assert "as well" not in said
    assert "orders/0" in said


async def test_no_such_source(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(make.Rows()) as client:
        answer = await client.get("/sources/none")
    assert answer.status_code == 404
    assert "There is no source none." in text_of(answer.text)


async def test_notices_that_last_come_first(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(blind(make, "shop")) as client:
        said = text_of((await client.get("/notices")).text)
        older = text_of((await client.get("/notices?cursor=x")).text)
        quiet = text_of((await client.get("/notices?kind=burn_rate")).text)
    assert said.index("16:53: refused") < said.index("Over") < said.index("Away.")
    assert "16:53: refused" not in older
    assert "No notice of this kind lasts." in quiet
