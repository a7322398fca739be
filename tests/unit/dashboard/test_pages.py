"""The pages: what they say, that they are sound HTML, and that nothing foreign gets into them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.domain.event import InboxReason, Key
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.storage.views import InboxGroup, Totals, TraceFilter

VOID = {"meta", "link", "input", "img", "br", "hr"}
PAGES = [
    "/",
    "/traces",
    "/traces/17",
    "/flows",
    "/flows/order",
    "/flows/order?heat=waiting&funnel=all&variants=all",
    "/flows/order/compare?diagrams=both",
    "/slas",
    "/notices",
    "/findings",
    "/inbox",
    "/inbox/5",
    "/sources",
]
NASTY = '<img src=x onerror="alert(1)">\u202e\'"&'


class Page(HTMLParser):
    """Elements of a page in order; complains about what is never closed or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.title = ""
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.faults.append(f"{tag} is closed within {self.open[-1:]}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def text_of(html: str) -> str:
    """What is read: without tags, blanks run together."""
    return _read(html.split("<main", 1)[1].split("</main>")[0])


def menu_of(html: str) -> str:
    return _read(html.split('<nav aria-label="Pages"', 1)[1].split("</nav>")[0])


def _read(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def full(make: SimpleNamespace) -> Any:
    """Rows with something of everything."""
    findings = (
        make.finding_row(),
        make.finding_row(
            key="11" * 16, kind=FindingKind.MISSING, state=FindingState.PROVISIONAL, identity=None
        ),
        make.finding_row(
            key="22" * 16,
            state=FindingState.RETRACTED,
            retracted=make.ago(hours=1),
            reason="A late event came.",
        ),
    )
    states = list(ClockState)
    clocks = tuple(
        make.clock(sla=f"Limit {number}", state=state, ended=make.ago(hours=1) if not state.is_open else None)
        for number, state in enumerate(states)
    )
    row = make.trace_row(deviations=2, confirmed=1, conforms=False, sla="breached")
    return make.Rows(
        totals_row=Totals(5, 4, 2, 1, 1, 30, 3, 2),
        trace_rows=(
            row,
            make.trace_row(18, complete=True, expected=(), sla="met"),
            make.trace_row(19, last=None),
        ),
        details={17: make.trace_detail(row, findings=findings, clocks=clocks, siblings=(make.trace_row(3),))},
        finding_rows=findings,
        groups=(InboxGroup(InboxReason.UNMAPPED, "Foo", "shop-kafka", 3, make.NOW, "No flow knows Foo."),),
        inbox_rows=(make.inbox_row(), make.inbox_row(6, body=b"\x00\xff" * 40)),
        source_rows=(
            make.source_row(),
            make.source_row(
                "shop-rabbit",
                watermark=make.ago(minutes=5),
                lag=7,
                shards=(make.shard_row(error="refused"),),
            ),
            make.source_row("fresh", watermark=None, lag=None, last_message=None, shards=()),
        ),
        next="older-than-this",
    )


def nasty(make: SimpleNamespace) -> Any:
    """Rows where every text a stranger chooses is an attack."""
    finding = make.finding_row(message=NASTY, name=NASTY, element=NASTY, reason=NASTY, trace_key=NASTY)
    texts = ("event_id", "type", "label", "producer", "subject", "channel", "exchange", "routing_key")
    event = make.event_row(
        1,
        message_key=NASTY,
        headers=NASTY,
        attributes={NASTY: NASTY},
        data=NASTY,
        **dict.fromkeys(texts, NASTY),
    )
    row = make.trace_row(key=NASTY, expected=(NASTY,), standing=(NASTY,))
    return make.Rows(
        trace_rows=(row,),
        details={17: make.trace_detail(row, keys=(Key(NASTY, NASTY),), events=(event,), findings=(finding,))},
        finding_rows=(finding,),
        groups=(InboxGroup(InboxReason.UNMAPPED, NASTY, NASTY, 3, make.NOW, NASTY),),
        inbox_rows=(
            make.inbox_row(
                type=NASTY,
                detail=NASTY,
                mend=NASTY,
                source=NASTY,
                channel=NASTY,
                routing_key=NASTY,
                message_key=NASTY.encode(),
                content_type=NASTY,
                headers=NASTY,
                body=NASTY.encode(),
            ),
        ),
        source_rows=(
            make.source_row(
                NASTY, shards=(make.shard_row(shard=NASTY, worker=NASTY, error=NASTY, position=NASTY),)
            ),
        ),
    )


@pytest.mark.parametrize("rows_of", [full, nasty], ids=["full", "nasty"])
@pytest.mark.parametrize(
    "path", [*PAGES, "/nope", f"/traces?q={NASTY}", f"/slas?flow={NASTY}", f"/nope/{NASTY}"]
)
async def test_every_page_is_sound(
    path: str,
    rows_of: Callable[[SimpleNamespace], Any],
    make: SimpleNamespace,
    client_for: Callable[..., Any],
) -> None:
    async with client_for(rows_of(make)) as client:
        response = await client.get(path)
    assert response.status_code == (404 if "nope" in path else 200), response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(response.text)
    assert page.faults == []
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for tag, attributes in page.elements:
        assert tag not in ("style", "iframe", "object", "embed")
        assert tag != "script" or attributes.get("src", "").startswith("/static/")  # type: ignore[union-attr]
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    labelled = {attributes["for"] for attributes in page.all("label")}
    for tag in ("input", "select"):
        for field in page.all(tag):
            assert field.get("type") == "hidden" or field["id"] in labelled
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in cell for cell in page.all("th"))
    assert all("alt" in image for image in page.all("img"))


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_of_a_stranger_becomes_markup(
    path: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(nasty(make)) as client:
        page = Page((await client.get(path)).text)
    assert [image.get("src", "").split("?")[0] for image in page.all("img")] == ["/static/favicon.svg"]  # type: ignore[union-attr]


async def test_a_trace_without_a_confirmed_deviation_is_being_checked(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(
        trace_rows=(
            make.trace_row(1, conforms=False, deviations=2),
            make.trace_row(2, conforms=False, deviations=3, confirmed=2),
            make.trace_row(3, undecided=True),
        )
    )
    async with client_for(rows) as client:
        html = (await client.get("/traces?verdict=checking")).text
    text = text_of(html)
    assert rows.asked[0][0].verdict == "checking"
    assert "Checking" in text
    assert "events that come late can still put it right" in html
    assert "2 deviations" in text
    assert "3 deviations" not in text
    assert "Not judged" in text


async def test_the_trace_page_says_how_it_stands(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(full(make)) as client:
        html = (await client.get("/traces/17")).text
    text = text_of(html)
    assert "Order o-17 is waiting for GoodsShipped since 14:02:11 UTC (3 h). 2 deviations. 1 of them" in text
    assert "GoodsShipped came before PaymentReceived." in text
    assert "1 retracted finding" in text
    assert "A late event came." in text
    assert 'datetime="2026-03-04T14:02:11.000Z"' in html
    assert '"orderId": "o-17"' in html.replace("&#34;", '"')
    assert "orders/0 at 42" in text
    assert "+30 min" in text
    assert "received 42 ms after it happened" in text
    assert "<svg" in html


async def test_a_clock_nobody_can_judge_is_shown_blind(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(
        details={17: make.trace_detail(clocks=(make.clock(due=make.ago(minutes=5)),))},
        source_rows=(make.source_row(watermark=make.ago(minutes=30)),),
    )
    async with client_for(rows) as client:
        text = text_of((await client.get("/traces/17")).text)
        told = (await client.get("/api/v1/traces/17")).json()
    assert "nobody can say yet" in text
    assert "overdue" not in text
    assert told["clocks"][0]["state"] == "blind"


async def test_a_merged_trace_leads_to_where_it_lives_on(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(details={3: make.trace_detail(merged_into=17), 17: make.trace_detail()})
    async with client_for(rows) as client:
        response = await client.get("/traces/3")
        assert response.headers["location"] == "/traces/17?from=3"
        assert "Trace 3 turned out to be part" in text_of((await client.get("/traces/17?from=3")).text)
        assert (await client.get("/api/v1/traces/3")).headers["location"] == "/api/v1/traces/17"


async def test_filters_reach_the_database_and_stay_in_the_form(
    rows: Any, client_for: Callable[..., Any], make: SimpleNamespace
) -> None:
    rows.next = "c2"
    async with client_for(rows) as client:
        html = (await client.get("/traces?q=o-17&state=open&sla=at_risk&within=1h&cursor=c1&limit=20")).text
    wanted, cursor, limit = rows.asked[-1]
    assert wanted == TraceFilter(
        search="o-17", state="open", sla="at_risk", since=make.NOW - timedelta(hours=1)
    )
    assert (cursor, limit) == ("c1", 20)
    page = Page(html)
    assert {"value": "open", "selected": None} in page.all("option")
    [older] = [link for link in page.all("a") if link.get("rel") == "next"]
    assert older["href"] == "/traces?q=o-17&state=open&sla=at_risk&within=1h&limit=20&cursor=c2"


async def test_titles_show_trouble(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(full(make)) as client:
        assert Page((await client.get("/traces")).text).title == "(4) Traces · Choreoscope"
    async with client_for(make.Rows()) as client:
        assert Page((await client.get("/traces")).text).title == "Traces · Choreoscope"


async def test_blindness_is_told_on_every_page(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    rows = make.Rows(source_rows=(make.source_row(watermark=make.ago(minutes=5)),))
    async with client_for(rows) as client:
        for path in ("/", "/traces", "/sources"):
            html = (await client.get(path)).text
            assert "is blind" in re.sub(r"<[^>]+>", "", html)
        assert "Blind since 16:57:11 UTC (5 min)." in text_of((await client.get("/sources")).text)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "No events yet"),
        ("/traces", "No events yet"),
        ("/traces?q=o-99", "No key, kept attribute or event id is “o-99”."),
        ("/traces?q=New+Zealand", "Search it as one value"),
        ("/flows", "No flows yet"),
        ("/slas", "No flows yet"),
        ("/notices", "No notices"),
        ("/findings", "No findings"),
        ("/findings?state=retracted", "No finding matches"),
        ("/inbox", "The inbox is empty"),
        ("/sources", "No source has reported yet"),
    ],
)
async def test_empty_pages_say_what_to_do(
    path: str, said: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(
        totals_row=Totals(0, 0, 0, 0, 0, 0, 0, 0),
        flow_rows=(),
        trace_rows=(),
        source_rows=(),
        notice_rows=(),
        details={},
    )
    async with client_for(rows) as client:
        assert said in text_of((await client.get(path)).text)


async def test_every_page_says_how_much_trouble_there_is(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    """As a number beside the page that tells more."""
    async with client_for(make.Rows(totals_row=Totals(9, 9, 0, 1, 2, 99, 7, 5))) as client:
        menus = [menu_of((await client.get(path)).text) for path in ("/", "/traces", "/flows/order")]
    for shown in ("SLAs 3", "Alerts 5", "Inbox 7"):
        assert all(shown in menu for menu in menus), (shown, menus)
    async with client_for(make.Rows(totals_row=Totals(9, 9, 0, 0, 0, 99, 0, 0))) as client:
        calm = menu_of((await client.get("/")).text)
    assert "Alerts Inbox" in calm


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/traces/99", 404, "There is no trace 99."),
        ("/traces/abc", 404, "There is no trace abc."),
        ("/flows/none", 404, "There is no flow none."),
        ("/inbox/99", 404, "There is no message 99 in the inbox."),
        ("/nowhere", 404, "There is no page /nowhere."),
        ("/traces?state=sleeping", 400, "It may be: open, complete."),
        ("/traces?limit=9999", 400, "It is a whole number from 1 to 200."),
        ("/slas?state=x", 400, "state is"),
    ],
)
async def test_problems_are_told_in_words(
    path: str, status: int, said: str, rows: Any, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows) as client:
        response = await client.get(path)
    assert response.status_code == status
    assert said in text_of(response.text)


@pytest.mark.parametrize("path", PAGES)
async def test_a_database_that_is_away_is_told_and_tried_again(
    path: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows(away="connection refused")) as client:
        response = await client.get(path)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert {"http-equiv": "refresh", "content": "5"} in Page(response.text).all("meta")
    assert "connection refused" in text_of(response.text)


async def test_raw_bytes_are_shown_safely(make: SimpleNamespace, client_for: Callable[..., Any]) -> None:
    async with client_for(full(make)) as client:
        text = text_of((await client.get("/inbox/5")).text)
        dumped = text_of((await client.get("/inbox/6")).text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "order-\\u0000key" in text
    assert "000000 00 ff 00 ff" in dumped


async def test_below_a_proxys_path_every_address_keeps_it(make: SimpleNamespace) -> None:
    import httpx

    from monitor.dashboard.app import create_app
    from monitor.settings import DashboardSettings

    app = create_app(full(make), flows=make.OneModel(), settings=DashboardSettings(), now=lambda: make.NOW)
    transport = httpx.ASGITransport(app, root_path="/flows-monitor")
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in PAGES:
            response = await client.get(f"/flows-monitor{path}")
            assert response.status_code == 200, path
            page = Page(response.text)
            addresses = [
                attributes.get(name)
                for tag, name in (
                    ("a", "href"),
                    ("link", "href"),
                    ("script", "src"),
                    ("form", "action"),
                    ("img", "src"),
                )
                for attributes in page.all(tag)
            ]
            assert all(
                address in ("", "#main") or address.startswith(("/flows-monitor/", "#"))
                for address in addresses
                if address is not None
            ), path


async def test_static_files_are_there_under_the_addresses_pages_use(
    rows: Any, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows) as client:
        page = Page((await client.get("/")).text)
        addresses = {attributes["href"] for attributes in page.all("link")} | {
            attributes["src"] for attributes in page.all("script")
        }
        assert len(addresses) >= 4
        for address in addresses:
            assert (await client.get(address)).status_code == 200, address


async def test_the_path_is_found_from_the_events_where_it_is_not_stored(
    make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    rows = make.Rows(details={17: make.trace_detail(visited=()), 18: make.trace_detail(visited=("start",))})
    async with client_for(rows) as client:
        found = (await client.get("/api/v1/traces/17")).json()["visited"]
        stored = (await client.get("/api/v1/traces/18")).json()["visited"]
        html = (await client.get("/traces/17")).text
    assert (found, stored) == (["start", "s1", "ship"], ["start"])
    assert "visited" in html.split("<svg", 1)[1]
