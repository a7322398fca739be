"""Minimum waits: what comes before the flow's own timer has passed comes too early.

A label that was not possible before some event cannot have had its timer running before it. So an event that
comes sooner after that than the timer takes came too early, whatever happened in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.bpmn.flow import Wait
from monitor.domain.event import Observation
from monitor.domain.verdict import Finding, FindingKind
from monitor.sla.findings import duration_text, instant_text


class Possible(NamedTuple):
    """One observation, and which labels with a minimum wait are possible right after it."""

    observation: Observation
    labels: Collection[str]


class Waited(NamedTuple):
    """Since when each label with a minimum wait has been possible; what came too early on the way."""

    since: Mapping[str, datetime]
    findings: tuple[Finding, ...]


def follow(
    waits: Iterable[Wait], since: Mapping[str, datetime], steps: Iterable[Possible], tolerance: timedelta
) -> Waited:
    """``tolerance``: how far apart the clocks of producers may be."""
    by_label = {wait.label: wait for wait in waits}
    now = dict(since)
    findings: list[Finding] = []
    for observation, labels in steps:
        wait = by_label.get(observation.label)
        begun = now.get(observation.label)
        if wait is not None and begun is not None:
            early = _ripe(wait, begun) - tolerance - observation.time
            if early > timedelta(0):
                findings.append(_finding(wait, begun, observation))
        now = {label: now.get(label, observation.time) for label in labels}
    return Waited(now, tuple(findings))


def _ripe(wait: Wait, begun: datetime) -> datetime:
    try:
        ripe = begun + wait.least
    except OverflowError:  # a producer's clock at the end of the calendar
        ripe = begun
    return ripe if wait.until is None else max(ripe, wait.until)


def _finding(wait: Wait, begun: datetime, observation: Observation) -> Finding:
    ripe = _ripe(wait, begun)
    early = duration_text(ripe - observation.time)
    return Finding(
        kind=FindingKind.TOO_EARLY,
        name=observation.label,
        time=observation.time,
        message=(
            f"{observation.label} came {early} too early: “{wait.name}” had to pass first, and that was not"
            f" before {instant_text(ripe)}."
        ),
        element=wait.element,
        event=observation.event_id,
        identity=observation.identity,
    )
