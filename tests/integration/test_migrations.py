"""The migrations make exactly the schema the program is written for, and take it back."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert

from monitor.errors import SchemaOutdated, StorageError
from monitor.storage import migrate
from monitor.storage.engine import migration_engine
from monitor.storage.sql import open_store
from monitor.storage.tables import metadata, source_shards


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path}/schema.db"


def definitions(engine: Engine) -> list[tuple[str, ...]]:
    """Every table, column and index of a database, as it says itself."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            query = (
                "SELECT type, name, lower(sql) FROM sqlite_master WHERE name NOT LIKE 'alembic%'"
                " AND name <> 'sqlite_sequence' AND name NOT LIKE '%autoindex_alembic%' ORDER BY 1, 2"
            )
            found = [tuple(map(str, row)) for row in connection.exec_driver_sql(query)]
            # a column added later stands there with other blanks
            return [
                (kind, name, re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.replace('"', "").split())))
                for kind, name, sql in found
            ]
        queries = (
            "SELECT tablename, indexname, indexdef FROM pg_indexes"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2",
            "SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default,"
            " is_identity, identity_generation, identity_increment FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2",
            "SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relname NOT LIKE 'alembic%%' ORDER BY 1",
        )
        return [tuple(map(str, row)) for query in queries for row in connection.exec_driver_sql(query)]


def test_migrations_equal_the_tables(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    engine = migration_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrated = definitions(engine)
    migrate.downgrade(empty_url, "base")
    assert definitions(engine) == []
    metadata.create_all(engine)
    assert definitions(engine) == migrated
    assert len(migrated) > 30
    engine.dispose()


def test_upgrade_twice_is_upgrade_once(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    migrate.check(empty_url)


async def test_store_needs_its_schema(empty_url: str) -> None:
    with pytest.raises(SchemaOutdated) as caught:
        await open_store(empty_url)
    assert "choreoscope db upgrade" in (caught.value.mend or "")
    with pytest.raises(SchemaOutdated):
        migrate.check(empty_url)


def test_schema_of_a_later_version(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = migration_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("UPDATE schema_suits SET since = '9998'")
    engine.dispose()
    with pytest.raises(SchemaOutdated, match="later version"):
        migrate.check(empty_url)


def test_confirmed_deviations_are_counted_by_the_upgrade(empty_url: str) -> None:
    """0002: traces that were there before it are counted and found as if they had been stored by it."""
    migrate.upgrade(empty_url, "0001")
    engine = migration_engine(empty_url)
    when = "2026-01-01 00:00:00+00" if empty_url.startswith("postgresql") else "1767225600000000"
    merged = {4: "1"}

    def trace(number: int) -> str:
        return (
            "INSERT INTO traces (id, chain_id, ordinal, flow, flow_id, key, events, conforms, complete,"
            " undecided, exact, cost, deviations, open_clocks, expected, standing, merged_into, revision,"
            f" updated) VALUES ({number}, {number}, 0, 'order', 1, 'o-{number}', 1, {number == 3}, false,"
            f" false, true, 1, 1, false, '[]', '[]', {merged.get(number, 'NULL')}, 1, '{when}')"
        )

    def finding(trace: int, key: str, kind: str, state: str) -> str:
        blob = f"decode('{key}', 'hex')" if empty_url.startswith("postgresql") else f"x'{key}'"
        return (
            "INSERT INTO findings (trace_id, key, trace_key, flow, kind, state, severity, name, message,"
            f" expected, subject, time, found) VALUES ({trace}, {blob}, 'o', 'order', '{kind}', '{state}',"
            f" 'warning', 'n', 'm', '[]', '', '{when}', '{when}')"
        )

    def observation(trace: int, event: int) -> str:
        blob = "decode('00', 'hex')" if empty_url.startswith("postgresql") else "x'00'"
        return (
            "INSERT INTO observations (trace_id, time, event, identity, label)"
            f" VALUES ({trace}, '{when}', {event}, {blob}, 'L')"
        )

    with engine.begin() as connection:
        for statement in (
            *map(trace, (1, 2, 3, 4)),
            finding(1, "01", "missing", "confirmed"),
            finding(1, "02", "duplicate", "confirmed"),
            finding(1, "03", "sla_breach", "confirmed"),
            finding(1, "04", "missing", "retracted"),
            finding(2, "01", "missing", "provisional"),
            finding(4, "01", "missing", "confirmed"),
            observation(1, 7),
            observation(2, 7),
            observation(2, 8),
            "INSERT INTO tallies (what, of, slot, amount) VALUES ('deviating', 'order', 3, 2)",
            "INSERT INTO tallies (what, of, slot, amount) VALUES ('traces', 'order', 3, 3)",
        ):
            connection.exec_driver_sql(statement)

    def asked(query: str) -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    migrate.upgrade(empty_url)
    tally = "SELECT what, sum(amount) FROM tallies GROUP BY what ORDER BY what"
    assert asked("SELECT id, confirmed FROM traces ORDER BY id") == [(1, 2), (2, 0), (3, 0), (4, 0)]
    assert asked(tally) == [("deviating", 1), ("traces", 3)]
    assert asked("SELECT event, trace_id FROM observations WHERE shared ORDER BY trace_id") == [
        (7, 1),
        (7, 2),
    ]
    migrate.downgrade(empty_url, "0001")
    assert asked(tally) == [("deviating", 2), ("traces", 3)]
    engine.dispose()


async def test_sources_that_were_read_before_the_upgrade_are_watched_since_ever(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0004")
    engine = migration_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(
            insert(source_shards).values(
                source="shop",
                shard="0",
                owner="",
                kind="kafka",
                worker="w",
                shared=False,
                state="caught_up",
                position="1",
                updated=datetime(2026, 3, 1, tzinfo=UTC),
            )
        )
    engine.dispose()
    migrate.upgrade(empty_url)
    store = await open_store(empty_url)
    now = datetime(2026, 4, 1, tzinfo=UTC)
    since = await store.watch(["shop", "new"], now)
    await store.close()
    assert since == {"shop": datetime(1970, 1, 1, tzinfo=UTC), "new": now}


def test_failed_upgrade_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a migration is done, or none."""
    engine = migration_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE traces (in_the_way integer)")
    with pytest.raises(StorageError):
        migrate.upgrade(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE traces")
    assert definitions(engine) == []
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    engine.dispose()
