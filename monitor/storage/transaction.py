"""One transaction, and the few bulk statements that each dialect does in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, CursorResult, Executable, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.storage.engine import wrapped

Rows = Sequence[Sequence[Any]]
Columns = Sequence[Column[Any]]
Change = Callable[[Any], Mapping[str, Any]]
"""From a row that was to be inserted to what is set of the one that is there."""


class Transaction(ABC):
    """Statements in one transaction. Raises :mod:`monitor.errors` only.

    The bulk statements take one round trip to a server each, or a few, however many rows there are; none for
    no rows.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        with wrapped():
            return await self._connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Any = None) -> Sequence[Any]:
        """Rows with their columns as attributes."""
        return (await self.execute(statement, parameters)).all()

    @abstractmethod
    async def is_alone(self, doing: str) -> bool:
        """Whether no other transaction is doing this; none will be until this one ends."""

    @abstractmethod
    async def be_alone(self, doing: str) -> None:
        """Wait until no other transaction is doing this; none will be until this one ends. To be asked
        before anything is locked."""

    @abstractmethod
    def among(self, column: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
        """``column`` is one of ``ids``, as one parameter."""

    @abstractmethod
    def lasted(self, begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
        """Microseconds from one instant to another."""

    @abstractmethod
    def steps(self, column: ColumnElement[Any], step: timedelta) -> ColumnElement[int]:
        """How many whole steps since 1970 (UTC) an instant is in; for instants since then."""

    @abstractmethod
    async def ids(self, table: Table, count: int) -> list[int]:
        """``count`` ids for new rows of ``table``, never used before."""

    @abstractmethod
    async def append(self, table: Table, columns: Columns, rows: Rows) -> None:
        """Insert rows; one that is there already is a ``StorageConflict``."""

    @abstractmethod
    async def claim(self, table: Table, columns: Columns, rows: Rows) -> set[tuple[Any, ...]]:
        """Insert those rows whose primary key is not there yet; returns the primary keys of those inserted.
        Waits for other transactions that claim the same keys. ``rows`` are distinct and sorted by key, so
        that two claims cannot wait for each other."""

    @abstractmethod
    async def look_up(
        self, table: Table, keys: Columns, rows: Rows, returned: Sequence[ColumnElement[Any]]
    ) -> list[tuple[Any, ...]]:
        """``returned`` columns of the rows of ``table`` whose unique ``keys`` are among ``rows``."""

    @abstractmethod
    async def upsert(self, table: Table, columns: Columns, rows: Rows, change: Change | None = None) -> None:
        """Insert rows, or where the primary key is there already set what ``change`` says; without it,
        every column given."""

    @abstractmethod
    async def update(self, table: Table, match: Columns, change: Columns, rows: Rows) -> None:
        """For each row, which holds values of ``match`` and then of ``change``: set ``change`` wherever
        ``match`` is equal."""

    @abstractmethod
    async def update_returning(
        self, table: Table, match: Columns, change: Columns, rows: Rows, returned: Columns
    ) -> list[tuple[Any, ...]]:
        """As :meth:`update`; returns the columns ``returned`` of the rows that were there to be changed."""

    @abstractmethod
    async def delete(self, table: Table, match: Columns, rows: Rows) -> None:
        """Delete what equals one of ``rows`` in the columns ``match``."""


def all_but_key(columns: Columns) -> Change:
    return lambda new: {column.name: new[column.name] for column in columns if not column.primary_key}
