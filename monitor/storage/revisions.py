"""The revisions of the schema this version knows, and what they ask of those at work meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, select

from monitor.errors import SchemaOutdated
from monitor.resources import migrations
from monitor.storage.tables import schema_suits

UPGRADE = "Run: choreoscope db upgrade"


@dataclass(frozen=True, slots=True)
class Revision:
    """``after``: the revision it follows on. ``concurrently``: its statements stand each for itself and may
    be done again. ``needs_stop``: versions from before it cannot work on what it makes."""

    name: str
    after: str | None
    doing: str
    concurrently: bool
    needs_stop: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands: its revision, None where it has no tables; and, where a later version made it,
    the oldest revision whose versions it suits."""

    revision: str | None
    suits_since: str | None = None


def config_of() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    return config


def scripts() -> ScriptDirectory:
    return _scripts(str(migrations()))


@cache  # every opened store asks, and each revision is a file to read and run
def _scripts(location: str) -> ScriptDirectory:
    return ScriptDirectory(location)


def head() -> str:
    """The revision this version of the program needs."""
    revision = scripts().get_current_head()
    assert revision is not None
    return revision


def between(after: str | None, until: str) -> list[Revision]:
    """The revisions that follow on ``after`` (None: all), the earliest first, ``until`` included. Raises
    :class:`~monitor.errors.SchemaOutdated` where a later version made what is there."""
    known = scripts()
    if after is not None and not _knows(known, after):
        raise _later(after, known)
    return [_told(one) for one in reversed(list(known.iterate_revisions(until, after or "base")))]


def _told(script: Script) -> Revision:
    after = script.down_revision
    assert after is None or isinstance(after, str)  # one line, without branches
    return Revision(
        script.revision,
        after,
        (script.doc or "").partition("\n")[0].rstrip("."),
        bool(getattr(script.module, "concurrently", False)),
        bool(getattr(script.module, "needs_stop", False)),
    )


def stands_at(connection: Connection) -> Standing:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None or _knows(scripts(), revision):
        return Standing(revision)
    return Standing(revision, connection.execute(select(schema_suits.c.since)).scalar())


def compare(found: Standing, needed: str) -> None:
    """Raises :class:`~monitor.errors.SchemaOutdated` unless a version that needs ``needed`` works there."""
    if found.revision == needed or suits(found):
        return
    if found.revision is None:
        raise SchemaOutdated("The database has no tables yet.", mend=UPGRADE)
    known = scripts()
    if not _knows(known, found.revision):
        raise _later(found.revision, known)
    raise SchemaOutdated(
        f"The database schema is {found.revision}; this version needs {needed}.", mend=UPGRADE
    )


def suits(found: Standing) -> bool:
    """Whether a later version made the schema, and this one can work on it."""
    return found.suits_since is not None and _knows(scripts(), found.suits_since)


def _later(revision: str | None, known: ScriptDirectory) -> SchemaOutdated:
    return SchemaOutdated(
        f"The database schema ({revision}) was made by a later version than this one"
        f" ({known.get_current_head()}).",
        mend="Run the later version of choreoscope, or restore the database from before the upgrade.",
    )


def _knows(known: ScriptDirectory, revision: str) -> bool:
    try:
        return known.get_revision(revision) is not None
    except CommandError:
        return False
