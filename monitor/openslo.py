"""Objectives as OpenSLO documents (openslo/v1, github.com/OpenSLO/OpenSLO), for other tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from monitor.domain.objective import Objective

_PERIODS = {"day": "1d", "week": "1w", "month": "1M", "quarter": "1Q", "year": "1Y"}
_MONDAY = "2024-01-01 00:00:00"
"""A Monday, and the first of a year: from here every period begins."""


def documents(objectives: Mapping[str, Mapping[str, Objective]]) -> Iterator[dict[str, Any]]:
    """A service for each flow that has objectives, then an SLO for each of them. The indicators are the
    gauges of ``/metrics``: already counted over the window, and corrected when an event comes late."""
    for flow, of in sorted(objectives.items()):
        if not of:
            continue
        yield {
            "apiVersion": "openslo/v1",
            "kind": "Service",
            "metadata": {"name": _name(flow), "displayName": flow},
            "spec": {"description": f"The flow {flow}, as its events show it."},
        }
        for sla, objective in sorted(of.items()):
            yield _slo(flow, sla, objective)


def _slo(flow: str, sla: str, objective: Objective) -> dict[str, Any]:
    name = _name(f"{flow}-{sla}")
    labels = f'flow="{_quoted(flow)}",sla="{_quoted(sla)}"'
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name, "displayName": sla},
        "spec": {
            "description": f"{objective.said()} of the clocks of “{sla}” are met.",
            "service": _name(flow),
            "indicator": {
                "metadata": {"name": _name(f"{name[:59]}-met"), "displayName": f"{sla}: clocks met"},
                "spec": {
                    "ratioMetric": {
                        "counter": False,
                        "good": _metric(f"choreoscope_objective_met{{{labels}}}"),
                        "total": _metric(f"choreoscope_objective_total{{{labels}}}"),
                    }
                },
            },
            "timeWindow": [_window(objective)],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": sla, "target": objective.target}],
        },
    }


def _metric(query: str) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def _window(objective: Objective) -> dict[str, Any]:
    if objective.period is not None:
        calendar = {"startTime": _MONDAY, "timeZone": objective.timezone}
        return {"duration": _PERIODS[objective.period], "isRolling": False, "calendar": calendar}
    return {"duration": _shorthand(objective.length), "isRolling": True}


def _shorthand(length: timedelta) -> str:
    for unit, size in (("w", timedelta(weeks=1)), ("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not length % size:
            return f"{length // size}{unit}"
    return f"{length // timedelta(minutes=1)}m"


def _name(text: str) -> str:
    """As DNS labels are (RFC 1123)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-") or "unnamed"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
