"""Whatever stands in names and messages is shown inert: it does not run, hide, turn round or break a page."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from itertools import cycle
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Page

from monitor.dashboard.templating import query
from tests.browser.hostile import HALF, IMAGE, NASTY, NUL, SCRIPT, landscape
from tests.browser.landscape import Monitor
from tests.browser.places import PLACES
from tests.browser.watching import DESKTOP, PHONE, Watched, barriers, open_details, overflow

Opener = Callable[..., AbstractAsyncContextManager[Watched]]

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ue000-\uf8ff]"
)
"""What nobody sees, or what turns around what stands beside it."""
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What would turn all that follows; pictures may hold other marks, which turn nothing but their own label."""
TOWERS = re.compile("[\u0300-\u036f]{9}")
MOST_CHARACTERS = 3_000_000

SIGNS = """() => ({
  owned: window.owned ?? null,
  elements: document.querySelectorAll(
    "main img, main script, main style, main link, iframe, object, embed, base, body > img, head img"
  ).length,
  handlers: [...document.querySelectorAll("*")].filter(
    (element) => [...element.attributes].some((one) => /^on/i.test(one.name))
  ).map((element) => element.outerHTML.slice(0, 200)),
  text: (() => {
    const page = document.documentElement.cloneNode(true);
    for (const picture of page.querySelectorAll("main svg")) picture.remove();
    return page.outerHTML;
  })(),
  links: [...document.querySelectorAll("[href], [src], [action], [formaction]")].map(
    (element) => element.getAttribute("href") ?? element.getAttribute("src") ?? element.getAttribute("action")
  ).filter((address) => address && !/^(\\/|#|\\?|$)/.test(address)),
  ids: [...document.querySelectorAll("[id]")].map((element) => element.id).filter(
    (id, place, ids) => ids.indexOf(id) !== place
  ),
})"""
"""What a page would have if a text had become more than text."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hostile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Monitor]:
    async with landscape(tmp_path_factory.mktemp("hostile")) as monitor:
        yield monitor


async def addresses(monitor: Monitor) -> list[str]:
    """Every page there is, of every trace, flow and message."""
    lists = [place.path for place in PLACES.values() if place.status == 200 and "{" not in place.path]
    traces = [f"/traces/{row['id']}" for row in (await monitor.get("/traces"))["items"]]
    inbox = [f"/inbox/{row['id']}" for row in (await monitor.get("/inbox"))["items"]]
    slas = [f"/slas/order/{quote(one['name'])}" for one in (await monitor.get("/slas"))["items"]]
    groups = [
        f"/inbox/group{query({name: one[name] for name in ('reason', 'type', 'source')})}"
        for one in (await monitor.get("/inbox"))["groups"]
    ]
    tried = [f"{one}?view=hex" for one in inbox[:1]] + [f"{one}/discard" for one in inbox[:1]]
    return [*lists, *traces, *inbox, *slas, *groups, *tried, "/sources/ill", "/sources/memory"]


async def is_inert(page: Page) -> None:
    signs = await page.evaluate(SIGNS)
    text = signs.pop("text")
    assert signs == {"owned": None, "elements": 0, "handlers": [], "links": [], "ids": []}
    assert len(text) < MOST_CHARACTERS, "the page is too long to be read"
    assert not HIDDEN.search(text), text[max(0, HIDDEN.search(text).start() - 200) :][:300]  # type: ignore[union-attr]
    assert not TOWERS.search(text)
    assert not TURNING.search(await page.content())
    assert "A49Z" not in text


async def test_every_page_shows_it_inert(hostile: Monitor, open_page: Opener) -> None:
    wrong: dict[str, object] = {}
    walked: set[str] = set()
    async with open_page(viewport=DESKTOP) as watched:
        page = watched.page
        page.set_default_timeout(5000)  # a page that takes longer is not usable
        for path in await addresses(hostile):
            response = await page.goto(f"{hostile.address}{path}")
            assert response is not None
            assert response.status == 200, path
            await open_details(page)
            await is_inert(page)
            for size in (DESKTOP, PHONE):
                await page.set_viewport_size(size)
                if (wide := await overflow(page)) > 0:
                    wrong[path] = f"scrolls sideways by {wide}"
            route = path.rstrip("0123456789")
            if route not in walked and (found := await barriers(page)):
                wrong[path] = found
            walked.add(route)
        assert watched.complaints == []
    assert not wrong, wrong


async def test_so_do_pages_that_are_asked_for_it(hostile: Monitor, open_page: Opener) -> None:
    texts = (SCRIPT + IMAGE, NASTY, NUL, HALF, "x" * 600)
    told = [quote(text, safe="", errors="surrogatepass") for text in texts]
    lists = [
        place.path for place in PLACES.values() if place.status == 200 and not set("{?") & set(place.path)
    ]
    checked = ("state", "verdict", "since", "cursor", "limit", "sort")
    paths = [
        *(f"{path}?q={told[0]}&flow={told[0]}&type={told[0]}" for path in lists),
        *(f"/traces?{name}={text}" for name, text in zip(checked, cycle(told[:2]), strict=False)),
        *(f"/{where}{text}" for text in told for where in ("traces?q=", "")),
        *(f"/{where}/{told[0]}" for where in ("traces", "flows", "inbox")),
    ]
    async with open_page() as watched:
        for path in paths:
            response = await watched.page.goto(f"{hostile.address}{path}")
            assert response is not None
            assert response.status in (200, 400, 404), path
            await is_inert(watched.page)
        assert [said for said in watched.complaints if "Failed to load resource" not in said] == []


async def test_the_api_tells_it_as_data(hostile: Monitor) -> None:
    traces = [f"/traces/{row['id']}" for row in (await hostile.get("/traces"))["items"]]
    inbox = [f"/inbox/{row['id']}" for row in (await hostile.get("/inbox"))["items"]]
    lists = ("/overview", "/flows", "/flows/order", "/findings", "/sources", "/notices", "/objectives")
    for path in (*lists, *traces, *inbox):
        response = await hostile.http.get(f"/api/v1{path}")
        assert response.status_code == 200, path
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        response.content.decode("utf-8")
        response.json()


@pytest.mark.parametrize("path", ["/traces.csv", "/findings.csv"])
async def test_a_file_holds_it_inert(hostile: Monitor, path: str) -> None:
    response = await hostile.http.get(path)
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    header, *lines = csv.reader(response.text.splitlines())
    assert len(lines) >= 3
    for line in lines:
        assert len(line) == len(header)
        assert not [text for text in line if HIDDEN.search(text) or TOWERS.search(text)]
