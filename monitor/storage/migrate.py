"""The schema of a database: bring it up to date, say where it stands.

Everything here is synchronous and for the command line and start-up; scripts are in ``alembic/``.
"""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from monitor.errors import SchemaOutdated
from monitor.resources import migrations
from monitor.storage.engine import migration_engine, wrapped

_LOCK = 4_870_213_377
"""PostgreSQL's advisory lock under which databases are migrated: any number, as long as it is ours alone."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at ``url`` (made if it is SQLite) to ``revision``. Does nothing where it already
    is; several processes may do it at once. All of it is done or, on an error, none."""
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to ``revision`` (``base``: no tables at all). Data is lost."""
    _run(url, lambda config: command.downgrade(config, revision))


def head() -> str:
    """The revision this version of the program needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def current(url: str) -> str | None:
    """The revision the database stands at; None where it was never migrated."""
    engine = migration_engine(url)
    try:
        with wrapped(), engine.connect() as connection:
            return stands_at(connection)
    finally:
        engine.dispose()


def stands_at(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def check(url: str) -> None:
    """Raises :class:`~monitor.errors.SchemaOutdated` unless the schema is the one this version needs."""
    compare(current(url), head())


def compare(found: str | None, needed: str) -> None:
    if found == needed:
        return
    if found is None:
        raise SchemaOutdated("The database has no tables yet.", mend="Run: choreoscope db upgrade")
    try:
        ScriptDirectory.from_config(_config()).get_revision(found)
    except CommandError as error:
        raise SchemaOutdated(
            f"The database schema ({found}) was made by a later version than this one ({needed}).",
            mend="Run the later version of choreoscope, or restore the database from before the upgrade.",
        ) from error
    raise SchemaOutdated(
        f"The database schema is {found}; this version needs {needed}.", mend="Run: choreoscope db upgrade"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    return config


def _run(url: str, action: Callable[[Config], None]) -> None:
    config = _config()
    engine = migration_engine(url)
    try:
        with wrapped(), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config.attributes["connection"] = connection
            action(config)
    finally:
        engine.dispose()
