"""The pages about flows: what they ask, what they say, what their links keep."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.statistics import day_of
from monitor.storage.views import FlowStatistics, VariantRow

NOTHING = FlowStatistics(0, 0, 0, {}, {}, {})


async def got(client_for: Callable[..., Any], rows: Any, address: str, status: int = 200) -> str:
    async with client_for(rows) as client:
        response = await client.get(address)
    assert response.status_code == status, response.text
    text: str = response.text
    return text


def read(page: str) -> str:
    main = re.sub(r"<svg.*?</svg>", "", page.split("<main", 1)[1].split("</main>")[0], flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", main)))


def links(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'href="([^"]+)"', page)]


async def test_the_list_tells_how_traces_went_lately(make: SimpleNamespace, client_for: Any) -> None:
    said = read(await got(client_for, make.Rows(), "/flows"))
    assert "83 %" in said  # 100 of 120 are complete
    empty = read(await got(client_for, make.Rows(trend_rows={}), "/flows"))
    assert "none lately" in empty
    assert "No flows yet" in read(await got(client_for, make.Rows(flow_rows=()), "/flows"))


@pytest.mark.parametrize(("period", "days"), [("1d", 1), ("7d", 7), ("30d", 30), ("90d", 90)])
async def test_a_period_is_of_days_begun(
    period: str, days: int, make: SimpleNamespace, client_for: Any
) -> None:
    rows = make.Rows()
    await got(client_for, rows, f"/flows/order?period={period}")
    assert rows.statistics_asked == [((4,), day_of(make.NOW) - days + 1, None)]


async def test_the_active_version_in_the_last_thirty_days_unless_said_otherwise(
    make: SimpleNamespace, client_for: Any
) -> None:
    rows = make.Rows()
    await got(client_for, rows, "/flows/order")
    await got(client_for, rows, "/flows/order?version=1&period=all")
    await got(client_for, rows, "/flows/order?version=all&period=all")
    month_ago = day_of(make.NOW) - 29
    assert rows.statistics_asked == [((4,), month_ago, None), ((3,), None, None), ((4, 3), None, None)]


async def test_versions_with_other_elements_are_left_out_and_told(
    make: SimpleNamespace, client_for: Any
) -> None:
    rows = make.Rows()
    rows.version_rows = (*rows.version_rows, replace(rows.version_rows[1], id=2, version=9))
    page = await got(client_for, rows, "/flows/order?version=all")
    assert rows.statistics_asked[0][0] == (4, 3)
    assert "Version 9 has other elements and is left out." in read(page)


@pytest.mark.parametrize("query", ["version=7", "period=2d", "heat=cold", "stat=mean", "sort=name"])
async def test_what_cannot_be_understood_is_said(query: str, make: SimpleNamespace, client_for: Any) -> None:
    await got(client_for, make.Rows(), f"/flows/order?{query}", 400)


async def test_links_change_one_thing_and_keep_the_rest(make: SimpleNamespace, client_for: Any) -> None:
    page = await got(client_for, make.Rows(), "/flows/order?period=7d&heat=waiting&version=1")
    assert "/flows/order?period=7d&version=1&heat=working#picture" in links(page)
    assert "/flows/order?period=7d&version=1#picture" in links(page)  # frequency needs no word
    assert "/flows/order?period=7d&version=1&heat=waiting&stat=p95#picture" in links(page)


async def test_elements_lead_to_the_traces_and_findings_there(make: SimpleNamespace, client_for: Any) -> None:
    page = await got(client_for, make.Rows(), "/flows/order")
    assert "/traces?flow=order&element=ship" in links(page)
    assert "/findings?flow=order&element=ship&state=confirmed" in links(page)
    assert "/traces?flow=order&version=2&variant=aa11" in links(page)
    together = await got(client_for, make.Rows(), "/flows/order?version=all")
    assert "/traces?flow=order&variant=aa11" in links(together)


@pytest.mark.parametrize("heat", ["frequency", "waiting", "working", "deviations", "standing"])
async def test_heat_is_chosen_by_a_link_and_told_in_words(
    heat: str, make: SimpleNamespace, client_for: Any
) -> None:
    page = await got(client_for, make.Rows(), f"/flows/order?heat={heat}")
    picture = page.split('class="picture"', 1)[1]
    is_hot = re.search(r'class="node[^"]*heat-5', picture) is not None
    assert is_hot == (heat != "working")  # no activity's start is seen
    assert ("There is nothing to show" in read(page)) != is_hot
    assert 'aria-current="true"' in page.split(f"heat={heat}" if heat != "frequency" else "Show", 1)[1][:300]


async def test_without_traces_it_says_what_to_do(make: SimpleNamespace, client_for: Any) -> None:
    rows = make.Rows(statistics_row=NOTHING, variant_rows=(), day_rows=())
    said = read(await got(client_for, rows, "/flows/order"))
    assert "No trace of version 2 that began in the last 30 days is counted." in said
    assert "Show all traces" in said
    assert "No trace of this version is complete yet." in said


async def test_the_funnel_is_of_the_usual_way_until_all_is_asked_for(
    make: SimpleNamespace, client_for: Any
) -> None:
    rows = make.Rows(variant_rows=(VariantRow(4, "aa", ("OrderPlaced",), 90, 0, timedelta(hours=1)),))
    usual = (await got(client_for, rows, "/flows/order")).split('id="funnel"')[1].split("</section>")[0]
    assert "OrderPlaced" in usual
    assert "GoodsShipped" not in usual
    every = (await got(client_for, rows, "/flows/order?funnel=all")).split('id="funnel"')[1]
    assert "GoodsShipped" in every.split("</section>")[0]


async def test_variants_are_told_with_what_they_cover(make: SimpleNamespace, client_for: Any) -> None:
    said = read(await got(client_for, make.Rows(), "/flows/order"))
    assert "2 variants cover 100 % of them; there are 2 in all." in said
    assert "not here: PaymentReceived" in said


async def test_hostile_names_are_shown_inert(make: SimpleNamespace, client_for: Any) -> None:
    nasty = '<script>alert(1)</script>\u202e"' + "long" * 100_000
    variant = VariantRow(4, "aa", (nasty, nasty, "x"), 3, 0, timedelta(hours=1))
    plain = make.Rows().statistics_row
    statistics = replace(plain, elements={nasty[:500]: plain.elements["ship"]})
    rows = make.Rows(variant_rows=(variant,), statistics_row=statistics)
    page = await got(client_for, rows, "/flows/order")
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert len(page) < 300_000


async def test_versions_are_compared(make: SimpleNamespace, client_for: Any) -> None:
    rows = make.Rows()
    page = await got(client_for, rows, "/flows/order/compare")
    assert rows.statistics_asked == [((3,), None, None), ((4,), None, None)]
    said = read(page)
    assert "Order fulfilment: versions 1 and 2" in said
    assert "may be chance" not in said
    assert "/flows/order/compare?a=2&b=1" in links(page)
    assert 'class="picture"' not in page
    both = await got(client_for, rows, "/flows/order/compare?diagrams=both")
    assert both.count('class="picture"') == 1  # the model of version 1 is not known here
    assert "The model of version 1 is not available here." in read(both)


async def test_few_traces_warn(make: SimpleNamespace, client_for: Any) -> None:
    rows = make.Rows(statistics_row=replace(make.Rows().statistics_row, traces=12))
    said = read(await got(client_for, rows, "/flows/order/compare?a=1&b=2"))
    assert "Version 1 has only 12 traces, Version 2 has only 12 traces: with fewer than 30" in said


async def test_one_version_is_not_compared(make: SimpleNamespace, client_for: Any) -> None:
    rows = make.Rows()
    rows.version_rows = rows.version_rows[:1]
    assert "There is one version only" in read(await got(client_for, rows, "/flows/order/compare"))
    assert 'id="versions"' not in await got(client_for, rows, "/flows/order")


@pytest.mark.parametrize("query", ["a=7", "b=x", "period=2d", "diagrams=one"])
async def test_a_comparison_that_cannot_be(query: str, make: SimpleNamespace, client_for: Any) -> None:
    await got(client_for, make.Rows(), f"/flows/order/compare?{query}", 400)


async def test_a_flow_deployed_a_moment_ago_has_a_page(make: SimpleNamespace, client_for: Any) -> None:
    rows = make.Rows(version_rows=())
    assert "Order fulfilment" in read(await got(client_for, rows, "/flows/order"))
    await got(client_for, rows, "/flows/order/compare")
    await got(client_for, rows, "/flows/none", 404)
