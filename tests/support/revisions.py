"""Revisions of a version to come, for tests; and whether a revision lets those at work go on."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from alembic import command

from monitor.resources import migrations
from monitor.storage.revisions import config_of, scripts

BASE = "0010"
"""From here on every revision suits the version before it, or says that it does not."""

_FILE = '''"""{doing}."""

from alembic import op

from monitor.storage import ddl

revision = {name!r}
down_revision = {after!r}
branch_labels = None
depends_on = None
{marks}

def upgrade() -> None:
    {body}


def downgrade() -> None:
    pass
'''


def grown(folder: Path, bodies: Iterable[str], marks: str = "") -> Path:
    """A copy of Alembic's folder with one more revision a body, 0901 and up. ``marks``: lines in each."""
    shutil.copytree(migrations(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    after = scripts().get_current_head()
    for number, body in enumerate(bodies, 901):
        name = f"{number:04}"
        said = _FILE.format(
            doing=f"What version {number} wants", name=name, after=after, marks=marks, body=body
        )
        (folder / "versions" / f"{name}_to_come.py").write_text(said, "utf-8")
        after = name
    return folder


# the policy ------------------------------------------------------------------------------------------------

_CONSTANT = r"(?:'[^']*'|-?\d+(?:\.\d+)?|true|false|NULL)(?:::\w+)?"
_COLUMN = re.compile(r'ALTER TABLE "?(?P<table>\w+)"? ADD COLUMN (?P<rest>.*)', re.IGNORECASE | re.DOTALL)
_DEFAULT = re.compile(rf"\bDEFAULT {_CONSTANT}(?: NOT NULL)?$", re.IGNORECASE)
_INDEX = re.compile(
    r'CREATE (?P<unique>UNIQUE )?INDEX (?P<how>CONCURRENTLY )?(?:IF NOT EXISTS )?\S+ ON "?(?P<table>\w+)'
)
_ADDED = re.compile(r'CREATE TABLE "?(\w+)"?')
_OWN_ROWS = re.compile(r'(?:INSERT INTO|UPDATE) "?(\w+)"?')


def broken_promises(revision: str) -> list[str]:
    """The statements of a revision on PostgreSQL that those at work cannot go on with: what is there goes or
    becomes narrower, or large tables are locked or rewritten. Empty for a revision that only adds."""
    statements = _statements(revision)
    new = {match[1] for one in statements if (match := _ADDED.match(one))} | {"alembic_version"}
    return [one for one in statements if not _only_adds(one, new)]


def _only_adds(statement: str, new: set[str]) -> bool:
    if _ADDED.match(statement) or statement in ("BEGIN", "COMMIT"):
        return True
    if match := _INDEX.match(statement):
        # a unique index narrows what may be written, and so does nothing for those who do not know it
        return match["table"] in new or bool(match["how"] and not match["unique"])
    if match := _COLUMN.match(statement):
        rest = match["rest"]
        is_plain = "NOT NULL" not in rest.upper() and "DEFAULT" not in rest.upper()
        return match["table"] in new or is_plain or bool(_DEFAULT.search(rest))
    if match := _OWN_ROWS.match(statement):
        return match[1] in new
    return bool(re.match(r"DROP INDEX CONCURRENTLY ", statement))


def _statements(revision: str) -> list[str]:
    """What a revision executes on PostgreSQL."""
    script = scripts().get_revision(revision)
    assert script is not None
    said = io.StringIO()
    config = config_of()
    config.output_buffer = said
    command.upgrade(config, f"{script.down_revision}:{revision}", sql=True)
    lines = (line for line in said.getvalue().splitlines() if not line.startswith("--"))
    return [" ".join(one.split()) for one in "\n".join(lines).split(";") if one.strip()]
