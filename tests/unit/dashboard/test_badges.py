"""Badges say in words, colour and title how a flow or an SLA stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from monitor.dashboard.badges import Badge, draw, is_blind, of_flow, of_sla
from monitor.domain.objective import Count, Objective, evaluate
from monitor.storage.views import ClockCounts, FlowRow

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
FLOW = FlowRow(4, "order", 2, "Order fulfilment", "order.bpmn", NOW, 200, 20, 0, 0, 0)
OBJECTIVE = Objective(0.99, timedelta(days=30), minimum=20)


@pytest.mark.parametrize(
    ("counts", "blind", "told", "tone"),
    [
        ({}, False, "100 % conforming", "ok"),
        ({"deviating": 3}, False, "98.50 % conforming", "warn"),
        ({"at_risk": 2, "deviating": 3}, False, "2 at risk", "warn"),
        ({"at_risk": 2}, True, "blind", "blind"),
        ({"breached": 1, "at_risk": 2}, True, "1 breached", "bad"),
        ({"traces": 0}, False, "no traces", "quiet"),
    ],
)
def test_a_flow(counts: dict[str, int], blind: bool, told: str, tone: str) -> None:
    assert of_flow(replace(FLOW, **counts), blind) == Badge("Order fulfilment", told, tone)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "clocks", "blind", "told", "tone"),
    [
        (Count(100, 0), ClockCounts(5), False, "100 % met", "ok"),
        (Count(100, 0), ClockCounts(5, 2), False, "2 at risk", "warn"),
        (Count(100, 0), ClockCounts(5, 2, 1), True, "1 breached", "bad"),
        (Count(90, 10), ClockCounts(5, 2, 1), True, "90.00 % met", "bad"),
        (Count(100, 0), ClockCounts(), True, "blind", "blind"),
        (Count(3, 1), ClockCounts(), False, "in time", "ok"),
        (None, ClockCounts(5), False, "in time", "ok"),
        (None, ClockCounts(5, 0, 3), False, "3 breached", "bad"),
    ],
)
def test_an_sla(count: Count | None, clocks: ClockCounts, blind: bool, told: str, tone: str) -> None:
    counts = [count or Count()] * len(OBJECTIVE.begins(NOW))
    evaluation = None if count is None else evaluate(OBJECTIVE, NOW, counts)
    assert of_sla("Ship", clocks, evaluation, blind) == Badge("Ship", told, tone)


def test_who_lags_for_a_moment_is_not_blind() -> None:
    after = timedelta(minutes=1)
    assert is_blind(None, NOW, after)
    assert is_blind(NOW - timedelta(minutes=2), NOW, after)
    assert not is_blind(NOW - timedelta(seconds=30), NOW, after)


def test_a_badge_is_one_picture_with_its_words_as_title_whatever_the_name() -> None:
    drawn = draw(Badge('<script>"\u202e' + "x" * 500, "3 breached", "bad"))
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img"
    title = root.findtext(f"{SVG}title") or ""
    assert title == root.get("aria-label")
    assert title.startswith('<script>"\\u202exxx')
    assert title.endswith("x…: 3 breached")
    assert [element.tag.removeprefix(SVG) for element in root] == ["title", "rect", "rect", "text", "text"]


async def test_badges_are_served_fresh_and_may_be_shown_elsewhere(
    make: SimpleNamespace, rows: Any, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows, promises=make.promises("Ship / in time")) as client:
        for path in ("/badges/order.svg", "/badges/order/Ship%20%2F%20in%20time.svg"):
            response = await client.get(path)
            assert response.status_code == 200, path
            assert response.headers["content-type"].startswith("image/svg+xml")
            assert response.headers["cache-control"] == "no-cache, max-age=0"
            assert response.headers["cross-origin-resource-policy"] == "cross-origin"
            assert "default-src 'none'" in response.headers["content-security-policy"]
            ElementTree.fromstring(response.text)


@pytest.mark.parametrize("path", ["/badges/nothing.svg", "/badges/order/nothing.svg", "/badges/x/y.svg"])
async def test_what_is_not_known_is_grey(path: str, rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        response = await client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("image/svg+xml")
    assert "not known" in response.text
