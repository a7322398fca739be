"""One group that is due: what is in it, and what was decided, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from monitor.alerts.base import Status
from monitor.alerts.born import FINDINGS
from monitor.alerts.grouping import Decision, Member, Muting, Why
from monitor.alerts.inhibition import SEVERITIES, Candidate
from monitor.alerts.matchers import Matcher, parse_all
from monitor.alerts.routing import group_key
from monitor.storage.alerting import Group, Grouped, Message
from monitor.storage.tables import (
    ACTIVE,
    FIRING,
    UNDELIVERED,
    alert_groups,
    alert_members,
    alerts,
    notifications,
    notified_alerts,
    silences,
    traces,
)
from monitor.storage.tally import Tally
from monitor.storage.transaction import Transaction
from monitor.storage.types import exact_json, from_json

CHUNK = 1000
WAITING = "waiting"


class SqlFlushing:
    """A group locked by this transaction (see :class:`monitor.storage.alerting.Flushing`)."""

    def __init__(self, transaction: Transaction, tally: Tally, group: Group, now: datetime) -> None:
        self._transaction = transaction
        self._tally = tally
        self._now = now
        self._known: dict[bytes, Row[Any]] = {}
        self.group = group

    async def members(self) -> list[Grouped]:
        of = alert_members.c
        asked = (
            select(alerts, of.told, of.told_at, of.muted, of.active)
            .join_from(alert_members, alerts, alerts.c.id == of.alert_id)
            .where(ACTIVE, of.group_id == self.group.id)
            .order_by(alerts.c.starts_at, alerts.c.id)
        )
        rows = await self._transaction.rows(asked)
        self._known = {row.id: row for row in rows}
        return [_grouped(row, row.told) for row in rows]

    async def silences(self, now: datetime) -> list[tuple[int, tuple[Matcher, ...]]]:
        of = silences.c
        asked = select(of.id, of.matchers).where(of.ends > now, of.starts <= now).order_by(of.id)
        return [(row.id, matchers_of(row.matchers)) for row in await self._transaction.rows(asked)]

    async def firing(self, names: Collection[str] | None) -> list[Candidate]:
        of = alerts.c
        asked = select(of.id, of.labels).where(FIRING)
        if names is not None:
            asked = asked.where(of.name.in_(sorted(names)))
        return [Candidate(row.id, texts(row.labels)) for row in await self._transaction.rows(asked)]

    async def firing_of(self, wanted: Collection[int]) -> dict[int, tuple[int, list[Grouped]]]:
        of = alerts.c
        found: dict[int, tuple[int, list[Grouped]]] = {}
        if not wanted:
            return found
        flow = traces.c.flow_id.label("flow_id")
        asked = (
            select(alerts, flow)
            .join_from(alerts, traces, traces.c.id == of.trace_id)
            .where(FIRING, self._transaction.among(of.trace_id, wanted), of.name.in_(list(FINDINGS.values())))
        )
        for row in await self._transaction.rows(asked):
            found.setdefault(row.trace_id, (row.flow_id, []))[1].append(_grouped(row, None))
        return found

    async def write(self, decision: Decision, message: Message | None, not_before: datetime) -> None:
        of = alert_members.c
        told: dict[bytes, Status] = dict.fromkeys(decision.firing, "firing")
        told |= dict.fromkeys(decision.resolved, "resolved")
        changed = [
            row
            for id_, known in sorted(self._known.items())
            if (row := self._member(id_, known, decision, told.get(id_)))
        ]
        await self._transaction.update(
            alert_members,
            [of.group_id, of.alert_id],
            [of.active, of.told, of.told_at, of.muted, of.muted_at],
            changed,
        )
        await self._route_anew(decision.astray)
        if changed or message is not None:
            self._tally.changed()
        values: dict[str, Any] = {
            "next_flush": decision.next,
            "not_before": not_before,
            "flushes": self.group.flushes + 1,
        }
        if message is not None:
            values["notified"] = self._now
            await self._send(decision, message)
        groups = alert_groups.c
        await self._transaction.execute(update(alert_groups).where(groups.id == self.group.id).values(values))

    async def _route_anew(self, astray: Collection[bytes]) -> None:
        """Whoever put them here went by other routes, those before a change of the configuration, say; what
        is in another group, too, has been routed by ours."""
        of, other, ids = alerts.c, alert_members.c, sorted(astray)
        elsewhere = select(other.alert_id).where(other.alert_id == of.id, other.group_id != self.group.id)
        for start in range(0, len(ids), CHUNK):
            theirs = of.id.in_(ids[start : start + CHUNK])
            again = update(alerts).where(theirs, of.pending.is_(False), ~elsewhere.exists())
            await self._transaction.execute(again.values(pending=True))

    def _member(
        self, id_: bytes, known: Row[Any], decision: Decision, now_told: Status | None
    ) -> tuple[Any, ...] | None:
        """The row, where it changes. What was told stays on record; so does why a fact is told no more."""
        told: str | None = known.told
        told_at, muted, muted_at = known.told_at, None, None
        if now_told is not None:
            told, told_at = now_told, self._now
        elif id_ in decision.muted:
            muted = muting_text(decision.muted[id_])
            muted_at = self._now
        active = id_ in decision.active
        if now_told is None and active and muted == known.muted:
            return None
        return (self.group.id, id_, active, told, told_at, muted, muted_at)

    async def _send(self, decision: Decision, message: Message) -> None:
        fires = set(decision.firing)
        told = [self._known[id_] for id_ in (*decision.firing, *decision.resolved)]
        told.sort(key=lambda row: (row.id not in fires, -_rank(row.severity), row.starts_at, row.id))
        shown = told[: message.most]
        inserting = insert(notifications).values(
            uid=message.uid,
            receiver=self.group.receiver,
            kind=message.kind,
            group_id=self.group.id,
            group_key=group_key(self.group.route, self.group.labels),
            group_labels=exact_json(dict(self.group.labels)),
            status=WAITING,
            firing=len(decision.firing),
            resolved=len(decision.resolved),
            alerts=exact_json([snapshot(row) for row in shown]),
            truncated=len(told) - len(shown),
            created=self._now,
            next_at=self._now,
            attempts=0,
        )
        returned = await self._transaction.execute(inserting.returning(notifications.c.id))
        number = returned.scalar_one()
        await self._transaction.append(
            notified_alerts,
            list(notified_alerts.c),
            [(row.id, number, "firing" if row.id in fires else "resolved") for row in told],
        )


def groups_due(now: datetime) -> Select[Any]:
    return select(alert_groups.c.id).where(alert_groups.c.next_flush <= now)


async def due(transaction: Transaction, now: datetime) -> Group | None:
    """The group that is longest due, locked."""
    of = alert_groups.c
    asked = (
        select(alert_groups)
        .where(of.next_flush <= now)
        .order_by(of.next_flush)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = next(iter(await transaction.rows(asked)), None)
    if row is None:
        return None
    waiting = select(notifications.c.id).where(UNDELIVERED, notifications.c.group_id == row.id).limit(1)
    return Group(
        id=row.id,
        receiver=row.receiver,
        route=row.route,
        labels=texts(row.labels),
        notified=row.notified,
        flushes=row.flushes,
        undelivered=bool(await transaction.rows(waiting)),
    )


def _grouped(row: Row[Any], told: Status | None) -> Grouped:
    due_at = texts(row.annotations).get("due")
    return Grouped(
        member=Member(
            id=row.id,
            status=row.status,
            lasting=row.lasting,
            tells_end=row.tells_end,
            acknowledged_by=row.acknowledged_by if row.acknowledged else None,
            told=told,
        ),
        labels=texts(row.labels),
        trace=row.trace_id,
        starts_at=row.starts_at,
        due=due_at,
    )


def snapshot(row: Row[Any]) -> dict[str, Any]:
    """An alert as it is now, for the message: what is sent again is what was sent at first."""
    said = {**texts(row.annotations), "summary": row.summary}
    if row.reason and row.status == "resolved":
        said["reason"] = row.reason
    return {
        "id": row.id.hex(),
        "status": row.status,
        "labels": texts(row.labels),
        "annotations": said,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": None if row.ends_at is None else row.ends_at.isoformat(),
        "trace": row.trace_id,
        "finding": None if row.finding is None else row.finding.hex(),
    }


def muting_text(muting: Muting) -> str:
    return exact_json({"why": muting.why.value, "by": muting.by})


def muting_of(text: str | None) -> Muting | None:
    if text is None:
        return None
    said = texts(text)
    return Muting(Why(said["why"]), said["by"])


def matchers_text(matchers: Sequence[Matcher]) -> str:
    return exact_json([str(matcher) for matcher in matchers])


def matchers_of(text: str) -> tuple[Matcher, ...]:
    return parse_all(json.loads(text))


def texts(text: str) -> dict[str, str]:
    """A JSON object of texts."""
    value = from_json(text)
    assert isinstance(value, dict)
    return {name: str(said) for name, said in value.items()}


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0
