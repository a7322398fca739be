"""Every route of the app, as nobody, viewer, operator and admin: it answers whoever may, and nobody else.

The routes are those of the app itself, so that a new one is tested without a word here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from monitor.dashboard.app import create_app
from monitor.dashboard.auth.needs import Need, Open, needs
from monitor.dashboard.auth.passwords import Passwords
from monitor.dashboard.auth.service import Auth
from monitor.domain.access import Role
from monitor.settings import DashboardSettings
from monitor.settings.auth import AuthSettings
from tests.unit.dashboard.conftest import NOW, OneModel, Rows, inbox_row
from tests.unit.dashboard.logins import SECRETS, Kept

KEPT_OUT = {401, 403}


def app_with_login(**settings: Any) -> Starlette:
    auth = Auth(AuthSettings(**settings), Kept().with_tokens(NOW), lambda: NOW, passwords=Passwords())
    return create_app(
        Rows(inbox_rows=(inbox_row(),)),
        flows=OneModel(),
        settings=DashboardSettings(),
        now=lambda: NOW,
        auth=auth,
        registry=CollectorRegistry(),
        keep_seconds=0.0,
    )


APP = app_with_login()
ROUTES = sorted(
    (route.path, method)
    for route in APP.routes
    if isinstance(route, Route)
    for method in (route.methods or set()) - {"HEAD"}
)
STREAM = "/events/stream"


def address(path: str) -> str:
    known = {"{id}": "17", "{key}": "order", "{flow}": "order", "{name:path}": "x", "{finding}": "00"}
    for part, value in known.items():
        path = path.replace(part, value)
    while "{" in path:
        begin, end = path.index("{"), path.index("}")
        path = path[:begin] + "1" + path[end + 1 :]
    return path


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    APP.state.live.close()  # the stream ends at once
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8321") as http:
        yield http


def test_there_are_routes() -> None:
    assert len(ROUTES) > 60


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize(("path", "method"), ROUTES)
async def test_who_may_use_it(path: str, method: str, role: Role | None, client: httpx.AsyncClient) -> None:
    headers = {} if role is None else {"authorization": f"Bearer {SECRETS[role]}"}
    response = await client.request(method, address(path), headers=headers)
    need = needs(path, method)
    if isinstance(need, Open):
        assert response.status_code != 401 or need is Open.SOURCE
    elif role is None:
        page = method == "GET" and not path.startswith(("/api/", "/events/"))
        assert response.status_code == (303 if page else 401)
        if page:
            assert response.headers["location"].startswith("/login")
        assert "o-17" not in response.text
    elif role.covers(need):
        assert "This needs the role" not in response.text
        assert response.status_code != 401
    else:
        assert response.status_code == 403
        assert f"This needs the role {need.value}; yours is {role.value}." in response.text


EXCEPTIONS: dict[str, Need] = {
    "/livez": Open.PUBLIC,
    "/readyz": Open.PUBLIC,
    "/login": Open.PUBLIC,
    "/login/sso": Open.PUBLIC,
    "/login/sso/callback": Open.PUBLIC,
    "/api/v1/events": Open.SOURCE,
    "/api/ingestion/event/batch": Open.SOURCE,
    "/logout": Role.VIEWER,
    "/account": Role.VIEWER,
    "/account/password": Role.VIEWER,
    "/account/sessions/{session}/end": Role.VIEWER,
    "/inbox/{id}/discard": Role.OPERATOR,
    "/inbox/discard": Role.OPERATOR,
    "/silences/new": Role.OPERATOR,
    "/api/v1/inbox/{id}/body": Role.OPERATOR,
    "/audit": Role.OPERATOR,
    "/api/v1/audit": Role.OPERATOR,
    "/commands/resume": Role.ADMIN,
    "/api/v1/commands/resume": Role.ADMIN,
}
"""What is not a viewer's to read or an operator's to change, written down once more."""


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_what_a_route_needs_is_what_it_looks_like(path: str, method: str) -> None:
    if path in EXCEPTIONS:
        expected: Need = EXCEPTIONS[path]
    elif path.startswith(("/admin/", "/api/v1/admin/")):
        expected = Role.ADMIN
    else:
        expected = Role.VIEWER if method == "GET" else Role.OPERATOR
    assert needs(path, method) == expected


@pytest.mark.parametrize(
    "path",
    ["//traces", "/traces/", "/TRACES", "/x/../traces", "/static/../traces", "/login/../traces", "/%74races"],
)
async def test_no_spelling_of_an_address_gets_past_the_gate(path: str, client: httpx.AsyncClient) -> None:
    url = httpx.URL("http://localhost:8321", raw_path=path.encode())
    response = await client.get(url)
    assert "o-17" not in response.text
    assert response.status_code in (303, 307, 404)


async def test_what_is_public_can_be_said(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 303
    assert needs("/metrics", "GET", AuthSettings(public=("metrics",))) is Open.PUBLIC
    assert needs("/badges/flows/{key}", "GET", AuthSettings(public=("metrics",))) is Role.VIEWER
