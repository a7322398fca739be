"""docs/slas.md: an order and its clocks, by the configuration that stands there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cli import invoke

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "slas.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([A-Z][^|]+?) \| ([-\d]+ [:\d]+) \| ([-\d]+ [:\d]+) \| (\w+) \|$", PAGE, re.M)
EVENTS = (
    ("OrderPlaced", "2026-11-19T09:00:00Z"),
    ("PaymentRequested", "2026-11-19T09:05:00Z"),
    ("PaymentReceived", "2026-11-19T12:30:00Z"),
    ("ItemsPicked", "2026-11-20T08:00:00Z"),
)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_the_clocks_of_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    assert block is not None
    config = tmp_path / "choreoscope.yaml"
    config.write_text(
        block[1]
        .replace("models/", f"{ROOT}/models/")
        .replace("    key: order\n", "    key: order\n    timers: false\n")
    )
    log = tmp_path / "log.jsonl"
    log.write_text(
        "\n".join(
            json.dumps(
                {
                    "case": "o-1",
                    "type": f"com.shop.{label}",
                    "time": time,
                    "data": {"promisedBy": "2026-11-21"},
                }
            )
            for label, time in EVENTS
        )
    )
    invoke(["check", "-c", str(config), "--now", "2026-11-20T12:00:00Z", "--format", "json", str(log)])
    (trace,) = json.loads(capsys.readouterr().out)["traces"]
    found = {
        (one["name"], instant(one["started"]), instant(one["due"]), one["state"]) for one in trace["slas"]
    }
    assert len(ROWS) == 7
    assert found == {
        (name, instant(f"{begun}+00:00"), instant(f"{due}+00:00"), state) for name, begun, due, state in ROWS
    }
