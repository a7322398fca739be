"""The API over rows of the real store says what its OpenAPI document promises."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from monitor.dashboard.api import OPENAPI

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())


async def test_every_answer_is_as_described(monitor: Any) -> None:
    item = (await monitor.get("/inbox"))["items"][0]["id"]
    sent = await monitor.until("/notifications", lambda answer: answer["items"])
    trace = await monitor.trace("o-1")
    values = {
        "/traces/{id}/commands/{name}": f"/traces/{trace}/commands/release",
        "/traces/{id}": f"/traces/{trace}",
        "/inbox/{id}": f"/inbox/{item}",
        "/flows/{key}": "/flows/order",
        "/sources/{name}": "/sources/web",
        "/slas/{flow}/{name}": "/slas/order/Ship%20within%20an%20hour",
        "/alerts/{id}": f"/alerts/{(await monitor.get('/alerts'))['items'][0]['id']}",
        "/notifications/{id}": f"/notifications/{sent['items'][0]['id']}",
        "/commands/{id}": f"/commands/{(await monitor.get('/commands'))['items'][0]['id']}",
    }
    for path, operations in DOCUMENT["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in content:
            continue
        below = path.removeprefix("/api/v1")
        if below.startswith("/admin/"):  # there is no login here
            assert (await monitor.http.get(path)).status_code == 404
            continue
        for template, filled in values.items():
            below = below.replace(template, filled)
        told = await monitor.get(below)
        schema = content["application/json"]["schema"]
        whole = {**schema, "components": DOCUMENT["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(told)


async def test_cursors_lead_through_every_trace_once(monitor: Any) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        told = await monitor.get(f"/traces?limit=2&cursor={cursor}")
        seen += [row["id"] for row in told["items"]]
        if (cursor := told["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == (await monitor.get("/overview"))["totals"]["traces"]


async def test_a_cursor_that_is_none_is_refused(monitor: Any) -> None:
    response = await monitor.http.get("/api/v1/traces?cursor=rubbish")
    assert response.status_code == 400
