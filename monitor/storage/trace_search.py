"""What a search means in the database: terms to keys, kept attributes and event ids.

A term that few traces meet is answered by their ids; one that many do is asked of one trace after the other.
Keys and attributes belong to the chain of their first trace; where chains were merged, one hop leads on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, or_, select

from monitor.errors import InvalidInput
from monitor.storage.attributes import attribute_name, spellings
from monitor.storage.linking import link_value
from monitor.storage.tables import (
    LATER_IN_CHAIN,
    LISTED,
    observations,
    trace_attributes,
    trace_keys,
    traces,
)
from monitor.storage.terms import Term
from monitor.storage.transaction import Transaction
from monitor.storage.walk import Holds

FEW = 5000
"""Up to so many traces are named one by one; of more, a page's worth is soon met on the way."""

MOST_NAMES = 1000
"""Names of attributes of one flow among which a last segment is looked for."""


class Answer(NamedTuple):
    """``ids``: of all traces that meet the condition; None where they are many. ``holds`` says the same of
    each row."""

    ids: frozenset[int] | None
    holds: Holds


class _Lead(NamedTuple):
    """Rows of ``table`` that lead to traces: by ``trace_id``, the chain's first trace. Of ``alternatives``
    each is a range of an index; looked for all at once, every row would be before the first came. ``asked``
    says the same of the rows of one trace, where an index of the trace is the one to use."""

    table: Table
    alternatives: Sequence[ColumnElement[bool]]
    asked: ColumnElement[bool]


async def found_by(transaction: Transaction, term: Term, flows: Sequence[str]) -> Answer:
    """``flows``: where to look for named keys and attributes."""
    leads = await _leads(transaction, term, flows)
    linked: set[int] = set()
    probed: list[_Lead] = []  # of leads that are few, nothing need be asked of each row
    for lead in leads:
        ids = await some_ids(transaction, [_led(lead, one) for one in lead.alternatives])
        if ids is None:
            probed.append(lead)
        else:
            linked |= ids
    of = observations.c
    event = None if term.bare is None else of.event_id == term.bare
    held = set() if event is None else await some_ids(transaction, [select(of.trace_id).where(event)])
    named = await _with_chains(transaction, linked, held or set())
    if named is None:
        probed = leads
    elif not probed and held is not None:
        return Answer(named, _one_of(transaction, named))

    def holds(rows: FromClause) -> ColumnElement[bool]:
        asked = [probe for lead in probed for probe in _probes(lead, rows)]
        if event is not None and held is None:
            asked.append(met(select(of.trace_id).where(of.trace_id == rows.c.id, event), rows))
        return or_(transaction.among(rows.c.id, named or held or ()), *asked)

    return Answer(None, holds)


def _led(lead: _Lead, where: ColumnElement[bool]) -> Select[Any]:
    return select(lead.table.c.trace_id).where(where)


async def some_ids(transaction: Transaction, asked: Iterable[Select[Any]]) -> set[int] | None:
    """All ids these select; None where they are more than few."""
    found: set[int] = set()
    for one in asked:
        some = one.limit(FEW + 1).cte("some")
        id_ = some.c[0]
        counted = select(func.count().label("count")).select_from(some).subquery("counted")
        # ids are sent where they are few only: to read thousands takes longer than to find them
        told = select(counted.c.count, id_).select_from(counted.outerjoin(some, counted.c.count <= FEW))
        rows = await transaction.rows(told)
        if rows[0][0] > FEW:
            return None
        if rows[0][0]:
            found.update(row[1] for row in rows)
    return found if len(found) <= FEW else None


def few(transaction: Transaction, ids: set[int]) -> Answer:
    return Answer(frozenset(ids), _one_of(transaction, ids))


def met(asked: Select[Any], rows: FromClause) -> ColumnElement[bool]:
    """Whether there is such a row, asked of one of ``rows`` after the other: EXISTS would let the planner
    look for all of them first."""
    return asked.limit(1).correlate(rows).scalar_subquery().is_not(None)


