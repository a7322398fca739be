"""A list put together from parts that each have an index, at a bounded cost whatever is asked.

Each part is read in order by its index; conditions without an index are tried on the rows as they come. Where
few rows meet them, that is given up after :data:`WINDOW` rows, and the page says that it is partial: the next
one goes on where it ended. So no question takes long, and none is answered wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Row, Select, column, literal, select, union_all

from monitor.storage import keyset
from monitor.storage.transaction import Transaction

WINDOW = 10_000
"""Rows tried for one page, of all parts together."""

LEAST_OF_A_PART = 500
"""Rows tried of each part, however many there are."""

_AT_ONCE = 100
"""Parts in one statement: SQLite takes 500 at most."""

Holds = Callable[[FromClause], ColumnElement[bool]]
"""A condition on rows of whatever has the columns of a part."""


class Part(NamedTuple):
    """``rows`` are all rows of the part, by conditions an index has; ``keys`` are the columns that index
    goes on by."""

    rows: Select[Any]
    keys: keyset.Keys


class Order(NamedTuple):
    """``names`` are what the keys of every part are called among its columns; the last is unique."""

    names: Sequence[str]
    ascending: bool = False


class Found(NamedTuple):
    rows: Sequence[Row[Any]]
    next: str | None
    partial: bool


async def walk(
    transaction: Transaction,
    parts: Sequence[Part],
    order: Order,
    holds: Sequence[Holds],
    cursor: str | None,
    limit: int,
    window: int = 0,
) -> Found:
    """The first ``limit`` rows after ``cursor`` that meet ``holds``. ``window``: try at least so many of each
    part."""
    deep = max(window, LEAST_OF_A_PART, WINDOW // max(1, len(parts)))
    ordered = [_ordered(part, order, cursor) for part in parts]
    found: list[Row[Any]] = []
    for first in range(0, len(parts), _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, len(parts)))
        united = _united([(place, _tried(ordered[place], order, holds, deep, limit + 1)) for place in some])
        found += await transaction.rows(united if holds else _merged(united, order, limit + 1))
    found.sort(key=lambda row: _place(row, order), reverse=not order.ascending)
    edge = None
    if holds:
        counts = [0] * len(parts)
        for row in found:
            counts[row.part] += 1
        short = [place for place, count in enumerate(counts) if count <= limit]
        edge = await _edge(transaction, ordered, parts, short, order, deep)
    if edge is not None:
        beyond = [place for place, row in enumerate(found) if _is_beyond(_place(row, order), edge, order)]
        found = found[: beyond[0]] if beyond else found
    if len(found) > limit:
        return Found(found[:limit], keyset.encoded(_place(found[limit - 1], order)), partial=False)
    if edge is not None:
        return Found(found, keyset.encoded(edge), partial=True)
    return Found(found, None, partial=False)


def _ordered(part: Part, order: Order, cursor: str | None) -> Select[Any]:
    beyond = keyset.after(part.keys, cursor, ascending=order.ascending)
    rows = part.rows if beyond is None else part.rows.where(beyond)
    return rows.order_by(*(key.asc() if order.ascending else key.desc() for key in part.keys))


def _tried(ordered: Select[Any], order: Order, holds: Sequence[Holds], deep: int, limit: int) -> Select[Any]:
    if not holds:
        return ordered.limit(limit)
    tried = ordered.limit(deep).subquery()
    keys = [tried.c[name] for name in order.names]
    met = select(tried).where(*(one(tried) for one in holds))
    return met.order_by(*(key.asc() if order.ascending else key.desc() for key in keys)).limit(limit)


def _united(numbered: Sequence[tuple[int, Select[Any]]]) -> Any:
    return union_all(*(select(literal(place).label("part"), part.subquery()) for place, part in numbered))


def _merged(united: Any, order: Order, limit: int) -> Any:
    """Of all parts the first ones, where nobody asks how far each part was read."""
    keys: list[ColumnElement[Any]] = [column(name) for name in order.names]
    return united.order_by(*(key.asc() if order.ascending else key.desc() for key in keys)).limit(limit)


async def _edge(
    transaction: Transaction,
    ordered: Sequence[Select[Any]],
    parts: Sequence[Part],
    short: Sequence[int],
    order: Order,
    deep: int,
) -> tuple[Any, ...] | None:
    """Up to where every part was tried; None where all of them were to their end."""
    edges: list[tuple[Any, ...]] = []
    for first in range(0, len(short), _AT_ONCE):
        asked = []
        for place in short[first : first + _AT_ONCE]:
            keys = [key.label(name) for key, name in zip(parts[place].keys, order.names, strict=True)]
            last_tried = ordered[place].with_only_columns(*keys).offset(deep - 1).limit(2)
            asked.append((place, last_tried))
        at: dict[int, list[tuple[Any, ...]]] = {}
        for row in await transaction.rows(_united(asked)):
            at.setdefault(row.part, []).append(_place(row, order))
        edges += [_first(two, order) for two in at.values() if len(two) == 2]
    return _first(edges, order) if edges else None


def _first(places: Sequence[tuple[Any, ...]], order: Order) -> tuple[Any, ...]:
    return min(places) if order.ascending else max(places)


def _is_beyond(place: tuple[Any, ...], edge: tuple[Any, ...], order: Order) -> bool:
    return place > edge if order.ascending else place < edge


def _place(row: Row[Any], order: Order) -> tuple[Any, ...]:
    return tuple(row._mapping[name] for name in order.names)
