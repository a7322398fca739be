"""Since when sources are watched, and what was found of the time before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select

from monitor.domain.notice import NoticeKind
from monitor.domain.verdict import FindingKind, FindingState
from monitor.storage.tables import HISTORIC, findings, notices, watched
from monitor.storage.transaction import Transaction


async def watch(transaction: Transaction, sources: Collection[str], now: datetime) -> dict[str, datetime]:
    """Since when each source is watched; from ``now`` on those that never were."""
    of = watched.c
    rows = [(source, now) for source in sorted(set(sources))]
    await transaction.upsert(watched, list(of), rows, lambda _new: {"since": of.since})
    asked = select(watched).where(of.source.in_(sorted(set(sources))))
    return {row.source: row.since for row in await transaction.rows(asked)}


async def historic(transaction: Transaction) -> dict[str, Counter[FindingKind]]:
    """By flow how many findings of the past were found since the last notice of such ended, by kind."""
    of, told = findings.c, notices.c
    last = (
        select(told.subject, func.max(told.ended).label("ended"))
        .where(told.kind == NoticeKind.HISTORY.value)
        .group_by(told.subject)
        .subquery()
    )
    asked = (
        select(of.flow, of.kind, func.count())
        .join_from(findings, last, last.c.subject == of.flow, isouter=True)
        .where(HISTORIC, of.state != FindingState.RETRACTED.value)
        .where(or_(last.c.ended.is_(None), of.found > last.c.ended))
        .group_by(of.flow, of.kind)
    )
    found: dict[str, Counter[FindingKind]] = {}
    for flow, kind, count in await transaction.rows(asked):
        found.setdefault(flow, Counter())[FindingKind(kind)] = count
    return found
