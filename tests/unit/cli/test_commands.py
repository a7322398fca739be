"""``choreoscope commands``: the kill switch, what was asked for, and asking for it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.app import assembled
from monitor.cli import FINDINGS, INVALID, invoke
from monitor.domain.event import Delivery, Position
from monitor.settings import load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path, migrated_sqlite_url: str) -> Path:
    item = {
        "name": "release",
        "title": "Release the order",
        "flow": "order",
        "when": {"standing": "PaymentReceived"},
        "target": {"kind": "rabbitmq", "url": "amqp://me:sesame@127.0.0.1:1/", "routing_key": "orders"},
        "type": "com.shop.ReleaseOrder",
        "body": {"orderId": "{{ keys.order }}"},
    }
    said = {
        "database": migrated_sqlite_url,
        "sources": [{"name": "web", "kind": "memory"}],
        "events": [{"match": {"type": "*"}, "keys": {"order": "data.orderId"}}],
        "models": [{"file": str(ROOT / "models" / "order-fulfilment.bpmn"), "key": "order"}],
        "commands": {"enabled": True, "dry_run": False, "items": [item]},
    }
    file = tmp_path / "choreoscope.yaml"
    file.write_text(yaml.safe_dump(said))
    return file


@pytest.fixture
def trace(config: Path) -> int:
    """The number of a trace that waits for its payment."""

    async def put() -> int:
        async with assembled(load(config, {}), roles=frozenset()) as app:
            now = datetime.now(UTC)
            deliveries = [
                Delivery("web", _event(step, now + timedelta(seconds=at)), Position("web", receipt=step), now)
                for at, step in enumerate(("OrderPlaced", "PaymentRequested"))
            ]
            await app.pipeline().process(deliveries)
            return (await app.store.views.trace(1) or pytest.fail("no trace")).row.id

    return asyncio.run(put())


def _event(name: str, when: datetime) -> bytes:
    said = {"specversion": "1.0", "id": name, "source": "/shop", "type": name, "time": when.isoformat()}
    return json.dumps({**said, "data": {"orderId": "o-1"}}).encode()


def told(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    code = invoke(["commands", *map(str, arguments)])
    out, err = capfd.readouterr()
    assert "sesame" not in out + err
    return code, out + err


def test_the_kill_switch_needs_nothing_but_the_database(
    config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told(capfd, "stop", "-c", config, "--note", "it does harm") == (0, "Commands are stopped.\n")
    assert told(capfd, "stop", "-c", config) == (0, "Commands were stopped already.\n")
    code, out = told(capfd, "list", "-c", config)
    assert code == FINDINGS
    assert "Stopped by local" in out
    assert "it does harm" in out
    assert told(capfd, "resume", "-c", config) == (0, "Commands go again.\n")
    assert told(capfd, "resume", "-c", config) == (0, "Commands were not stopped.\n")
    assert told(capfd, "list", "-c", config) == (0, "No command was asked for.\n")


def test_from_the_offer_to_the_row(config: Path, trace: int, capfd: pytest.CaptureFixture[str]) -> None:
    code, out = told(capfd, "offers", "-c", config, str(trace))
    assert (code, out) == (0, "release: Release the order (manual)\n")
    code, out = told(capfd, "preview", "-c", config, "--body", "release", str(trace))
    assert (code, out) == (0, '{"orderId":"o-1"}')
    code, out = told(capfd, "preview", "-c", config, "release", str(trace))
    assert "to rabbitmq 127.0.0.1:1/ (default exchange) by orders" in out
    code, out = told(capfd, "send", "-c", config, "--yes", "--note", "please", "release", str(trace))
    assert code == 0
    assert "command 1: queued" in out
    code, out = told(capfd, "send", "-c", config, "--yes", "release", str(trace))
    assert code == INVALID
    assert "already" in out
    code, out = told(capfd, "list", "-c", config, "--format", "json", "--status", "queued")
    (row,) = json.loads(out)
    assert (row["id"], row["note"], row["requested_by"]) == (1, "please", "local")
    code, out = told(capfd, "show", "-c", config, "1")
    assert '{"orderId":"o-1"}' in out
    shown: dict[str, Any] = json.loads(told(capfd, "show", "-c", config, "--format", "json", "1")[1])
    assert shown["message"]["id"] == row["message"]["id"]
    code, out = told(capfd, "again", "-c", config, "1")
    assert (code, "not one to be sent again" in out) == (INVALID, True)
    assert told(capfd, "cancel", "-c", config, "1") == (0, "Command 1 is cancelled.\n")
    assert told(capfd, "cancel", "-c", config, "1")[0] == INVALID
    assert "cancelled" in told(capfd, "list", "-c", config)[1]


def test_what_is_not_there_is_said(config: Path, trace: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert told(capfd, "show", "-c", config, "9")[0] == INVALID
    assert told(capfd, "offers", "-c", config, "99")[0] == INVALID
    assert told(capfd, "preview", "-c", config, "none", str(trace))[0] == INVALID
    assert told(capfd, "list", "-c", config, "--status", "odd")[0] == INVALID


def test_not_enabled_nothing_is_offered(config: Path, trace: int, capfd: pytest.CaptureFixture[str]) -> None:
    said = yaml.safe_load(config.read_text())
    said["commands"]["enabled"] = False
    config.write_text(yaml.safe_dump(said))
    code, out = told(capfd, "offers", "-c", config, str(trace))
    assert (code, "not enabled" in out) == (INVALID, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expect": {"event": "GoodsShiped", "within": "PT1M"}}, "Did you mean 'GoodsShipped'?"),
        ({"when": {"sla": "None"}}, "has no SLA 'None'"),
        ({"when": {"standing": "Nowhere"}}, "has no element 'Nowhere'"),
    ],
)
def test_what_the_flow_does_not_have_is_said_at_once(
    config: Path, changed: dict[str, Any], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    written = yaml.safe_load(config.read_text())
    written["commands"]["items"][0].update(changed)
    config.write_text(yaml.safe_dump(written))
    code, out = told(capfd, "offers", "-c", config, "1")
    assert code == INVALID
    assert said in out
