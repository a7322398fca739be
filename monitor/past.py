"""What is said of a past that was read in later: one notice, not ten thousand alerts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.domain.notice import Notice, NoticeKind
from monitor.domain.verdict import FindingKind
from monitor.sla.findings import instant_text


def past_notice(flow: str, counts: Mapping[FindingKind, int], watched: datetime, now: datetime) -> Notice:
    """``counts``: findings of the time before ``watched``, by kind."""
    breaches = counts.get(FindingKind.SLA_BREACH, 0)
    deviations = sum(count for kind, count in counts.items() if kind.is_deviation)
    found = []
    if breaches:
        found.append(f"{breaches:,} breach{'es' * (breaches != 1)}")
    if deviations:
        found.append(f"{deviations:,} deviation{'s' * (deviations != 1)}")
    return Notice(
        kind=NoticeKind.HISTORY,
        subject=flow,
        message=(
            f"History was read in: {' and '.join(found) or 'nothing but risks'} found from before"
            f" {instant_text(watched)}, when “{flow}” began to be watched. It is kept as history, without an"
            " alert for each."
        ),
        since=watched,
        noticed=now,
        flow=flow,
        severity="info",
    )
