"""The API against requests made up from its own document: whatever is sent, it is never a mistake of ours.

Run against the whole monitor as a process, with a login, as a viewer, an operator and an admin.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.dashboard.auth.service import digest
from monitor.domain.access import Role
from monitor.landscape.story import Limits
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from tests.support.serving import Serving, serving, written

SECONDS = {Role.VIEWER: 10, Role.OPERATOR: 20, Role.ADMIN: 20}
EXAMPLES = int(os.environ.get("CHOREOSCOPE_FUZZ_EXAMPLES", "15"))
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
        *("--max-examples", str(EXAMPLES), "--max-time", str(SECONDS[role]), "--generation-deterministic"),
        *("--request-timeout", "20", "--no-shrink", "--no-color", "--warnings", "off"),
        *("--exclude-path-regex", "/revoke$"),
        *("--report-json-path", str(report)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, cwd=tmp_path)
    said = done.stdout + done.stderr
    told = json.loads(report.read_text()) if report.is_file() else {}
    assert done.returncode == 0, said[-6000:]
    assert told, said[-2000:]
    assert "Traceback" not in monitor.log, monitor.log[-4000:]
