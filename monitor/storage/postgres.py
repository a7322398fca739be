"""Bulk statements on PostgreSQL.

Rows that are only appended go by binary COPY. Rows to be looked up or merged go as one JSON parameter, which
the server turns into rows: making arrays of Python lists takes ten times longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Dialect,
    LargeBinary,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    cast,
    column,
    delete,
    extract,
    func,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, dialect, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.storage.engine import wrapped
from monitor.storage.tables import BLOCK
from monitor.storage.transaction import Change, Columns, Rows, Transaction, all_but_key
from monitor.storage.types import SafeText, all_safe, escape

_DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]


class PostgresTransaction(Transaction):
    """``spare`` are ids taken and not used yet. A sequence never goes back, so they stay good after a
    rollback."""

    def __init__(self, connection: AsyncConnection, spare: dict[str, list[int]]) -> None:
        super().__init__(connection)
        self._spare = spare

    async def is_alone(self, doing: str) -> bool:
        asked = select(func.pg_try_advisory_xact_lock(func.hashtext(f"choreoscope {doing}")))
        return bool((await self.execute(asked)).scalar_one())

    async def be_alone(self, doing: str) -> None:
        await self.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"choreoscope {doing}"))))

    def among(self, column: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
        return column == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger())))

    def lasted(self, begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
        span = type_coerce(end, TIMESTAMP()) - type_coerce(begin, TIMESTAMP())
        return cast(extract("epoch", span) * 1_000_000, BigInteger())

    def steps(self, column: ColumnElement[Any], step: timedelta) -> ColumnElement[int]:
        return cast(func.floor(extract("epoch", column) / step.total_seconds()), BigInteger)

    async def ids(self, table: Table, count: int) -> list[int]:
        spare = self._spare.setdefault(table.name, [])
        taken, spare[:] = spare[:count], spare[count:]
        if missing := count - len(taken):
            blocks = await self.rows(
                text("SELECT nextval(:sequence) FROM generate_series(1, :blocks)"),
                {"sequence": f"{table.name}_id_seq", "blocks": -(-missing // BLOCK)},
            )
            new = [first + step for (first,) in blocks for step in range(BLOCK)]
            taken += new[:missing]
            spare += new[missing:]
        return taken

    async def append(self, table: Table, columns: Columns, rows: Rows) -> None:
        if not rows:
            return
        wire = _wire(table, tuple(columns))
        with wrapped():
            raw = await self._connection.get_raw_connection()
            connection: Any = raw.driver_connection
            async with connection.cursor() as cursor, cursor.copy(wire.copy) as copy:
                copy.set_types(wire.copy_types)
                for row in wire.escaped(rows):
                    await copy.write_row(row)

    async def claim(self, table: Table, columns: Columns, rows: Rows) -> set[tuple[Any, ...]]:
        if not rows:
            return set()
        wire = _wire(table, tuple(columns))
        claiming = (
            insert(table)
            .from_select([column.name for column in columns], wire.sent)
            .on_conflict_do_nothing()
            .returning(*table.primary_key.columns)
        )
        return {tuple(row) for row in await self.rows(claiming, wire.parameters(rows))}

    async def look_up(
        self, table: Table, keys: Columns, rows: Rows, returned: Sequence[ColumnElement[Any]]
    ) -> list[tuple[Any, ...]]:
        if not rows:
            return []
        wire = _wire(table, tuple(keys))
        given = wire.sent.subquery("given")
        # the limit keeps the planner from making anything but an index look-up for each row of this
        found = select(*returned).where(*(key == given.c[key.name] for key in keys)).limit(1).lateral("found")
        looking = select(found).select_from(given.join(found, text("true")))
        return [tuple(row) for row in await self.rows(looking, wire.parameters(rows))]

    async def upsert(self, table: Table, columns: Columns, rows: Rows, change: Change | None = None) -> None:
        if not rows:
            return
        wire = _wire(table, tuple(columns))
        inserting = insert(table).from_select([column.name for column in columns], wire.sent)
        changed = (change or all_but_key(columns))(inserting.excluded)
        merging = inserting.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_=dict(changed)
        )
        await self.execute(merging, wire.parameters(rows))

    async def update(self, table: Table, match: Columns, change: Columns, rows: Rows) -> None:
        if rows:
            await self.execute(
                _updating(table, match, change), _wire(table, (*match, *change)).parameters(rows)
            )

    async def update_returning(
        self, table: Table, match: Columns, change: Columns, rows: Rows, returned: Columns
    ) -> list[tuple[Any, ...]]:
        if not rows:
            return []
        updating = _updating(table, match, change).returning(*returned)
        parameters = _wire(table, (*match, *change)).parameters(rows)
        return [tuple(row) for row in await self.rows(updating, parameters)]

    async def delete(self, table: Table, match: Columns, rows: Rows) -> None:
        if not rows:
            return
        wire = _wire(table, tuple(match))
        given = wire.sent.subquery("given")
        same = (column == value for column, value in zip(match, given.c, strict=True))
        await self.execute(delete(table).where(*same), wire.parameters(rows))


def _updating(table: Table, match: Columns, change: Columns) -> Update:
    given = list(_wire(table, (*match, *change)).sent.subquery("given").c)
    matched, changed = given[: len(match)], given[len(match) :]
    return (
        update(table)
        .where(*(column == value for column, value in zip(match, matched, strict=True)))
        .values(dict(zip(change, changed, strict=True)))
    )


class _Wire:
    """How rows of some columns of a table travel."""

    def __init__(self, table: Table, columns: tuple[Any, ...]) -> None:
        self._columns = columns
        self._places = [f"c{place}" for place in range(len(columns))]
        self._texts = [place for place, one in enumerate(columns) if isinstance(one.type, SafeText)]
        self._binary = [place for place, one in enumerate(columns) if isinstance(one.type, LargeBinary)]
        quote = _DIALECT.identifier_preparer.quote
        listed = ", ".join(quote(one.name) for one in columns)
        self.copy = f"COPY {quote(table.name)} ({listed}) FROM STDIN (FORMAT BINARY)"
        self.copy_types = [
            _COPIED[one.type.compile(_DIALECT).removesuffix(' COLLATE "C"')] for one in columns
        ]

    def escaped(self, rows: Rows) -> Iterable[Sequence[Any]]:
        texts = (value for row in rows for place in self._texts if (value := row[place]) is not None)
        return rows if all_safe(texts) else self._escaped(rows)

    def _escaped(self, rows: Rows) -> Iterable[Sequence[Any]]:
        for row in rows:
            safe = list(row)
            for place in self._texts:
                if safe[place] is not None:
                    safe[place] = escape(safe[place])
            yield safe

    def parameters(self, rows: Rows) -> dict[str, str]:
        """The rows, for statements made of :attr:`sent`."""
        records = []
        for row in self.escaped(rows):
            record = dict(zip(self._places, row, strict=True))
            for place in self._binary:
                if row[place] is not None:
                    record[self._places[place]] = row[place].hex()
            records.append(record)
        return {"sent": orjson.dumps(records).decode()}

    @cached_property
    def sent(self) -> Select[Any]:
        """``SELECT columns FROM json_to_recordset(:sent)``, in the rows' order. A column that stands there
        for the second time has a number behind its name."""
        kinds = [Text() if place in self._binary else one.type for place, one in enumerate(self._columns)]
        listed = (column(name, kind) for name, kind in zip(self._places, kinds, strict=True))
        given = (
            func.json_to_recordset(cast(bindparam("sent", type_=Text()), JSON()))
            .table_valued(*listed, name="rows")
            .render_derived(with_types=True)
        )
        names = [str(one.name) for one in self._columns]
        selected = []
        for place, name in enumerate(names):
            value: ColumnElement[Any] = given.c[self._places[place]]
            value = func.decode(value, "hex") if place in self._binary else value
            selected.append(value.label(name + str(names[:place].count(name) or "")))
        return select(*selected)


@lru_cache(maxsize=256)
def _wire(table: Table, columns: tuple[Any, ...]) -> _Wire:
    return _Wire(table, columns)


_COPIED = {
    "BIGINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int2",
    "BOOLEAN": "bool",
    "BYTEA": "bytea",
    "TEXT": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}
"""The names by which psycopg knows the types."""
