"""How far each source is read: kept for its page, and for the watermark (DESIGN 3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, case, delete, or_, select, update

from monitor.sight import Sighted, why_of
from monitor.sources.base import CLOCKS_DIFFER, Progress, SourceState
from monitor.storage.tables import source_shards, source_ticks
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction

SILENT = timedelta(minutes=1)
"""A worker not heard of for this long no longer reads its share of a shared shard."""

ABANDONED_AFTER = timedelta(minutes=10)
"""So long a shard that nobody takes over holds the watermark of a source others of which are read."""

_READ = (SourceState.READING, SourceState.CAUGHT_UP, SourceState.PAUSED, SourceState.ENDED)
_FORGOTTEN = timedelta(days=1)
_TICKS_KEPT = timedelta(hours=1)


async def record(
    transaction: Transaction,
    source: str,
    kind: str,
    worker: str,
    progress: Sequence[Progress],
    now: datetime,
    tally: Tally,
) -> None:
    of = source_shards.c
    before = {
        (row.shard, row.owner): row
        for row in await transaction.rows(select(source_shards).where(of.source == source))
    }
    rows = []
    for one in sorted(progress, key=lambda one: one.shard):
        owner = worker if one.shared else ""
        known = before.get((one.shard, owner))
        if known is None or _news(known, one):
            tally.changed()
        rows.append(
            (
                source,
                one.shard,
                owner,
                kind,
                worker,
                one.shared,
                one.state.value,
                one.watermark,
                one.lag,
                one.position,
                one.last_message,
                one.error,
                now,
                None,
            )
        )
    await transaction.upsert(source_shards, list(of), rows, partial(_never_back, now + CLOCKS_DIFFER))
    told = {(row[1], row[2]) for row in rows}
    given_up = [(source, *key) for key in before.keys() - told if key[1] == worker]
    if given_up:
        tally.changed()
        await transaction.delete(source_shards, [of.source, of.shard, of.owner], sorted(given_up))
    if any(not one.shared and one.state in _READ for one in progress):
        left = [row for key, row in before.items() if key not in told and not row.shared]
        if await _let_go(transaction, left, worker, _last_read(before.values()), now):
            tally.changed()
    await transaction.execute(
        delete(source_shards).where(
            of.source == source,
            or_(of.shared.is_(True), of.state == SourceState.ABANDONED.value),
            of.updated < now - _FORGOTTEN,
        )
    )
    await transaction.execute(
        delete(source_ticks).where(source_ticks.c.source == source, source_ticks.c.tick < now - _TICKS_KEPT)
    )


def _last_read(rows: Iterable[Row[Any]]) -> datetime | None:
    """When a worker last said that it reads a shard of this source."""
    return max((row.updated for row in rows if not row.shared and row.state in _READ), default=None)


async def _let_go(
    transaction: Transaction, left: Sequence[Row[Any]], worker: str, last: datetime | None, now: datetime
) -> bool:
    """Shards of a source that is being read which nobody reads (docs/storage.md has the rule): note since
    when, and abandon those nobody has taken over in time. Returns whether one was abandoned."""
    of = source_shards.c
    interrupted = last is None or last < now - SILENT
    unclaimed: list[str] = []
    abandoned: list[str] = []
    for row in left:
        if row.state == SourceState.ABANDONED:
            continue
        if row.unclaimed is None or interrupted:
            if row.worker == worker or row.updated < now - SILENT:
                unclaimed.append(row.shard)
        elif row.unclaimed <= now - ABANDONED_AFTER:
            abandoned.append(row.shard)
    if not unclaimed and not abandoned:
        return False
    # a worker that just takes one over holds its row: neither wait for it nor overrule it
    still = or_(of.worker == worker, of.updated < now - SILENT)
    free = select(of.shard).where(
        of.source == left[0].source, of.owner == "", of.shard.in_([*unclaimed, *abandoned]), still
    )
    rows = await transaction.rows(free.order_by(of.shard).with_for_update(skip_locked=True))
    ours = {shard for (shard,) in rows}
    for shards_, change in (
        (unclaimed, {"unclaimed": now}),
        (abandoned, {"state": SourceState.ABANDONED.value, "lag": None, "error": None}),
    ):
        chosen = sorted(ours.intersection(shards_))
        if chosen:
            named = (of.source == left[0].source, of.owner == "", of.shard.in_(chosen))
            await transaction.execute(update(source_shards).where(*named).values(change))
    return bool(ours.intersection(abandoned))


def _never_back(ahead: datetime, new: Any) -> dict[str, Any]:
    """Watermarks go on only; one past ``ahead`` was told by a clock that was wrong, and counts no more."""
    of = source_shards.c
    changed = {column.name: new[column.name] for column in of if not column.primary_key}
    return changed | {
        "watermark": _later(of.watermark, new.watermark, ahead),
        "last_message": _later(of.last_message, new.last_message, ahead),
    }


def _later(old: Any, new: Any, ahead: datetime) -> Any:
    return case((old > ahead, new), (new.is_(None), old), (old > new, old), else_=new)


def _news(known: Row[Any], told: Progress) -> bool:
    """Whether people would see a difference, but for the watermark of a quiet source moving on."""
    shown = (known.state, known.lag, known.position, known.error)
    return shown != (told.state.value, told.lag, told.position, told.error)


def counting(rows: Iterable[Row[Any]], now: datetime) -> list[Row[Any]]:
    """Those of a source's shards that count: not the abandoned, and shared ones only while their worker is
    heard of. Where all are silent, those that counted when last one was heard of do."""
    rows = [row for row in rows if row.state != SourceState.ABANDONED]
    if not rows:
        return []
    heard = min(now, max(row.updated for row in rows))
    alive = [row for row in rows if not row.shared or row.updated >= now - SILENT]
    return alive or [row for row in rows if row.updated >= heard - SILENT]


def watermark(rows: Iterable[Row[Any]], now: datetime) -> datetime | None:
    """Up to when a source is read: the least of its shards; None where one of them was never read to its
    end. Never past ``now``: a worker whose clock is ahead knows no more than others."""
    marks = [row.watermark for row in counting(rows, now)]
    known = [mark for mark in marks if mark is not None]
    return min(*known, now) if known and len(known) == len(marks) else None


def sighted(rows: Sequence[Row[Any]], now: datetime) -> Sighted:
    """How a source stands, from all its shards."""
    counted = counting(rows, now)
    silent = bool(counted) and all(row.updated < now - SILENT for row in counted)
    ended = bool(counted) and all(row.state == SourceState.ENDED for row in counted)
    why = "no worker has reported lately" if silent else why_of([(row.state, row.error) for row in counted])
    return Sighted(watermark(rows, now), why, ended)


async def shards(transaction: Transaction) -> dict[str, list[Row[Any]]]:
    of = source_shards.c
    found: dict[str, list[Row[Any]]] = {}
    for row in await transaction.rows(select(source_shards).order_by(of.source, of.shard, of.owner)):
        found.setdefault(row.source, []).append(row)
    return found
