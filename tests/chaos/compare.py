"""Where what is held differs from what is true: exactly, one sentence each. Nothing is tolerated that is not
said here. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import fields

from tests.chaos.judged import AlertRow, Held, Told, Truth
from tests.support.shop import Said

OPERATIONAL = frozenset({"SourceBlind", "BurnRate", "ReceiverFailing"})
"""Alerts about ourselves that faults rightly bring about."""

TOLD_TO_MAIL = "critical"


def differences(truth: Truth, held: Held) -> list[str]:
    """Empty where the store and the receivers hold the truth, the whole truth and nothing twice."""
    return [
        *_once("event", truth.events, held.events),
        *_inbox(truth, held),
        *_each("by the simulation", truth.orders, held.orders),
        *_each("by choreoscope check", truth.checked, held.checked),
        *_said(truth.said, held.said),
        *([f"{held.provisional} findings are still provisional"] if held.provisional else []),
        *_alerts(truth, held),
        *(f"not delivered: {one}" for one in held.undelivered),
        *(f"still lasts: {one}" for one in held.notices),
        *(f"ended by itself: {one}" for one in held.ended),
        *(f"a log says: {one}" for one in held.complaints),
    ]


def _once(what: str, wanted: Iterable[Hashable], found: Iterable[Hashable]) -> Iterator[str]:
    wanted, counted = set(wanted), Counter(found)
    for one in sorted(wanted - counted.keys(), key=str):
        yield f"{what} lost: {one}"
    for one in sorted(counted.keys() - wanted, key=str):
        yield f"{what} never sent: {one}"
    for one, count in counted.items():
        if count > 1:
            yield f"{what} held {count} times: {one}"


def _inbox(truth: Truth, held: Held) -> Iterator[str]:
    """A message that a broker was given twice may stand there twice, but no place twice."""
    yield from _once("message of the inbox", truth.inbox, set(held.inbox))
    for place, count in Counter(held.places).items():
        if count > 1:
            yield f"the inbox holds {count} times what stood at {place}"


def _each(judge: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for order in sorted(wanted.keys() | found.keys()):
        mine, theirs = wanted.get(order), found.get(order)
        if mine != theirs:
            yield f"order {order} {judge}: {_apart(mine, theirs)}"


def _said(wanted: tuple[Said, ...], found: tuple[Said, ...]) -> Iterator[str]:
    """A trace is its key and when it began: a key may have several, one after the other."""
    mine, theirs = _by_trace(wanted), _by_trace(found)
    yield from _once("trace", mine, [(one.key, one.events[:1]) for one in found])
    for trace in sorted(mine.keys() & theirs.keys(), key=str):
        if mine[trace] != theirs[trace]:
            yield f"trace {trace[0]} by replay: {_apart(mine[trace], theirs[trace])}"


def _by_trace(said: tuple[Said, ...]) -> dict[tuple[str, object], Said]:
    return {(one.key, one.events[:1]): one for one in said}


def _apart(wanted: object, found: object) -> str:
    """Only what differs."""
    if wanted is None or found is None or not hasattr(wanted, "__dataclass_fields__"):
        return f"{wanted} expected, {found} found"
    apart = []
    for field in fields(wanted):  # type: ignore[arg-type]
        mine, theirs = getattr(wanted, field.name), getattr(found, field.name)
        if mine == theirs:
            continue
        if isinstance(mine, frozenset | tuple) and isinstance(theirs, frozenset | tuple):
            only = [one for one in mine if one not in theirs], [one for one in theirs if one not in mine]
            apart.append(f"{field.name}: expected besides {only[0]}, found besides {only[1]}")
        else:
            apart.append(f"{field.name}: {mine} expected, {theirs} found")
    return "; ".join(apart)


def _alerts(truth: Truth, held: Held) -> Iterator[str]:
    rows = {row.id: row for row in held.alerts}
    told: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in held.told:
        if one.alert in rows:
            told[one.receiver, one.alert].append(one)
        else:
            yield f"told of an alert that is not stored: {one}"
    for row in held.alerts:
        if row.about is None and row.name not in OPERATIONAL:
            yield f"an alert nobody provoked: {row}"
        for receiver in _receivers(row):
            yield from _life(row, receiver, told[receiver, row.id])
    yield from _worse(held.alerts)
    lasting = {row.about for row in held.alerts if row.status == "firing"}
    for about in sorted(truth.must - lasting):
        yield f"no alert says so any more: {about}"
    for receiver in ("hook", "mail"):
        yield from _rightly(truth, receiver, rows, held.told)
    for (receiver, message), count in held.bodies.items():
        if count > 1:
            yield f"{count} different messages came to {receiver} under one id: {message}"


def _worse(alerts: tuple[AlertRow, ...]) -> Iterator[str]:
    """A risk that ended without a word has to have become a breach."""
    breached = {row.about for row in alerts}
    for row in alerts:
        worse = row.about._replace(alert="SlaBreached") if row.about else None
        if row.status == "resolved" and not row.tells_end and worse not in breached:
            yield f"its end is told by no breach: {row}"


def _receivers(row: AlertRow) -> tuple[str, ...]:
    return ("hook", "mail") if row.severity == TOLD_TO_MAIL else ("hook",)


def _life(row: AlertRow, receiver: str, told: list[Told]) -> Iterator[str]:
    """Told of its beginning under one id, of its end under another, in this order, both at least once."""
    began, ended = (
        {one.delivery for one in told if one.status == status} for status in ("firing", "resolved")
    )
    if not began and row.status == "firing":
        yield f"{receiver} was never told of {row}"
    if began and row.status == "resolved" and row.tells_end and not ended:
        yield f"{receiver} was never told of the end of {row}"
    if ended and (row.status == "firing" or not row.tells_end or not began):
        yield f"{receiver} was told of an end that was none: {row}"
    if began and ended and [one.status for one in told].index("resolved") == 0:
        yield f"{receiver} was told of the end before the beginning: {row}"
    for status, messages in (("firing", began), ("resolved", ended)):
        if len(messages) > 1:
            yield f"{receiver} was told {len(messages)} times, by as many ids, that it is {status}: {row}"


def _rightly(
    truth: Truth, receiver: str, rows: Mapping[str, AlertRow], told: tuple[Told, ...]
) -> Iterator[str]:
    """Nobody is told what is not so, and whoever must be told is, once for each trouble."""
    began = {one.alert for one in told if one.receiver == receiver and one.status == "firing"}
    counted = Counter(about for alert in began if alert in rows and (about := rows[alert].about) is not None)
    severe = {row.about for row in rows.values() if row.severity == TOLD_TO_MAIL}
    for about in sorted(truth.must):
        if about not in counted and (receiver == "hook" or about in severe):
            yield f"{receiver} was never told of {about}"
    for about, count in sorted(counted.items()):
        most = truth.most.get(about, 0)
        if about.order not in truth.excused and count > most:
            yield f"{receiver} was told {count} times of {about}, which was so {most} times"
