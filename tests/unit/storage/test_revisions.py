"""Schemas only grow (docs/adr/0010): a revision lets the version before it go on, or says it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import SchemaOutdated
from monitor.storage import revisions
from monitor.storage.revisions import Standing, between, compare, head
from tests.support.revisions import BASE, broken_promises, grown


def test_every_revision_only_adds_or_says_that_it_needs_a_stop() -> None:
    for one in between(BASE, head()):
        assert one.needs_stop or broken_promises(one.name) == [], one
        assert not one.needs_stop or broken_promises(one.name), (
            f"{one.name} asks for a stop that is not needed"
        )


@pytest.fixture
def body(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = grown(tmp_path / "alembic", [request.param])
    monkeypatch.setattr(revisions, "migrations", lambda: folder)
    return str(request.param)


ADDS = [
    'op.execute("ALTER TABLE events ADD COLUMN note TEXT")',
    'op.execute("ALTER TABLE events ADD COLUMN weight INTEGER DEFAULT 0 NOT NULL")',
    'op.execute("CREATE TABLE notes (id BIGINT)"); op.execute("CREATE UNIQUE INDEX uq ON notes (id)")',
    'op.execute("CREATE TABLE notes (id BIGINT)"); op.execute("INSERT INTO notes VALUES (1)")',
    'ddl.create_index("ix_events_note", "events", ["type"])',
    'ddl.drop_index("ix_traces_last", "traces")',
]

BREAKS = [
    'op.drop_column("events", "type")',
    'op.drop_table("events")',
    'op.alter_column("events", "type", nullable=False)',
    'op.alter_column("events", "type", new_column_name="kind")',
    'op.rename_table("events", "happenings")',
    'op.execute("ALTER TABLE events ADD COLUMN note TEXT NOT NULL")',
    'op.execute("ALTER TABLE events ADD COLUMN at TIMESTAMPTZ DEFAULT clock_timestamp()")',
    'op.create_index("ix_events_note", "events", ["type"])',
    'ddl.create_index("uq_events_type", "events", ["type"], unique=True)',
    'op.drop_index("ix_traces_last", "traces")',
    'op.create_check_constraint("short", "events", "length(type) < 9")',
    'op.execute("UPDATE events SET type = lower(type)")',
    'op.execute("DELETE FROM events")',
]


@pytest.mark.parametrize("body", ADDS, indirect=True)
def test_a_revision_that_only_adds(body: str) -> None:
    assert broken_promises("0901") == []


@pytest.mark.parametrize("body", BREAKS, indirect=True)
def test_a_revision_that_those_at_work_cannot_go_on_with(body: str) -> None:
    assert len(broken_promises("0901")) == 1


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Standing(None), "no tables yet"),
        (Standing("0009"), "is 0009; this version needs"),
        (Standing("9999"), "later version"),
        (Standing("9999", "9998"), "later version"),
    ],
)
def test_a_schema_this_version_cannot_work_on(found: Standing, told: str) -> None:
    with pytest.raises(SchemaOutdated, match=told) as caught:
        compare(found, head())
    assert caught.value.mend


@pytest.mark.parametrize("found", [Standing(head()), Standing("9999", head()), Standing("9999", BASE)])
def test_a_schema_this_version_can_work_on(found: Standing) -> None:
    compare(found, head())
