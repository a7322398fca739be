"""Notifications on their way: leased, attempted, recorded.

An attempt is on record before it is made and its outcome after it, in transactions apart. Whoever is killed
in between leaves an attempt without an outcome and a lease that runs out: the message is sent again, with the
same id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, exists, insert, select, update

from monitor.alerts.base import Alert, Notification
from monitor.domain.audit import ALERT_RESEND, RECEIVER_ENABLE, RECEIVER_TEST, Entry
from monitor.domain.notice import Notice, NoticeKind
from monitor.storage import audit, notices
from monitor.storage.alert_flush import WAITING, texts
from monitor.storage.alerting import Claimed, Outcome
from monitor.storage.tables import UNDELIVERED, attempts, notifications, receivers
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json

SENT, GIVEN_UP = "sent", "given_up"
ARRIVED, FAILED, REFUSED = "arrived", "failed", "refused"
LONGEST_SAID = 1000

FAILING = timedelta(minutes=15)
"""So long nothing must have arrived at a receiver before others are told."""


def waiting(receiver: str, now: datetime) -> Select[Any]:
    """Messages on their way to a receiver whose next attempt is due."""
    of = notifications.c
    return select(of.id).where(UNDELIVERED, of.receiver == receiver, of.next_at <= now)


async def claim(
    transaction: Transaction, receiver: str, worker: str, external_url: str, lease: timedelta, now: datetime
) -> Claimed | None:
    """See :meth:`monitor.storage.alerting.Alerting.claim`."""
    of, older = notifications.c, notifications.alias("older")
    before = select(older.c.id).where(
        older.c.next_at.is_not(None), older.c.group_id == of.group_id, older.c.id < of.id
    )
    disabled = select(receivers.c.name).where(receivers.c.name == receiver, receivers.c.disabled.is_not(None))
    asked = (
        select(notifications)
        .where(UNDELIVERED, of.receiver == receiver, of.next_at <= now, ~exists(before), ~exists(disabled))
        .order_by(of.next_at, of.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = next(iter(await transaction.rows(asked)), None)
    if row is None:
        return None
    number = row.attempts + 1
    taking = update(notifications).where(of.id == row.id)
    await transaction.execute(taking.values(attempts=number, next_at=now + lease))
    await transaction.append(attempts, list(attempts.c), [(row.id, number, worker, now, None, None, None)])
    return Claimed(row.id, number, notification_of(row, external_url))


async def record(
    transaction: Transaction, claimed: Claimed, outcome: Outcome, now: datetime, tally: Tally
) -> None:
    """See :meth:`monitor.storage.alerting.Alerting.record`. Another worker may have taken over meanwhile,
    where we were slower than the lease: then only what we know better than it counts."""
    of = attempts.c
    word = ARRIVED if outcome.arrived else REFUSED if outcome.disables else FAILED
    said = outcome.said[:LONGEST_SAID]
    noting = update(attempts).where(of.notification_id == claimed.row, of.number == claimed.attempt)
    await transaction.execute(noting.values(finished=now, outcome=word, said=said))
    row = await _locked(transaction, claimed.row)
    if row is None:
        return
    values: dict[str, Any] = {"said": said}
    if outcome.arrived:
        values |= {"status": SENT, "next_at": None, "done": now}
    elif row.attempts != claimed.attempt or row.next_at is None:
        values = {}
    elif row.kind == "test":
        values |= {"status": GIVEN_UP, "next_at": None, "done": now}
    elif outcome.disables:
        values["next_at"] = now  # as soon as the receiver is enabled
    elif outcome.next is None:
        values |= {"status": GIVEN_UP, "next_at": None, "done": now}
    else:
        values["next_at"] = outcome.next
    if values:
        await transaction.execute(
            update(notifications).where(notifications.c.id == claimed.row).values(values)
        )
    await _told(transaction, row, outcome, now, tally)
    tally.changed()


async def _told(
    transaction: Transaction, row: Row[Any], outcome: Outcome, now: datetime, tally: Tally
) -> None:
    """How the receiver stands after that, and who must know."""
    of, name = receivers.c, row.receiver
    asked = select(receivers).where(of.name == name).with_for_update()
    known = next(iter(await transaction.rows(asked)), None)
    if known is None:
        return
    changing = update(receivers).where(of.name == name)
    if outcome.arrived:
        await transaction.execute(changing.values(sent=now, failing=None))
        if known.failing is not None:
            await notices.end(transaction, NoticeKind.RECEIVER_FAILING, name, now, tally)
        return
    if row.kind == "test":
        return
    since = known.failing or row.created
    values: dict[str, Any] = {"failing": since}
    if outcome.disables and known.disabled is None:
        values |= {"disabled": now, "reason": outcome.said[:LONGEST_SAID]}
        said = f"No more alerts are sent to “{name}” until somebody mends it: {outcome.said}"
        notice = _notice(NoticeKind.RECEIVER_DISABLED, name, said, now, now)
        await notices.begin(transaction, notice, tally)
    elif outcome.next is None or now - since >= FAILING:
        lost = " A message to it was given up." if outcome.next is None else ""
        said = f"Alerts have not reached “{name}” since {since:%Y-%m-%d %H:%M} UTC.{lost} {outcome.said}"
        notice = _notice(NoticeKind.RECEIVER_FAILING, name, said, since, now)
        await notices.begin(transaction, notice, tally)
    await transaction.execute(changing.values(values))


def _notice(kind: NoticeKind, receiver: str, said: str, since: datetime, now: datetime) -> Notice:
    return Notice(kind, receiver, said, since, now, severity="critical")


async def configured(
    transaction: Transaction, wanted: Mapping[str, str], now: datetime, tally: Tally
) -> None:
    """See :meth:`monitor.storage.alerting.Alerting.configured`."""
    of = receivers.c
    asked = select(receivers).order_by(of.name).with_for_update()
    known = {row.name: row for row in await transaction.rows(asked)}
    for name, settings in sorted(wanted.items()):
        row = known.get(name)
        if row is None:
            await transaction.claim(receivers, list(of), [(name, settings, None, None, None, None)])
        elif row.settings != settings:
            changing = update(receivers).where(of.name == name)
            await transaction.execute(
                changing.values(settings=settings, disabled=None, reason=None, failing=None)
            )
            await _well_again(transaction, name, now, tally)
    for name in sorted(known.keys() - wanted.keys()):
        await _forget(transaction, name, now, tally)


async def _forget(transaction: Transaction, name: str, now: datetime, tally: Tally) -> None:
    """Nobody is to be told by this receiver any more."""
    waits = update(notifications).where(UNDELIVERED, notifications.c.receiver == name)
    said = "The receiver is no longer in the configuration."
    await transaction.execute(waits.values(status=GIVEN_UP, next_at=None, done=now, said=said))
    await transaction.execute(delete(receivers).where(receivers.c.name == name))
    await _well_again(transaction, name, now, tally)


async def _well_again(transaction: Transaction, name: str, now: datetime, tally: Tally) -> None:
    for kind in (NoticeKind.RECEIVER_DISABLED, NoticeKind.RECEIVER_FAILING):
        await notices.end(transaction, kind, name, now, tally)


async def enable(transaction: Transaction, receiver: str, who: str, now: datetime, tally: Tally) -> bool:
    of = receivers.c
    changing = update(receivers).where(of.name == receiver, of.disabled.is_not(None))
    done = await transaction.execute(changing.values(disabled=None, reason=None, failing=None))
    if not done.rowcount:
        return False
    await _well_again(transaction, receiver, now, tally)
    await audit.write(transaction, [Entry(who, RECEIVER_ENABLE, receiver)], now)
    tally.changed()
    return True


async def resend(transaction: Transaction, number: int, who: str, now: datetime, tally: Tally) -> bool:
    row = await _locked(transaction, number)
    if row is None or row.next_at is not None:
        return False
    again = update(notifications).where(notifications.c.id == number)
    await transaction.execute(again.values(status=WAITING, next_at=now, done=None))
    entry = Entry(who, ALERT_RESEND, f"notification {row.uid} to {row.receiver}", {"notification": number})
    await audit.write(transaction, [entry], now)
    tally.changed()
    return True


async def test(
    transaction: Transaction, receiver: str, uid: str, sample: Sequence[Alert], who: str, now: datetime
) -> int:
    await audit.write(transaction, [Entry(who, RECEIVER_TEST, receiver)], now)
    inserting = insert(notifications).values(
        uid=uid,
        receiver=receiver,
        kind="test",
        group_id=None,
        group_key="test",
        group_labels="{}",
        status=WAITING,
        firing=len(sample),
        resolved=0,
        alerts=exact_json([alert_json(one) for one in sample]),
        truncated=0,
        created=now,
        next_at=now,
        attempts=0,
    )
    done = await transaction.execute(inserting.returning(notifications.c.id))
    return int(done.scalar_one())


async def _locked(transaction: Transaction, number: int) -> Row[Any] | None:
    asked = select(notifications).where(notifications.c.id == number).with_for_update()
    return next(iter(await transaction.rows(asked)), None)


def notification_of(row: Row[Any], external_url: str) -> Notification:
    return Notification(
        id=row.uid,
        receiver=row.receiver,
        group_key=row.group_key,
        group_labels=texts(row.group_labels),
        alerts=tuple(_alert(one) for one in json.loads(row.alerts)),
        created=row.created,
        external_url=external_url,
        truncated=row.truncated,
        kind=row.kind,
    )


def alert_json(one: Alert) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": one.status,
        "labels": dict(one.labels),
        "annotations": dict(one.annotations),
        "starts_at": one.starts_at.isoformat(),
        "ends_at": None if one.ends_at is None else one.ends_at.isoformat(),
        "trace": one.trace,
        "finding": one.finding,
    }


def _alert(said: Mapping[str, Any]) -> Alert:
    return Alert(
        id=said["id"],
        status=said["status"],
        labels=said["labels"],
        annotations=said["annotations"],
        starts_at=datetime.fromisoformat(said["starts_at"]),
        ends_at=None if said["ends_at"] is None else datetime.fromisoformat(said["ends_at"]),
        trace=said["trace"],
        finding=said["finding"],
    )
