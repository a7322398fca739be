"""What the monitor is told in the soak: two brokers, two flows, alerts, and retention of minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from benchmarks.dataset.configuration import configuration
from benchmarks.soak.landscape import LIMITS, STEP, TOPICS
from monitor.landscape import demo
from monitor.landscape.wire import EXCHANGE

DELIVERED = 9 * STEP
"""What a parcel may take: three minutes."""


def write(
    path: Path, *, database: str, rabbitmq: str, kafka: str, webhook: str, port: int, keep: float
) -> Path:
    """``keep``: seconds that everything is kept, as the days of a real configuration."""
    kept = f"PT{keep:.0f}S"
    told = configuration(database, port=port)
    told["sources"] = [
        {
            "name": demo.RABBIT,
            "kind": "rabbitmq",
            "url": rabbitmq,
            "bindings": [{"exchange": EXCHANGE, "routing_key": "#"}],
        },
        {"name": demo.KAFKA, "kind": "kafka", "bootstrap_servers": kafka, "topics": list(TOPICS)},
    ]
    order, parcel = told["models"]
    order["slas"] = _plain(demo.slas(LIMITS))
    parcel["slas"][0]["within"] = _seconds(DELIVERED)
    told["retention"] = {"traces": kept, "open": kept, "inbox": kept}
    told["alerts"] = _alerts(webhook, kept)
    path.write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")
    return path


def _alerts(webhook: str, kept: str) -> dict[str, Any]:
    """What is critical is told one by one."""
    return {
        "keep": kept,
        "receivers": [{"name": "soak", "webhook": {"url": webhook, "allow_private": True}}],
        "route": {
            "receiver": "soak",
            "group_wait": "5s",
            "group_interval": "30s",
            "repeat_interval": "10m",
            "routes": [{"matchers": ['severity="critical"'], "receiver": "soak", "group_by": ["trace"]}],
        },
    }


def _seconds(value: Any) -> str:
    return f"PT{value.total_seconds():.0f}S"


def _plain(slas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Durations as a file has them."""
    for sla in slas:
        sla["within"] = _seconds(sla["within"])
    return slas
