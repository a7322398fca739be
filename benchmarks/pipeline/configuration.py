"""The configuration of the worker under test: the shop's rules, its model and its SLAs, and one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from benchmarks.pipeline.messages import LIMITS
from monitor.landscape import demo
from monitor.resources import models

EXCHANGE = "shop"


def kafka(bootstrap: str, topic: str, group: str) -> dict[str, Any]:
    return {
        "name": demo.KAFKA,
        "kind": "kafka",
        "bootstrap_servers": bootstrap,
        "topics": [topic],
        "group": group,
    }


def rabbitmq(url: str, queue: str) -> dict[str, Any]:
    bindings = [{"exchange": EXCHANGE, "routing_key": "#"}]
    return {"name": demo.RABBIT, "kind": "rabbitmq", "url": url, "queue": queue, "bindings": bindings}


def order_model() -> dict[str, Any]:
    return {
        "file": str(models() / "order-fulfilment.bpmn"),
        "key": "order",
        "name": "Order fulfilment",
        "timers": False,
        "slas": [
            {
                name: f"PT{value.total_seconds():.0f}S" if isinstance(value, timedelta) else value
                for name, value in sla.items()
            }
            for sla in demo.slas(LIMITS)
        ],
    }


def configuration(
    database: str,
    source: Mapping[str, Any],
    model: Mapping[str, Any] | None = None,
    events: Sequence[Mapping[str, Any]] = demo.EVENTS,
) -> dict[str, Any]:
    """As a file has it."""
    return {
        "database": database,
        "sources": [dict(source)],
        "events": [dict(one) for one in events],
        "models": [dict(model or order_model())],
    }


def write(path: Path, of: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(of), sort_keys=False), "utf-8")
    return path
