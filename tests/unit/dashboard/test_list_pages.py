"""The pages of traces and findings: forms that keep what is asked, chips, views, files, and the way on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html

from monitor.domain.verdict import FindingKind
from monitor.settings import DashboardSettings, SavedView
from monitor.storage.views import FindingFilter, Page, TraceFilter

EVERYTHING = (
    "q=country%3DNL&flow=order&version=2&state=open&verdict=deviating&finding=missing&element=ship&sla=at_risk"
    "&min=1s&max=2h&variant=aa11&since=2026-03-01T10%3A00&until=2026-03-02T10%3A00&sort=first&order=asc&limit=20"
)


async def shown(client: Any, address: str, status: int = 200) -> Any:
    response = await client.get(address)
    assert response.status_code == status
    return html.fromstring(response.text)


def select(page: Any, path: str) -> list[Any]:
    """Elements below ``page`` by a plain CSS selector: tags, classes and attributes."""
    steps = []
    for step in path.split():
        tag, *conditions = re.findall(r"^[\w-]*|\.[\w-]+|\[[^\]]+\]", step)
        tests = "".join(
            f"[contains(concat(' ', @class, ' '), ' {one[1:]} ')]"
            if one.startswith(".")
            else "[@" + re.sub(r"=(.*)", r"='\1'", one[1:-1]) + "]"
            for one in conditions
        )
        steps.append(f"//{tag or '*'}{tests}")
    found: list[Any] = page.xpath("." + "".join(steps))
    return found


def texts(page: Any, path: str) -> list[str]:
    return [" ".join(element.text_content().split()) for element in select(page, path)]


async def test_the_form_and_the_links_keep_every_filter(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(next="more")
    async with client_for(rows) as client:
        page = await shown(client, f"/traces?{EVERYTHING}")
        asked = rows.asked[-1][0]
        form = select(page, "form.filters")[0]
        again = "&".join(f"{name}={value}" for name, value in form.form_values() if value).replace(
            "=NL", "%3DNL"
        )
        await shown(client, f"/traces?{again}")
        assert rows.asked[-1][0] == asked
        for link in select(page, "nav.pager a[rel=next]"):
            await shown(client, link.get("href"))
            assert rows.asked[-1] == (asked, "more", 20)
        rows.next = None
        for link in select(page, ".files a"):
            assert (await client.get(link.get("href"))).status_code == 200
            assert rows.asked[-1] == (asked, None, 1000)
        await shown(client, select(page, "[data-copy]")[0].get("data-copy"))
        assert rows.asked[-1] == (asked, None, 20)


async def test_each_chip_takes_one_filter_off(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    rows = make.Rows()
    async with client_for(rows) as client:
        page = await shown(client, f"/traces?{EVERYTHING}")
        full = rows.asked[-1][0]
        chips = select(page, ".active a.chip")
        assert len(chips) == 13
        for chip in chips:
            await shown(client, chip.get("href"))
            now = rows.asked[-1][0]
            gone = {
                name for name in TraceFilter.__dataclass_fields__ if getattr(now, name) != getattr(full, name)
            }
            assert gone == {"flow", "version"} or len(gone) == 1
        await shown(client, page.xpath("//ul[contains(@class, 'active')]/li[last()]/a")[0].get("href"))
        assert rows.asked[-1] == (TraceFilter(sort="first", ascending=True), None, 20)
        assert not select(await shown(client, "/traces"), ".active")
    assert "Stands at: GoodsShipped" in " ".join(texts(page, ".active"))


async def test_columns_sort_and_turn(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    rows = make.Rows()
    async with client_for(rows) as client:
        page = await shown(client, "/traces?flow=order")
        sorts = {th.get("aria-sort"): th for th in select(page, "th[aria-sort]")}
        assert sorts["descending"].text_content().startswith("Last event")
        await shown(client, select(sorts["descending"], "a")[0].get("href"))
        assert rows.asked[-1][0] == TraceFilter(flow="order", ascending=True)
        await shown(client, page.xpath("//th[contains(., 'Took')]/a")[0].get("href"))
        assert rows.asked[-1][0] == TraceFilter(flow="order", sort="duration")


async def test_views_are_links_and_those_of_the_configuration_follow(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows()
    saved = (SavedView(name="Big <ones>", query="?q=amount%3D100"),)
    async with client_for(rows, settings=DashboardSettings(views=saved)) as client:
        page = await shown(client, "/traces?state=open&sort=last&order=asc")
        links = select(page, "nav.views a")
        assert texts(page, "nav.views a") == [
            *("Stuck longest", "Deviating today", "Breached now", "Slowest this week", "Big <ones>")
        ]
        assert [link.get("aria-current") for link in links] == ["page", None, None, None, None]
        for link in links:
            await shown(client, link.get("href"))
        assert rows.asked[-1][0] == TraceFilter(search="amount=100")
        for link in select(await shown(client, "/findings"), "nav.views a"):
            await shown(client, link.get("href"))


async def test_a_row_tells_how_long_it_took_and_where_it_stands(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(
        trace_rows=(
            make.trace_row(
                1, flow_id=4, first=make.ago(hours=4), last=make.ago(hours=2), sla="breached", expected=()
            ),
            make.trace_row(2, complete=True, standing=(), first=make.ago(hours=3), last=make.ago(hours=2)),
            make.trace_row(3, first=None, last=None, standing=("<x>",), sla="at_risk"),
        )
    )
    async with client_for(rows) as client:
        page = await shown(client, "/traces")
    first, second, third = select(page, "tbody tr")
    assert [row.get("class") for row in (first, second, third)] == ["bad", "", "warn"]
    took = [select(row, ".took")[0] for row in (first, second, third)]
    assert [" ".join(cell.text_content().split()) for cell in took] == ["2 h so far", "1 h", "–"]
    assert [float(select(cell, "rect.part")[0].get("width")) for cell in took[:2]] == [56, 28]
    assert select(first, ".at a")[0].text_content() == "GoodsShipped"
    assert select(first, ".at a")[0].get("href") == "/traces?flow=order&element=ship"
    assert select(third, ".at a")[0].text_content() == "<x>"


async def test_a_list_that_was_broken_off_says_so_and_goes_on(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    class Broken(make.Rows):  # type: ignore[misc,name-defined]
        async def traces(self, *_: Any) -> Page[Any]:
            return Page([], "on", partial=True)

        async def findings(self, *_: Any) -> Page[Any]:
            return Page([], "on", partial=True)

    async with client_for(Broken()) as client:
        for path in ("/traces?element=x", "/findings?element=x"):
            page = await shown(client, path)
            (note,) = texts(page, ".partial")
            assert note.startswith("None of the")
            assert select(page, ".partial a")[0].get("href") == f"{path}&cursor=on"
            assert (await client.get(f"/api/v1{path}")).json()["partial"] is True


async def test_findings_keep_their_filters(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    asked = FindingFilter("o-1", "order", FindingKind.MISSING, None, "ship", "critical", acknowledged=False)
    rows = make.Rows(
        finding_rows=(
            make.finding_row(severity="critical", acknowledged=make.ago(hours=1), acknowledged_by="ann"),
        ),
        next="more",
    )
    address = "/findings?q=o-1&flow=order&kind=missing&element=ship&severity=critical&acknowledged=no"
    async with client_for(rows) as client:
        page = await shown(client, address)
        assert rows.findings_asked[-1][0] == asked
        form = select(page, "form.filters")[0]
        await shown(client, f"/findings?{urlencode(form.form_values())}")
        assert rows.findings_asked[-1][0] == asked
        await shown(client, select(page, "nav.pager a[rel=next]")[0].get("href"))
        assert rows.findings_asked[-1] == (asked, "more", 50)
        assert len(select(page, ".active a.chip")) == 6
        assert "Taken care of by ann" in " ".join(texts(page, "tbody"))


async def test_what_begins_with_a_word_can_be_narrowed_to_the_word(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(next="more")
    async with client_for(rows) as client:
        page = await shown(client, "/traces?q=o-1")
        await shown(client, page.xpath("//a[starts-with(., 'Only')]")[0].get("href"))
        assert rows.asked[-1][0] == TraceFilter(search='"o-1"')


@pytest.mark.parametrize("query", ["min=soon", "version=2", "order=up", "since=x"])
async def test_what_cannot_be_read_is_told_with_the_mend(
    query: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows()) as client:
        page = await shown(client, f"/traces?{query}", 400)
        told = (await client.get(f"/api/v1/traces?{query}")).json()
    assert told["status"] == 400
    assert told["detail"] in page.text_content()


def test_the_duration_of_a_trace_without_events_is_not_known(make: SimpleNamespace) -> None:
    assert make.trace_row(first=None, last=None).duration is None
    assert make.trace_row().duration == timedelta(hours=2)
