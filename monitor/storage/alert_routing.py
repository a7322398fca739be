"""From alerts that changed to the groups they are told in.

A group's row is locked by whoever writes it: routing and a flush of the same group come one after the other,
so that nothing that is put into a group goes unseen by it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, or_, select, update

from monitor.storage.alert_flush import texts
from monitor.storage.alerting import Router
from monitor.storage.tables import ACTIVE, FIRING, PENDING, alert_groups, alert_marks, alert_members, alerts
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json

ROUTING = "routing"
"""The mark of the routes in force."""


def group_id(receiver: str, route: str, labels: str) -> bytes:
    said = "\x1f".join((receiver, route, labels)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).digest()


def pending() -> Select[Any]:
    """Alerts that changed."""
    return select(alerts.c.id).where(PENDING)


async def route(transaction: Transaction, router: Router, now: datetime, limit: int) -> int:
    """See :meth:`monitor.storage.alerting.Alerting.route`."""
    of = alerts.c
    asked = (
        select(of.id, of.labels)
        .where(PENDING)
        .order_by(of.born, of.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await transaction.rows(asked)
    groups: dict[bytes, tuple[Any, ...]] = {}
    members: set[tuple[bytes, bytes]] = set()
    for row in rows:
        for target in router(texts(row.labels)):
            labels = exact_json(dict(target.labels))
            id_ = group_id(target.receiver, target.route, labels)
            groups[id_] = (id_, target.receiver, target.route, labels, target.first, None, None, 0)
            members.add((id_, row.id))
    await transaction.upsert(
        alert_groups, list(alert_groups.c), [groups[id_] for id_ in sorted(groups)], _scheduled
    )
    await _join(transaction, {row.id for row in rows}, members, now)
    done = sorted((row.id, False) for row in rows)
    await transaction.update(alerts, [of.id], [of.pending], done)
    return len(rows)


def _scheduled(new: Any) -> dict[str, Any]:
    """A group that waits for nothing gathers anew, but not sooner than its interval allows."""
    of = alert_groups.c
    next_flush = case(
        (of.next_flush.is_not(None), of.next_flush),
        (of.not_before > new.next_flush, of.not_before),
        else_=new.next_flush,
    )
    return {"next_flush": next_flush}


async def _join(
    transaction: Transaction, changed: set[bytes], members: set[tuple[bytes, bytes]], now: datetime
) -> None:
    """Members new and old are looked at again: an alert may have left by other routes than it came."""
    of = alert_members.c
    asked = select(of.group_id, of.alert_id).where(of.alert_id.in_(sorted(changed)))
    there = [(row.group_id, row.alert_id) for row in await transaction.rows(asked)] if changed else []
    await transaction.upsert(
        alert_members,
        list(of),
        [(*member, True, None, None, None, None) for member in sorted(members | set(there))],
        lambda _new: {"active": True},
    )
    elsewhere = sorted({group for group, _ in there} - {group for group, _ in members})
    groups = alert_groups.c
    for group in elsewhere:
        waking = update(alert_groups).where(groups.id == group, groups.next_flush.is_(None))
        await transaction.execute(waking.values(next_flush=now))


async def reroute(transaction: Transaction, routing: str, now: datetime) -> bool:
    """Let what fires be routed anew where the routes are not those of ``routing``; facts only where they wait
    to be told."""
    of = alert_marks.c
    asked = select(of.value).where(of.name == ROUTING).with_for_update()
    known = (await transaction.execute(asked)).scalar_one_or_none()
    if known == routing:
        return False
    await transaction.upsert(alert_marks, list(of), [(ROUTING, routing, now)])
    waits = select(alert_members.c.alert_id).where(ACTIVE, alert_members.c.alert_id == alerts.c.id)
    again = update(alerts).where(FIRING, or_(alerts.c.lasting.is_(True), waits.exists()))
    await transaction.execute(again.values(pending=True))
    return True
