"""What migrations are written with, where Alembic's own operations would hold up those at work."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

_INVALID = text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:index)")


def create_index(
    name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None
) -> None:
    """An index of a table that may be large, in a revision that says ``concurrently = True``. Writers go on
    while PostgreSQL makes it. May be done again: what an attempt left unfinished is dropped first."""
    condition = None if where is None else text(where)
    context = op.get_context()
    if not _is_concurrent():
        op.create_index(
            name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition
        )
        return
    if not context.as_sql and op.get_bind().execute(_INVALID, {"index": name}).scalar():
        drop_index(name, table)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        postgresql_where=condition,
        postgresql_concurrently=True,
        if_not_exists=True,
    )


def drop_index(name: str, table: str) -> None:
    """Likewise, of an index no version in use needs any more."""
    if _is_concurrent():
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
    else:
        op.drop_index(name, table)


def _is_concurrent() -> bool:
    """Whether statements stand for themselves. A database that is only being made has nobody at work."""
    context = op.get_context()
    if context.dialect.name != "postgresql":
        return False
    connection = context.connection
    return (
        context.as_sql
        or connection is None
        or connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    )
