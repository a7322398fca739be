"""What the doctor says of commands and logins: nothing is sent, and no secret is shown."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.cli.doctor.command import examine
from monitor.cli.doctor.result import Result, State
from monitor.domain.access import Role
from monitor.settings import Settings
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store

MODEL = Path(__file__).parents[3] / "models" / "order-fulfilment.bpmn"


async def ask(tmp_path: Path, what: str, **settings: Any) -> list[Result]:
    said = {
        "database": f"sqlite:///{tmp_path}/x.db",
        "models": [{"file": MODEL, "key": "order"}],
        **settings,
    }
    results = await examine(Settings.model_validate(said), tmp_path / "choreoscope.yaml")
    assert "hunter2" not in json.dumps([result.to_json() for result in results])
    return [result for result in results if result.what.startswith(what)]


def commands(port: int, **more: Any) -> dict[str, Any]:
    target = {"kind": "rabbitmq", "url": f"amqp://me:hunter2@127.0.0.1:{port}/", "exchange": "shop"}
    items = [{"name": "again", "title": "Again", "flow": "order", "target": target, "type": "Again"}]
    return {"items": items, **more}


async def test_targets_of_commands_that_are_not_enabled_are_left_alone(tmp_path: Path) -> None:
    touched = asyncio.Event()

    def touch(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.set()
        writer.close()

    server = await asyncio.start_server(touch, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        (told,) = await ask(tmp_path, "command", commands=commands(port))
        assert told.state is State.OK
        assert "no target was contacted" in told.said
        assert not touched.is_set()
        _, failed = await ask(tmp_path, "command", commands=commands(port, enabled=True))
        assert touched.is_set()
    assert (failed.what, failed.state) == ("command again", State.FAIL)
    assert f"127.0.0.1:{port}" in failed.said
    assert failed.mend


async def test_a_login_nobody_can_use_is_told(tmp_path: Path) -> None:
    (missing,) = await ask(tmp_path, "auth", auth={"local": True})
    assert (missing.state, "there is no database" in missing.said) == (State.WARN, True)
    assert not (tmp_path / "x.db").exists()

    upgrade(f"sqlite:///{tmp_path}/x.db")
    (nobody,) = await ask(tmp_path, "auth", auth={"local": True})
    assert nobody.state is State.WARN
    assert "choreoscope users add" in nobody.mend

    store = await open_store(f"sqlite:///{tmp_path}/x.db")
    await store.access.add_user("ann", "hash", Role.ADMIN, "test", datetime(2026, 7, 1, tzinfo=UTC))
    await store.close()
    (somebody,) = await ask(tmp_path, "auth", auth={"local": True})
    assert somebody.state is State.OK


async def test_a_provider_that_does_not_answer_is_told(tmp_path: Path) -> None:
    oidc = {
        "issuer": "http://127.0.0.1:1/realms/x",
        "client_id": "choreoscope",
        "client_secret": "hunter2",
        "default_role": "viewer",
    }
    (told,) = await ask(tmp_path, "auth", auth={"local": False, "oidc": oidc})
    assert told.state is State.FAIL
    assert told.mend
