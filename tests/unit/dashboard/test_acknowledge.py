"""Taking care of a finding: the form and the API, what they keep and what they refuse."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace

import httpx
import pytest

from monitor.dashboard.app import create_app
from monitor.domain.verdict import FindingState
from monitor.settings import DashboardSettings

KEY = "ab" * 16


@dataclass
class Keeper:
    """Remembers what was asked; ``holds``: whether there is such a finding."""

    holds: bool = True
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def acknowledge(self, trace: int, finding: str, who: str, note: str, now: datetime) -> bool:
        self.asked.append((trace, finding, who, note))
        return self.holds

    async def resume(self, trace: int, finding: str, who: str, now: datetime) -> bool:
        self.asked.append((trace, finding, who))
        return self.holds


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def page(make: SimpleNamespace, keeper: Keeper) -> httpx.AsyncClient:
    finding = make.finding_row(trace=17, key=KEY, state=FindingState.CONFIRMED)
    rows = make.Rows(details={17: make.trace_detail(findings=(finding,))})
    app = create_app(
        rows,
        flows=make.OneModel(),
        settings=DashboardSettings(),
        now=lambda: make.NOW,
        acknowledges=keeper,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def token(page: httpx.AsyncClient) -> str:
    matched = re.search(r'name="token" value="(\w+)"', (await page.get("/traces/17")).text)
    assert matched
    return matched[1]


async def test_the_form_keeps_the_note_and_leads_back(page: httpx.AsyncClient, keeper: Keeper) -> None:
    sent = {"token": await token(page), "note": "  asked the carrier  "}
    answer = await page.post(f"/traces/17/findings/{KEY}/acknowledge", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/traces/17#finding-{KEY}")
    assert keeper.asked == [(17, KEY, "local", "asked the carrier")]
    answer = await page.post(f"/traces/17/findings/{KEY}/resume", data={"token": await token(page)})
    assert answer.status_code == 303
    assert keeper.asked[1:] == [(17, KEY, "local")]


async def test_without_a_token_nothing_is_changed(page: httpx.AsyncClient, keeper: Keeper) -> None:
    for what in ("acknowledge", "resume"):
        answer = await page.post(f"/traces/17/findings/{KEY}/{what}", data={"note": "x"})
        assert answer.status_code == 403
    assert keeper.asked == []


@pytest.mark.parametrize("path", ["/traces/x/findings/ab", "/traces/17/findings/none"])
async def test_what_is_not_there_is_not_found(page: httpx.AsyncClient, keeper: Keeper, path: str) -> None:
    answer = await page.post(f"{path}/acknowledge", data={"token": await token(page)})
    assert answer.status_code == 404
    assert keeper.asked == []


async def test_a_finding_that_no_longer_holds_says_so(page: httpx.AsyncClient, keeper: Keeper) -> None:
    keeper.holds = False
    sent = {"token": await token(page)}
    answer = await page.post(f"/traces/17/findings/{KEY}/acknowledge", data=sent)
    assert answer.status_code == 404
    assert "no longer" in answer.text


async def test_the_api_does_the_same(page: httpx.AsyncClient, keeper: Keeper) -> None:
    address = f"/api/v1/traces/17/findings/{KEY}"
    answer = await page.post(f"{address}/acknowledge", json={"note": "mine"})
    assert answer.json() == {"trace": 17, "finding": KEY, "acknowledged": True}
    answer = await page.post(f"{address}/resume", json={})
    assert answer.json() == {"trace": 17, "finding": KEY, "acknowledged": False}
    assert keeper.asked == [(17, KEY, "local", "mine"), (17, KEY, "local")]
    for bad in ({"note": 7}, {"note": "x" * 2001}):
        assert (await page.post(f"{address}/acknowledge", json=bad)).status_code == 400
    crossing = {"sec-fetch-site": "cross-site"}
    assert (await page.post(f"{address}/resume", json={}, headers=crossing)).status_code == 403


async def test_where_findings_can_only_be_looked_at_there_is_no_form(make: SimpleNamespace) -> None:
    finding = make.finding_row(trace=17, key=KEY)
    rows = make.Rows(details={17: make.trace_detail(findings=(finding,))})
    app = create_app(rows, flows=make.OneModel(), settings=DashboardSettings(), now=lambda: make.NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as page:
        assert "acknowledge" not in (await page.get("/traces/17")).text
        assert (await page.post(f"/api/v1/traces/17/findings/{KEY}/resume", json={})).status_code == 404
