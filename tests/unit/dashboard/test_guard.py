"""Security headers, the names the dashboard answers to, probes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from monitor.dashboard.app import create_app
from monitor.dashboard.guard import allowed_hosts, host_name
from monitor.settings import DashboardSettings


@pytest.mark.parametrize("path", ["/", "/traces/17", "/nope", "/api/v1/flows", "/static/style.css", "/livez"])
async def test_every_answer_is_guarded(path: str, rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


async def test_a_mistake_of_ours_is_guarded_too_and_shows_no_traceback(
    rows: Any, client_for: Callable[..., Any]
) -> None:
    async def broken() -> None:
        raise ValueError("secret detail")

    rows.totals = broken
    async with client_for(rows) as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "127.0.0.1:80", "[::1]:8321", "LOCALHOST"])
async def test_the_loopback_is_answered_under_its_names(
    host: str, rows: Any, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows) as client:
        assert (await client.get("/", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8321", "[::2]:1", "127.0.0.1.evil", ""]
)
async def test_a_strangers_name_for_the_loopback_is_refused(
    host: str, rows: Any, client_for: Callable[..., Any]
) -> None:
    async with client_for(rows) as client:
        response = await client.get("/traces", headers={"host": host})
        probe = await client.get("/readyz", headers={"host": host})
    assert response.status_code == 421
    assert "o-17" not in response.text
    assert probe.status_code == 200


def test_names() -> None:
    assert host_name("[::1]:8321") == "::1"
    assert host_name("[::1]") == "::1"
    assert host_name("Shop.example:80") == "shop.example"
    assert host_name("shop") == "shop"


def test_which_names_are_allowed() -> None:
    outside = DashboardSettings(host="0.0.0.0", trust_network=True)
    assert allowed_hosts(outside) is None
    named = DashboardSettings(host="0.0.0.0", trust_network=True, external_url="https://flows.example/x")
    hosts = allowed_hosts(named)
    assert hosts is not None
    assert {"flows.example", "localhost"} <= hosts


async def test_probes(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        rows.away = "connection refused"
        ready = await client.get("/readyz")
        assert (await client.get("/livez")).status_code == 200
    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "reason": "connection refused"}


async def test_what_hinders_other_roles_keeps_nobody_from_the_pages(
    rows: Any, client_for: Callable[..., Any]
) -> None:
    troubles = ["source shop: connecting"]
    async with client_for(rows, hindrances=lambda: troubles) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "ready", "degraded": True, "reasons": troubles}
        troubles.clear()
        assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_a_stopping_dashboard_tells_pages_not_to_come_back(rows: Any, make: Any) -> None:
    app = create_app(rows, flows=make.OneModel(), settings=DashboardSettings(), now=lambda: make.NOW)
    app.state.live.close()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.get("/events/stream")).status_code == 204


async def test_too_many_open_pages_are_told_so(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows, most_listeners=0) as client:
        response = await client.get("/events/stream")
    assert response.status_code == 503
    assert "live updates" in response.json()["detail"]


async def test_metrics_are_those_of_the_registry_given(rows: Any, client_for: Callable[..., Any]) -> None:
    registry = CollectorRegistry()
    Counter("shown", "Shown.", registry=registry).inc(3)
    async with client_for(rows, registry=registry) as client:
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "shown_total 3.0" in response.text


async def test_without_a_registry_there_are_no_metrics(rows: Any, client_for: Callable[..., Any]) -> None:
    async with client_for(rows) as client:
        assert (await client.get("/metrics")).status_code == 404
