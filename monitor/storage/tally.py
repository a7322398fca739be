"""Counts that are kept rather than counted: what the overview shows must not cost a scan.

A transaction adds up what it changes and writes that once, as its very last statement, in one order. The
amounts are spread over slots, so that workers seldom wait for one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from random import randrange
from typing import Any, NamedTuple

from sqlalchemy import case, select, tuple_
from sqlalchemy.sql.functions import sum as sum_of

from monitor.domain.event import Misfit
from monitor.domain.verdict import Clock, ClockState
from monitor.sla.outcomes import outcome_of
from monitor.storage.tables import changed_traces, inbox_groups, outcomes, source_ticks, tallies
from monitor.storage.transaction import Transaction
from monitor.storage.types import from_micros, to_micros

SLOTS = 16
TICK = 10_000_000
"""Microseconds: events per source are counted in steps of ten seconds."""

LONGEST_TYPE = 500
"""Characters of a misfit's type that are kept: it is indexed, and a producer may send anything."""

TRACES, OPEN, AT_RISK, BREACHED, DEVIATING = "traces", "open", "at_risk", "breached", "deviating"
EVENTS, INBOX, CHANGES = "events", "inbox", "changes"

CLOCKS = {
    state: f"clock_{state.value}" for state in (ClockState.RUNNING, ClockState.AT_RISK, ClockState.BREACHED)
}
"""Clocks that run, by their state; what these are counted of is the SLA, see :func:`sla_subject`."""


def sla_subject(flow: str, sla: str) -> str:
    """An SLA of a flow as one text, which :func:`sla_of` takes apart again."""
    return f"{flow}\x1f{sla}"


def sla_of(subject: str) -> tuple[str, str]:
    flow, _, sla = subject.partition("\x1f")
    return flow, sla


class Counted(NamedTuple):
    """What the counts know of a trace; one confirmed deviation makes it deviating. None in its place: not
    listed (not there yet, or merged away)."""

    flow: str
    complete: bool
    confirmed: int
    sla: str | None


def shown_type(misfit: Misfit) -> str | None:
    """The type misfits are grouped by, cut short where it is too long for an index."""
    return None if misfit.type is None else misfit.type[:LONGEST_TYPE]


