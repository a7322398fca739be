"""The OpenAPI document says what the API does: every route is in it, every answer validates against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from starlette.routing import Route

from monitor.commands.base import Status
from monitor.commands.declared import Mode
from monitor.dashboard.api import OPENAPI
from monitor.dashboard.app import create_app
from monitor.domain.audit import Audited
from monitor.domain.event import InboxReason
from monitor.domain.notice import NoticeKind
from monitor.domain.objective import Count, Objective
from monitor.domain.verdict import ClockState, FindingKind, FindingState
from monitor.mending.base import Fate
from monitor.settings import DashboardSettings
from monitor.storage.views import ClockCounts, InboxGroup, OutcomeStep

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())


def validate(schema: dict[str, Any], instance: object) -> None:
    """``$ref`` points into the document, so the schema is judged as a part of it."""
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "components": DOCUMENT["components"],
    }
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(instance)


def answered(path: str, status: str, media: str) -> dict[str, Any]:
    operations = DOCUMENT["paths"][path]
    response = next(iter(operations.values()))["responses"][status]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    schema: dict[str, Any] = response["content"][media]["schema"]
    return schema


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_api_route_is_described_with_its_method_and_no_other_is(make: SimpleNamespace) -> None:
    app = create_app(make.Rows(), flows=make.OneModel(), settings=DashboardSettings(), now=lambda: make.NOW)
    routed = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert routed == described


def test_references_lead_somewhere() -> None:
    text = OPENAPI.read_text()
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        place: Any = DOCUMENT
        for step in reference.split("/"):
            place = place[step]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("FindingKind", FindingKind),
        ("FindingState", FindingState),
        ("ClockState", ClockState),
        ("InboxReason", InboxReason),
        ("NoticeKind", NoticeKind),
        ("Fate", Fate),
        ("CommandStatus", Status),
        ("CommandMode", Mode),
    ],
)
def test_words_are_those_of_the_domain(name: str, members: Any) -> None:
    assert DOCUMENT["components"]["schemas"][name]["enum"] == [member.value for member in members]


PATHS = [
    ("/api/v1/overview", "/api/v1/overview"),
    ("/api/v1/traces", "/api/v1/traces"),
    ("/api/v1/traces/{id}", "/api/v1/traces/17"),
    ("/api/v1/traces/{id}/events", "/api/v1/traces/17/events"),
    ("/api/v1/flows", "/api/v1/flows"),
    ("/api/v1/flows/{key}", "/api/v1/flows/order"),
    ("/api/v1/flows/{key}/statistics", "/api/v1/flows/order/statistics?period=all&version=all"),
    ("/api/v1/flows/{key}/variants", "/api/v1/flows/order/variants"),
    ("/api/v1/flows/{key}/compare", "/api/v1/flows/order/compare"),
    ("/api/v1/findings", "/api/v1/findings"),
    ("/api/v1/inbox", "/api/v1/inbox"),
    ("/api/v1/inbox/{id}", "/api/v1/inbox/5"),
    ("/api/v1/audit", "/api/v1/audit?action=inbox"),
    ("/api/v1/sources", "/api/v1/sources"),
    ("/api/v1/sources/{name}", "/api/v1/sources/shop-kafka"),
    ("/api/v1/slas", "/api/v1/slas"),
    ("/api/v1/slas/{flow}/{name}", "/api/v1/slas/order/Ship%20within%20an%20hour"),
    ("/api/v1/notices", "/api/v1/notices"),
    ("/api/v1/objectives", "/api/v1/objectives"),
    ("/api/v1/openapi.json", "/api/v1/openapi.json"),
]


@pytest.mark.parametrize(("path", "address"), PATHS)
async def test_answers_validate(
    path: str, address: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    clocks = tuple(make.clock(state=state, ended=make.ago(hours=1)) for state in ClockState)
    findings = tuple(make.finding_row(kind=kind, identity=None, event=None) for kind in FindingKind)
    rows = make.Rows(
        finding_rows=findings,
        groups=(InboxGroup(InboxReason.UNMAPPED, None, "shop-kafka", 3, make.NOW, "No flow knows Foo."),),
        inbox_rows=(make.inbox_row(),),
        audit_rows=(Audited(3, make.NOW, "local", "inbox.replay", "message 5", '{"placed":[5]}'),),
        details={
            17: make.trace_detail(clocks=clocks, findings=findings, siblings=(make.trace_row(18, last=None),))
        },
        source_rows=(make.source_row(), make.source_row("new", watermark=None, lag=None, shards=())),
        clock_rows={("order", "Ship within an hour"): ClockCounts(3, 1, 2)},
        overdue_rows=(make.overdue_row(),),
        deviation_rows=(make.deviation_row(),),
        step_rows=(OutcomeStep(make.ago(hours=3), Count(9, 1)),),
        offender_rows=(make.offender(), make.offender(ended=make.ago(hours=1))),
        next="more",
    )
    objectives = {
        "order": {"Paid": Objective(0.99, timedelta(days=30)), "Sent": Objective(0.5, period="week")}
    }
    async with client_for(rows, objectives=objectives, promises=make.promises()) as client:
        response = await client.get(address)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    validate(answered(path, "200", "application/json"), response.json())


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/api/v1/traces/{id}", "/api/v1/traces/99", 404),
        ("/api/v1/traces/{id}", "/api/v1/traces/x", 404),
        ("/api/v1/flows/{key}", "/api/v1/flows/none", 404),
        ("/api/v1/flows/{key}/statistics", "/api/v1/flows/none/statistics", 404),
        ("/api/v1/flows/{key}/statistics", "/api/v1/flows/order/statistics?version=9", 400),
        ("/api/v1/flows/{key}/variants", "/api/v1/flows/order/variants?limit=0", 400),
        ("/api/v1/flows/{key}/compare", "/api/v1/flows/order/compare?period=2d", 400),
        ("/api/v1/inbox/{id}", "/api/v1/inbox/6", 404),
        ("/api/v1/traces", "/api/v1/traces?state=sleeping", 400),
        ("/api/v1/traces", "/api/v1/traces?limit=0", 400),
        ("/api/v1/findings", "/api/v1/findings?kind=bad", 400),
        ("/api/v1/inbox", "/api/v1/inbox?reason=bad", 400),
        ("/api/v1/notices", "/api/v1/notices?kind=bad", 400),
        ("/api/v1/slas", "/api/v1/slas?period=1y", 400),
        ("/api/v1/slas/{flow}/{name}", "/api/v1/slas/order/None", 404),
        ("/api/v1/sources/{name}", "/api/v1/sources/none", 404),
    ],
)
async def test_problems_validate(
    path: str, address: str, status: int, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(make.Rows()) as client:
        response = await client.get(address)
    assert response.status_code == status
    validate(answered(path, str(status), "application/problem+json"), response.json())


@pytest.mark.parametrize(("path", "address"), [entry for entry in PATHS if "openapi" not in entry[0]])
async def test_a_database_that_is_away_is_told(
    path: str, address: str, make: SimpleNamespace, client_for: Callable[..., Any]
) -> None:
    async with client_for(
        make.Rows(away="connection refused"),
        objectives={"order": {"Paid": Objective(0.9, period="day")}},
        promises=make.promises(),
    ) as client:
        response = await client.get(address)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    validate(answered(path, "503", "application/problem+json"), response.json())
