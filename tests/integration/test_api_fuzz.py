"""The API against requests made up from its own document: whatever is sent, it is never a mistake of ours.

Run against the whole monitor as a process, with a login, as a viewer, an operator and an admin.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Route

from monitor.dashboard.auth.service import digest
from monitor.domain.access import Role
from monitor.landscape.story import Limits
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from tests.support.serving import Serving, serving, written
from tests.unit.dashboard.test_routes_by_role import APP, address

SECONDS = int(os.environ.get("CHOREOSCOPE_FUZZ_SECONDS", "8"))
"""For each role."""
SECRETS = {role: f"chs_fuzz-{role.value}-{'z' * 30}" for role in Role}


async def _let_in(url: str) -> None:
    store = await open_store(url)
    now = datetime.now(UTC)
    await store.access.add_user("ann", "no hash", Role.ADMIN, "local", now)
    for role, secret in SECRETS.items():
        await store.access.create_token(role.value, digest(secret), "chs_fuzz", role, None, "local", now)
    await store.close()


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("fuzz")
    url = f"sqlite:///{folder}/fuzz.db"
    upgrade(url)
    asyncio.run(_let_in(url))
    sources = [{"name": "web", "kind": "http"}]
    config = written(
        folder / "choreoscope.yaml", url, sources, Limits.of(timedelta(seconds=1)), auth={"local": True}
    )
    with serving(config, folder / "log") as running:
        headers = {"authorization": f"Bearer {SECRETS[Role.OPERATOR]}"}
        for number in range(4):
            sent = running.post("/api/v1/events", headers=headers, json=_event(number))
            assert sent.status_code == 202, sent.text
        running.post("/api/v1/events", headers=headers, content=b"{")
        yield running


HOSTILE = (
    *("", "0", "-1", "9" * 400, "1e9", "NaN", "true", "null", "[]", "{}", "'", '"><b>', "%", "%00", "\x00"),
    *("\u202e", "\U0001f600", "\x1b[31m", "../../etc/passwd", "a" * 3000, "2026-13-45", "0001-01-01"),
    *("9999-12-31T23:59:59.999999+23:59", "P9999999D", "1s", "-", "*", "a=b", "order=", "=", "eyJ0IjoxfQ"),
    *("W10", "WzFd", "WyJhIl0", "W3sidCI6MX1d", "W251bGxd"),
)
"""Values for parameters; the last look like a list's cursor."""
NAMES = [
    "q",
    "flow",
    "version",
    "state",
    "verdict",
    "finding",
    "element",
    "sla",
    "min",
    "max",
    "variant",
    "since",
    "until",
    "within",
    "sort",
    "order",
    "cursor",
    "limit",
    "kind",
    "severity",
    "acknowledged",
    "reason",
    "type",
    "source",
    "at",
    "view",
    "period",
    "heat",
    "stat",
    "funnel",
    "variants",
    "action",
    "receiver",
    "status",
    "matchers",
    "next",
    "done",
    "code",
    "error",
    "name",
    "events",
    "after",
    "before",
    "a",
    "b",
]
PAGES = sorted(
    route.path
    for route in APP.routes
    if isinstance(route, Route)
    and "GET" in (route.methods or ())
    and not route.path.startswith(("/events/", "/api/v1/openapi"))
)


def test_no_address_is_a_mistake_of_ours(monitor: Serving) -> None:
    """Every page and list, with each parameter hostile, and with hostile parts of its path."""
    headers = {"authorization": f"Bearer {SECRETS[Role.ADMIN]}"}
    with httpx.Client(base_url=monitor.address, headers=headers, timeout=30) as http:
        for number, path in enumerate(PAGES):
            known = address(path).replace("/17", "/1")
            for offset, name in enumerate(NAMES):
                value = HOSTILE[(number + offset) % len(HOSTILE)]
                answered = http.get(known, params={name: value})
                assert answered.status_code < 500 or path.startswith("/login/sso"), (known, name, value)
            for value in HOSTILE if "{" in path else ():
                spoilt = "".join(
                    quote(value, safe="") if part.startswith("{") else part
                    for part in re.split(r"(\{[^}]+\})", path)
                )
                answered = http.get(spoilt[:4000])
                assert answered.status_code < 500, spoilt
    assert "Traceback" not in monitor.log, monitor.log[-4000:]


def _event(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/shop",
        "type": ("com.shop.OrderPlaced", "com.shop.Newsletter")[number % 2],
        "time": datetime.now(UTC).isoformat(),
        "data": {"orderId": f"o-{number}"},
    }


@pytest.mark.parametrize("role", list(Role))
def test_nothing_that_is_sent_is_a_mistake_of_ours(role: Role, monitor: Serving, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{monitor.address}/api/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {SECRETS[role]}"),
        *("--checks", "not_a_server_error", "--continue-on-failure", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(SECONDS), "--max-time", str(SECONDS)),
        *("--request-timeout", "20", "--no-shrink", "--no-color", "--warnings", "off"),
        *("--exclude-path-regex", "/revoke$"),
        *("--report-json-path", str(report)),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120 + SECONDS, check=False, cwd=tmp_path
    )
    said = done.stdout + done.stderr
    told = json.loads(report.read_text()) if report.is_file() else {}
    assert done.returncode == 0, said[-6000:]
    assert told, said[-2000:]
    assert "Traceback" not in monitor.log, monitor.log[-4000:]
