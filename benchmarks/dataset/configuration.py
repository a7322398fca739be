"""The configuration of the database: two sources, two flows, and the versions they had in the month."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from benchmarks.dataset.story import LIMITS
from monitor.landscape import demo
from monitor.landscape.story import Limits
from monitor.resources import models
from monitor.settings import Settings

PARCEL = Path(__file__).with_name("parcel.bpmn")

VERSIONS = (
    (0, Limits(timedelta(hours=12), timedelta(hours=20), timedelta(hours=40), 0.7), "P2D"),
    (10, Limits(timedelta(hours=15), timedelta(hours=24), timedelta(hours=48), 0.6), "P2D"),
    (20, LIMITS, "P3D"),
)
"""From which day of the month on which limits of the order and of the parcel: three versions of the one, two
of the other."""

EVENTS: list[dict[str, Any]] = [
    {
        "match": {"type": "com.parcel.*"},
        "keys": {"parcel": "data.parcelId", "order": "data.orderId"},
        "keep": ["data.carrier", "data.hub", "data.grams"],
    },
    {
        "match": {"type": "com.shop.PaymentRequested"},
        "keys": {"order": "data.orderId", "payment": "data.paymentId"},
        "keep": ["data.amount"],
    },
    {
        "match": {"type": "com.shop.Payment*"},
        "keys": {"payment": "data.paymentId"},
        "keep": ["data.method"],
    },
    {
        "match": {"type": "com.shop.*"},
        "keys": {"order": "data.orderId"},
        "keep": ["data.total", "data.items", "data.carrier"],
    },
]


def configuration(database: str, version: int = -1, port: int = 0) -> dict[str, Any]:
    """As a file has it, for one of :data:`VERSIONS`."""
    _, limits, within = VERSIONS[version]
    return {
        "database": database,
        "sources": [{"name": name, "kind": "memory"} for name in (demo.RABBIT, demo.KAFKA)],
        "events": EVENTS,
        "models": [
            {
                "file": str(models() / "order-fulfilment.bpmn"),
                "key": "order",
                "name": "Order fulfilment",
                "timers": False,
                "slas": _plain(demo.slas(limits)),
            },
            {
                "file": str(PARCEL),
                "key": "parcel",
                "name": "Parcel delivery",
                "slas": [
                    {
                        "name": "Delivered in time",
                        "from": "start",
                        "to": "end",
                        "within": within,
                        "at_risk": "80%",
                        "objective": {"target": "95%", "window": "P7D"},
                    }
                ],
            },
        ],
        "dashboard": {"port": port},
    }


def settings(database: str, version: int = -1) -> Settings:
    return Settings.model_validate(configuration(database, version))


def write(path: Path, database: str, port: int = 0) -> Path:
    path.write_text(yaml.safe_dump(configuration(database, port=port), sort_keys=False), "utf-8")
    return path


def _plain(slas: list[dict[str, object]]) -> list[dict[str, object]]:
    """Durations as a file has them."""
    return [
        {
            name: f"PT{value.total_seconds():.0f}S" if isinstance(value, timedelta) else value
            for name, value in sla.items()
        }
        for sla in slas
    ]
