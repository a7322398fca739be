"""Bulk statements on SQLite, which runs in this process and takes rows one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Table,
    bindparam,
    delete,
    func,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.storage.transaction import Change, Columns, Rows, Transaction, all_but_key

_CHUNK = 2000
"""Rows named in one statement: it takes 32,766 parameters at most."""


class SqliteTransaction(Transaction):
    """There is one writer at a time: what was looked up holds until the commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._next: dict[str, int] = {}

    async def is_alone(self, doing: str) -> bool:
        del doing  # whoever writes is the only one who does
        return True

    async def be_alone(self, doing: str) -> None:
        del doing

    def among(self, column: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
        listed = func.json_each(json.dumps(list(ids))).table_valued("value")
        return column.in_(select(listed.c.value))

    def lasted(self, begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
        return type_coerce(end, BigInteger) - type_coerce(begin, BigInteger)

    def steps(self, column: ColumnElement[Any], step: timedelta) -> ColumnElement[int]:
        return type_coerce(column, BigInteger) // (step // timedelta(microseconds=1))

    async def ids(self, table: Table, count: int) -> list[int]:
        if table.name not in self._next:
            last = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
            found = await self.execute(last, {"name": table.name})
            self._next[table.name] = (found.scalar() or 0) + 1
        first = self._next[table.name]
        self._next[table.name] += count
        return list(range(first, first + count))

    async def append(self, table: Table, columns: Columns, rows: Rows) -> None:
        if rows:
            await self.execute(table.insert(), _named(columns, rows))

    async def claim(self, table: Table, columns: Columns, rows: Rows) -> set[tuple[Any, ...]]:
        keys = list(table.primary_key.columns)
        places = [list(columns).index(key) for key in keys]
        new = {tuple(row[place] for place in places): row for row in rows}
        for there in await self.look_up(table, keys, list(new), keys):
            new.pop(there, None)
        await self.append(table, columns, list(new.values()))
        return set(new)

    async def look_up(
        self, table: Table, keys: Columns, rows: Rows, returned: Sequence[ColumnElement[Any]]
    ) -> list[tuple[Any, ...]]:
        del table
        found: list[tuple[Any, ...]] = []
        for chunk in _chunks(rows):
            if len(keys) == 1:
                named = keys[0].in_([value for (value,) in chunk])
            else:
                named = tuple_(*keys).in_([tuple(row) for row in chunk])
            found += [tuple(row) for row in await self.rows(select(*returned).where(named))]
        return found

    async def upsert(self, table: Table, columns: Columns, rows: Rows, change: Change | None = None) -> None:
        if not rows:
            return
        inserting = insert(table)
        changed = (change or all_but_key(columns))(inserting.excluded)
        merging = inserting.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=dict(changed)
        )
        await self.execute(merging, _named(columns, rows))

    async def update(self, table: Table, match: Columns, change: Columns, rows: Rows) -> None:
        if not rows:
            return
        matched, changed = _parameters("match", match), _parameters("change", change)
        names = [parameter.key for parameter in (*matched, *changed)]
        await self.execute(
            update(table)
            .where(*(column == value for column, value in zip(match, matched, strict=True)))
            .values(dict(zip(change, changed, strict=True))),
            [dict(zip(names, row, strict=True)) for row in rows],
        )

    async def update_returning(
        self, table: Table, match: Columns, change: Columns, rows: Rows, returned: Columns
    ) -> list[tuple[Any, ...]]:
        there = await self.look_up(table, match, [row[: len(match)] for row in rows], returned)
        await self.update(table, match, change, rows)
        return there

    async def delete(self, table: Table, match: Columns, rows: Rows) -> None:
        if not rows:
            return
        matched = _parameters("match", match)
        names = [parameter.key for parameter in matched]
        await self.execute(
            delete(table).where(*(column == value for column, value in zip(match, matched, strict=True))),
            [dict(zip(names, row, strict=True)) for row in rows],
        )


def _named(columns: Columns, rows: Rows) -> list[dict[str, Any]]:
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _parameters(name: str, columns: Columns) -> list[BindParameter[Any]]:
    return [bindparam(f"{name}_{place}", type_=column.type) for place, column in enumerate(columns)]


def _chunks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