class Tally:
    """What one transaction adds to the counts."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str], list[Misfit]] = {}
        self._added: Counter[tuple[str, str]] = Counter()
        self._ticks: Counter[tuple[str, int]] = Counter()
        self._left: Counter[tuple[str, str, str]] = Counter()
        self._outcomes: dict[tuple[str, str, datetime], list[int]] = {}
        self._touched: set[int] = set()

    def changed(self) -> None:
        """Something people may be looking at is new."""
        self._added[CHANGES, ""] = 1

    def add(self, what: str, of: str, amount: int) -> None:
        self._added[what, of] += amount
        self.changed()

    def touched(self, traces: Iterable[int]) -> None:
        """Statistics must count these traces anew."""
        self._touched.update(traces)

    def received(self, source: str, at: datetime, amount: int = 1) -> None:
        self._ticks[source, to_micros(at) // TICK * TICK] += amount

    def clock(self, flow: str, before: Clock | None, after: Clock | None) -> None:
        """A clock that counted as ``before`` says counts as ``after`` says from now on."""
        if before == after:
            return
        for clock, sign in ((before, -1), (after, 1)):
            if clock is None:
                continue
            if clock.state in CLOCKS:
                self._added[CLOCKS[clock.state], sla_subject(flow, clock.sla)] += sign
            outcome = outcome_of(clock)
            if outcome is not None:
                sums = self._outcomes.setdefault((flow, clock.sla, outcome.tick), [0, 0])
                sums[0] += sign * outcome.counts.met
                sums[1] += sign * outcome.counts.failed

    def clocks_deleted(self, flow: str, sla: str, state: ClockState, amount: int) -> None:
        """So many clocks are there no more; what they counted as in objectives stays."""
        if state in CLOCKS:
            self._added[CLOCKS[state], sla_subject(flow, sla)] -= amount

    def misfit(self, misfit: Misfit) -> None:
        self.add(INBOX, misfit.delivery.source, 1)
        group = (misfit.reason.value, shown_type(misfit) or "", misfit.delivery.source)
        self._groups.setdefault(group, []).append(misfit)

    def left_inbox(self, reason: str, type: str | None, source: str) -> None:
        """A message is no longer in the inbox."""
        self.add(INBOX, source, -1)
        self._left[reason, type or "", source] += 1

    def move(self, before: Counted | None, after: Counted | None) -> None:
        """A trace that was counted as ``before`` counts as ``after`` from now on."""
        self.changed()
        if before == after:
            return
        for counted, sign in ((before, -1), (after, 1)):
            if counted is not None:
                for what in _counts(counted):
                    self._added[what, counted.flow] += sign

    async def write(self, transaction: Transaction) -> None:
        slot = randrange(SLOTS)  # noqa: S311 - spreads load, guards nothing
        touched = [(trace_id,) for trace_id in sorted(self._touched)]
        await transaction.append(changed_traces, [changed_traces.c.trace_id], touched)
        await _take_away(transaction, self._left)
        await transaction.upsert(
            inbox_groups,
            list(inbox_groups.c),
            [(*group, slot, *_last(several)) for group, several in sorted(self._groups.items())],
            _joined,
        )
        await transaction.upsert(
            source_ticks,
            list(source_ticks.c),
            [(source, from_micros(tick), slot, n) for (source, tick), n in sorted(self._ticks.items())],
            lambda new: {"events": source_ticks.c.events + new.events},
        )
        await transaction.upsert(
            outcomes,
            list(outcomes.c),
            [(*tick, slot, *sums) for tick, sums in sorted(self._outcomes.items()) if any(sums)],
            lambda new: {"met": outcomes.c.met + new.met, "failed": outcomes.c.failed + new.failed},
        )
        await transaction.upsert(
            tallies,
            list(tallies.c),
            [(what, of, slot, n) for (what, of), n in sorted(self._added.items()) if n],
            lambda new: {"amount": tallies.c.amount + new.amount},
        )


def _joined(new: Any) -> dict[str, Any]:
    """A message that is put back into the inbox need not be the latest."""
    of = inbox_groups.c
    later = new.last >= of.last
    return {
        "count": of["count"] + new["count"],
        "last": case((later, new.last), else_=of.last),
        "detail": case((later, new.detail), else_=of.detail),
    }


async def _take_away(transaction: Transaction, left: Mapping[tuple[str, str, str], int]) -> None:
    """Messages that left the inbox are taken from their group's slots, the longest quiet first: of a group
    that goes on, the latest message stays the latest. Slots are locked in the order batches write them."""
    if not left:
        return
    of = inbox_groups.c
    keys = [of.reason, of.type, of.source, of.slot]
    named = tuple_(*keys[:3]).in_(sorted(left))
    rows = await transaction.rows(select(inbox_groups).where(named).order_by(*keys).with_for_update())
    rest = dict(left)
    fewer: list[tuple[str, str, str, int, int]] = []
    for row in sorted(rows, key=lambda row: row.last):
        group, count = (row.reason, row.type, row.source), row._mapping["count"]
        taken = min(count, rest[group])
        rest[group] -= taken
        fewer.append((*group, row.slot, count - taken))
    await transaction.update(inbox_groups, keys, [of["count"]], sorted(fewer))
    await transaction.delete(inbox_groups, keys, sorted(row[:4] for row in fewer if row[4] == 0))


def _last(misfits: list[Misfit]) -> tuple[int, datetime, str]:
    last = max(misfits, key=lambda misfit: misfit.delivery.received)
    return (len(misfits), last.delivery.received, last.detail)


def _counts(counted: Counted) -> list[str]:
    counts = [TRACES]
    if not counted.complete:
        counts.append(OPEN)
    if counted.confirmed:
        counts.append(DEVIATING)
    if counted.sla == ClockState.AT_RISK:
        counts.append(AT_RISK)
    if counted.sla == ClockState.BREACHED:
        counts.append(BREACHED)
    return counts


async def amount(transaction: Transaction, what: str, of: str) -> int:
    """One count."""
    asked = select(tallies.c.amount).where(tallies.c.what == what, tallies.c.of == of)
    return sum(amount for (amount,) in await transaction.rows(asked))


TOTALS = (TRACES, OPEN, DEVIATING, AT_RISK, BREACHED, EVENTS, INBOX)


async def amounts(transaction: Transaction, whats: Iterable[str] = TOTALS) -> dict[str, dict[str, int]]:
    """These counts, as ``{what: {of: amount}}``."""
    found: dict[str, dict[str, int]] = {}
    of = tallies.c
    summed = select(of.what, of.of, sum_of(of.amount)).where(of.what.in_(list(whats)))
    summed = summed.group_by(of.what, of.of)
    for what, of, amount in await transaction.rows(summed):
        found.setdefault(what, {})[of] = int(amount)
    return found
