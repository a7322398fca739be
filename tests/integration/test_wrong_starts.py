"""A service that cannot start says why, and what to do, in one message: exit 2 and no traceback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from monitor.app import assembled
from monitor.resources import models
from monitor.settings import Settings
from monitor.storage.migrate import upgrade
from tests.services import Service
from tests.services.databases import with_database
from tests.support.flows import bpmn
from tests.support.serving import command, environment

MODEL = str(models() / "order-fulfilment.bpmn")


def refused(folder: Path, *, role: str = "run", **changed: Any) -> str:
    """What a start with this configuration says on stderr; it must end by itself."""
    config = folder / "choreoscope.yaml"
    said = {
        "database": "sqlite:///choreoscope.db",
        "sources": [{"name": "web", "kind": "http"}],
        "models": [{"file": MODEL, "key": "order"}],
        "dashboard": {"port": 0},
        **changed,
    }
    config.write_text(yaml.safe_dump(said), "utf-8")
    done = subprocess.run(
        command(role, "-c", config),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    told = [line for line in done.stderr.splitlines() if line.startswith("choreoscope: ")]
    assert len(told) == 1, done.stderr
    return done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://shop:secret-word@127.0.0.1:{free}/shop", "refused"),
        ("postgresql://shop:secret-word@no-such-host.invalid/shop", "no-such-host.invalid"),
    ],
    ids=["refused port", "unknown host"],
)
def test_a_server_that_is_not_there(tmp_path: Path, address: str, reason: str) -> None:
    told = refused(tmp_path, database=address.format(free=free_port()))
    assert "choreoscope: The database cannot be reached." in told
    assert reason in told
    assert "database: in the configuration" in told
    assert told.count("is waited for") == 1
    assert "secret-word" not in told


def test_a_database_that_is_not_there(tmp_path: Path, postgres_server_url: str) -> None:
    told = refused(tmp_path, database=with_database(postgres_server_url, "no_such_shop"))
    assert "“no_such_shop”" in told or '"no_such_shop"' in told
    assert "database: in the configuration" in told


def test_a_wrong_password(tmp_path: Path, private_postgres: Service) -> None:
    with psycopg.connect(private_postgres.address, autocommit=True) as admin:
        admin.execute("CREATE ROLE shop LOGIN PASSWORD 'right'")
        (file,) = admin.execute("SHOW hba_file").fetchone() or ("",)
        rules = "('local all all trust'), ('host all shop all scram-sha-256'), ('host all all all trust')"
        admin.execute(f"COPY (VALUES {rules}) TO '{file}'".encode())
    private_postgres.stop()
    private_postgres.start()
    address = private_postgres.address.replace("://postgres", "://shop:wrong-word")
    told = refused(tmp_path, database=address)
    assert "password authentication failed" in told
    assert "user, password" in told
    assert "wrong-word" not in told


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("sqlite:////no/such/folder/choreoscope.db", "See that its folder is there"),
        ("sqlite:///taken", "See that its folder is there"),
        ("sqlite:///text.db", "not a database"),
    ],
    ids=["no folder", "a folder of that name", "another file"],
)
def test_a_file_that_cannot_be_the_database(tmp_path: Path, database: str, reason: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "text.db").write_text("plain text, and quite long enough to be held against the format\n" * 9)
    told = refused(tmp_path, database=database)
    assert reason in told


@pytest.mark.parametrize("role", ["run", "ingest", "sweep", "dashboard"])
def test_a_server_without_tables(tmp_path: Path, postgres_url: str, role: str) -> None:
    assert "choreoscope db upgrade" in refused(tmp_path, role=role, database=postgres_url)


def test_an_outdated_schema(tmp_path: Path, postgres_url: str) -> None:
    upgrade(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.execute("UPDATE schema_suits SET since = '0000'")
    told = refused(tmp_path, database=postgres_url)
    assert "later version" in told  # a revision nobody knows
    assert "0000" in told


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path, dashboard={"port": port})
    assert f"127.0.0.1:{port}" in told
    assert "dashboard: {port: ...}" in told


def test_a_model_that_is_missing(tmp_path: Path) -> None:
    told = refused(tmp_path, models=[{"file": "gone.bpmn", "key": "order"}])
    assert "models[0].file" in told
    assert "gone.bpmn" in told


@pytest.mark.parametrize("content", [b"<definitions", b"no XML at all"], ids=["cut off", "another format"])
def test_a_model_that_is_broken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "orders.bpmn").write_bytes(content)
    assert "orders.bpmn" in refused(tmp_path, models=[{"file": "orders.bpmn", "key": "order"}])


def test_a_model_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "orders.bpmn").write_bytes(bpmn('<startEvent id="start" attachedToRef="nothing"/>'))
    told = refused(tmp_path, models=[{"file": "orders.bpmn", "key": "order", "process": "other"}])
    assert "orders.bpmn" in told
    assert "other" in told


def test_a_model_that_is_read_in_part_says_what_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = tmp_path / "orders.bpmn"
    model.write_bytes(Path(MODEL).read_bytes().replace(b'targetRef="Event_PackingDone"', b'targetRef="Gone"'))
    database = f"sqlite:///{tmp_path}/choreoscope.db"
    settings = Settings.model_validate({"database": database, "models": [{"file": model, "key": "order"}]})

    async def begin() -> None:
        async with assembled(settings, roles=frozenset({"dashboard"})):
            pass

    asyncio.run(begin())
    assert f"{model}:121: warning: Flow_PackingDone" in caplog.text
    assert "'Gone'" in caplog.text


def test_a_model_with_unknown_elements_in_its_flow_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "orders.bpmn"
    model.write_bytes(Path(MODEL).read_bytes().replace(b"userTask", b"userTusk"))
    told = refused(tmp_path, models=[{"file": str(model), "key": "order"}])
    assert f"{model}:110: error: Task_ItemsPicked" in told
    assert "userTusk" in told


@pytest.mark.parametrize(("role", "missing"), [("run", "sources"), ("ingest", "models"), ("sweep", "models")])
def test_a_configuration_with_nothing_to_do(tmp_path: Path, role: str, missing: str) -> None:
    told = refused(tmp_path, role=role, **{missing: []})
    assert f"{missing}: none is configured" in told
    assert "for example" in told