def _one_of(transaction: Transaction, ids: Iterable[int]) -> Holds:
    return lambda rows: transaction.among(rows.c.id, ids)


async def _leads(transaction: Transaction, term: Term, flows: Sequence[str]) -> list[_Lead]:
    key, attribute = trace_keys.c, trace_attributes.c
    found: list[_Lead] = []
    if term.bare is not None:
        if term.exact:
            found.append(_lead(trace_keys, [key.value == link_value(term.bare)]))
        else:
            # a range may hold far more rows than the planner knows of, new keys above all: an expression has
            # no index, so that it cannot read the whole range for each trace
            asked = _starting(key.value.concat(""), term.bare)
            found.append(_Lead(trace_keys, [_starting(key.value, term.bare)], asked))
        values = [attribute.value == value for value in spellings(term.bare)]
        found.append(_lead(trace_attributes, values))
    if term.name is not None:
        named = and_(key.flow.in_(flows), key.name == term.name, key.value == link_value(term.value))
        found.append(_lead(trace_keys, [named]))
        of_flows = [
            and_(attribute.flow == flow, attribute.name == name, attribute.value == value)
            for flow in flows
            for name in await _names(transaction, flow, attribute_name(term.name))
            for value in spellings(term.value)
        ]
        if of_flows:
            found.append(_lead(trace_attributes, of_flows))
    return found


def _lead(table: Table, alternatives: Sequence[ColumnElement[bool]]) -> _Lead:
    return _Lead(table, alternatives, or_(*alternatives))


async def _names(transaction: Transaction, flow: str, name: str) -> list[str]:
    """The attributes of a flow that are called so, by their path or its last segment."""
    of = trace_attributes.c
    first = select(func.min(of.name).label("name")).where(of.flow == flow).cte("names", recursive=True)
    following = select(func.min(of.name)).where(of.flow == flow, of.name > first.c.name).scalar_subquery()
    every = first.union_all(select(following).where(first.c.name.is_not(None)))
    asked = select(every.c.name).where(every.c.name.is_not(None)).limit(MOST_NAMES + 1)
    known = [row.name for row in await transaction.rows(asked)]
    if len(known) > MOST_NAMES:
        if "." in name:
            return [name]
        raise InvalidInput(
            f"Flow {flow!r} keeps more than {MOST_NAMES} kinds of attributes; {name!r} alone names none.",
            mend="Give the whole path, such as data.amount=12.50.",
        )
    return [one for one in known if one == name or one.endswith(f".{name}")]


async def _with_chains(transaction: Transaction, linked: set[int], held: set[int]) -> frozenset[int] | None:
    """The traces these rows lead to: all of their chains."""
    of = traces.c
    roots = select(of.chain_id).where(transaction.among(of.id, linked))
    chains = {chain for (chain,) in await transaction.rows(roots)} if linked else set()
    if not chains:
        return frozenset(held)
    later = select(of.id).where(LATER_IN_CHAIN, LISTED, transaction.among(of.chain_id, chains))
    found = await some_ids(transaction, [later])
    return None if found is None else frozenset(chains | found | held)


def _probes(lead: _Lead, rows: FromClause) -> list[ColumnElement[bool]]:
    of = lead.table.c
    where = lead.asked
    first = traces.alias("linked")
    through_merged = (
        select(of.trace_id)
        .join_from(lead.table, first, first.c.id == of.trace_id)
        .where(first.c.chain_id == rows.c.chain_id, first.c.id != first.c.chain_id, where)
    )
    direct = select(of.trace_id).where(of.trace_id == rows.c.chain_id, where)
    return [met(direct, rows), met(through_merged, rows)]


def _starting(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Texts that begin with ``prefix``, as a range of an index (texts are ordered by code point)."""
    prefix = link_value(prefix) if len(prefix) > 500 else prefix
    last = prefix.rstrip("\U0010ffff")
    if not last:
        return column >= prefix
    following = ord(last[-1]) + 1
    end = last[:-1] + chr(0xE000 if following == 0xD800 else following)
    return and_(column >= prefix, column < end)
