"""The database: reached, writable, its schema the one this version needs. Makes no file and no table."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psycopg

from monitor.cli.doctor.result import SECONDS, Result, Results, fail, ok, warn
from monitor.errors import ChoreoscopeError
from monitor.settings import Settings
from monitor.storage import migrate

WHAT = "database"

_UPGRADE = "Run: choreoscope db upgrade"

_FORBIDDEN = """
SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
  AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
           AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
"""


async def examine_database(settings: Settings) -> Results:
    url = settings.database.get_secret_value()
    if url.startswith("sqlite"):
        results = _file(Path(url.removeprefix("sqlite:///")))
    else:
        results = await _server(url)
    for result in results:
        yield result
    if not any(result.mend for result in results):
        yield await _schema(url)


def _file(path: Path) -> list[Result]:
    if not path.exists():
        if os.access(path.parent, os.W_OK):
            return [warn(WHAT, f"{path} does not exist yet", _UPGRADE)]
        return [
            fail(WHAT, f"{path.parent} cannot be written to", "Make the folder, or give this user the right.")
        ]
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        mend = "Give this user the right to write the file and its folder (SQLite keeps files beside it)."
        return [fail(WHAT, f"{path} cannot be written to", mend)]
    return [ok(WHAT, f"{path} can be read and written")]


async def _server(url: str) -> list[Result]:
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=int(SECONDS), autocommit=True)
    except psycopg.Error as error:
        return [
            fail(WHAT, _said(error), "Check host, port, user, password and database name, and that it runs.")
        ]
    async with connection:
        where = f"{connection.info.host}:{connection.info.port}/{connection.info.dbname}"
        replica = await (await connection.execute("SELECT pg_is_in_recovery()")).fetchone()
        if replica and replica[0]:
            return [fail(WHAT, f"{where} is a read-only replica", "Name the primary server.")]
        forbidden = await (await connection.execute(_FORBIDDEN)).fetchone()
        if forbidden and forbidden[0]:
            mend = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {forbidden[0]} TO {connection.info.user};"
            return [fail(WHAT, f"{where}: {connection.info.user} may not write {forbidden[0]}", mend)]
        return [ok(WHAT, f"{where} reached, and may be written to")]


async def _schema(url: str) -> Result:
    try:
        found = await asyncio.to_thread(migrate.check, url)
    except ChoreoscopeError as error:
        return fail(WHAT, error.message, error.mend or _UPGRADE)
    if found != migrate.head():
        return ok(WHAT, f"the schema ({found}) was made by a later version, and suits this one")
    return ok(WHAT, f"the schema is the one this version needs ({found})")


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
