"""Silences as rows: what is not told for a while, by whose wish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from monitor.alerts.matchers import Matcher
from monitor.domain.audit import SILENCE_CREATE, SILENCE_EXPIRE, Entry
from monitor.storage import audit, keyset
from monitor.storage.alert_flush import matchers_of, matchers_text
from monitor.storage.alerting import SilenceRow
from monitor.storage.tables import silences
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

LONGEST_COMMENT = 2000


async def create(
    transaction: Transaction,
    matchers: Sequence[Matcher],
    starts: datetime,
    ends: datetime,
    comment: str,
    who: str,
    now: datetime,
    tally: Tally,
) -> int:
    """See :meth:`monitor.storage.alerting.Alerting.silence`."""
    inserting = insert(silences).values(
        matchers=matchers_text(matchers),
        starts=starts,
        ends=ends,
        comment=comment[:LONGEST_COMMENT],
        created=now,
        created_by=who,
    )
    done = await transaction.execute(inserting.returning(silences.c.id))
    number = int(done.scalar_one())
    detail = {"silence": number, "ends": ends.isoformat(), "comment": comment[:LONGEST_COMMENT]}
    await audit.write(transaction, [Entry(who, SILENCE_CREATE, _said(matchers), detail)], now)
    tally.changed()
    return number


async def expire(transaction: Transaction, number: int, who: str, now: datetime, tally: Tally) -> bool:
    of = silences.c
    asked = select(silences).where(of.id == number, of.ends > now).with_for_update()
    row = next(iter(await transaction.rows(asked)), None)
    if row is None:
        return False
    ending = update(silences).where(of.id == number)
    await transaction.execute(ending.values(ends=now, starts=min(row.starts, now)))
    entry = Entry(who, SILENCE_EXPIRE, _said(matchers_of(row.matchers)), {"silence": number})
    await audit.write(transaction, [entry], now)
    tally.changed()
    return True


async def page(
    transaction: Transaction, cursor: str | None, limit: int, over: bool, now: datetime
) -> Page[SilenceRow]:
    """Those that are over, the last to end first; or those that are not, the first to end first."""
    of = silences.c
    order = [of.ends, of.id]
    asked = select(silences).where(of.ends <= now if over else of.ends > now)
    beyond = keyset.after(order, cursor, ascending=not over)
    if beyond is not None:
        asked = asked.where(beyond)
    ordered = asked.order_by(*((key.desc() for key in order) if over else order)).limit(limit + 1)
    rows = await transaction.rows(ordered)
    return keyset.page(rows, limit, silence_row, lambda row: (row.ends, row.id))


def silence_row(row: Row[Any]) -> SilenceRow:
    return SilenceRow(
        id=row.id,
        matchers=matchers_of(row.matchers),
        starts=row.starts,
        ends=row.ends,
        comment=row.comment,
        created=row.created,
        created_by=row.created_by,
    )


def _said(matchers: Sequence[Matcher]) -> str:
    return ", ".join(map(str, matchers))
