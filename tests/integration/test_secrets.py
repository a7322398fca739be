"""Secrets of the configuration, and payload that nobody said may be kept: planted everywhere, and then looked
for in every page, answer, log line, row and error."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr
from starlette.routing import Route

from monitor.dashboard.auth.service import digest
from monitor.domain.access import Role
from monitor.landscape.story import Limits
from monitor.settings import Settings, load
from monitor.settings.load import _all_models, _is_secret
from monitor.storage.migrate import upgrade
from monitor.storage.sql import open_store
from tests.services.processes import free_port
from tests.support.serving import Serving, command, environment, serving, written
from tests.unit.dashboard.test_routes_by_role import APP, address

TOKEN = f"chs_planted-{'t' * 30}"
VIEWER = f"chs_viewing-{'v' * 30}"
PAYLOAD = "pl4nted-payload-4111111111111111"
SIGNING = "whsec_cGw0bnRlZC1zaWduaW5nLXNlY3JldC0wMTIzNDU2Nzg5"


class Planted:
    """Hands out secrets, and knows them."""

    def __init__(self) -> None:
        self.secrets = [SIGNING]

    def __call__(self, of: str) -> str:
        self.secrets.append(f"pl4nted-{of}-{len(self.secrets)}-s3cret")
        return self.secrets[-1]

    def found(self, text: str) -> list[str]:
        return [secret for secret in self.secrets if secret in text]


def configuration(plant: Planted) -> dict[str, Any]:
    """Every setting that may hold a secret, all leading to where nobody answers."""
    dead = f"127.0.0.1:{free_port()}"
    http = {"allow_private": True, "headers": {"X-Api-Key": plant("header")}}
    hook = {**http, "url": f"http://u:{plant('url')}@{dead}/{plant('path')}?k={plant('query')}"}
    smtp = {
        "host": "127.0.0.1",
        "port": free_port(),
        "security": "none",
        "username": "u",
        "password": plant("smtp"),
    }
    rabbit = f"amqp://u:{plant('amqp')}@{dead}/"
    sasl = {
        "bootstrap_servers": dead,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "u",
        "sasl_password": plant("sasl"),
    }
    item = {
        "title": "Ship it",
        "flow": "order",
        "when": {"standing": "GoodsShipped"},
        "type": "x",
        "body": "{}",
    }
    return {
        "sources": [
            {"name": "web", "kind": "http", "token": plant("token")},
            {"name": "rabbit", "kind": "rabbitmq", "url": rabbit, "bindings": [{"exchange": "e"}]},
            {"name": "kafka", "kind": "kafka", "topics": ["t"], **sasl},
        ],
        "auth": {
            "oidc": {
                "issuer": f"http://{dead}",
                "client_id": "c",
                "client_secret": plant("oidc"),
                "default_role": "viewer",
            }
        },
        "alerts": {
            "route": {"receiver": "hook", "group_wait": "1s", "group_interval": "1s"},
            "receivers": [
                {"name": "hook", "webhook": {**hook, "secret": SIGNING}},
                {"name": "mail", "email": {"to": "a@b.example", "from": "c@d.example", "smtp": smtp}},
                {"name": "slack", "slack": hook},
                {"name": "apprise", "apprise": {"urls": f"json://u:{plant('apprise')}@{dead}/"}},
            ],
            "heartbeat": {**hook, "every": "1s"},
        },
        "commands": {
            "enabled": True,
            "items": [
                {**item, "name": "a", "target": {"kind": "rabbitmq", "url": rabbit, "exchange": "e"}},
                {**item, "name": "b", "target": {"kind": "kafka", "topic": "t", **sasl}},
            ],
        },
    }


async def _let_in(url: str) -> None:
    store = await open_store(url)
    now = datetime.now(UTC)
    for role, secret in ((Role.ADMIN, TOKEN), (Role.VIEWER, VIEWER)):
        await store.access.create_token(role.value, digest(secret), secret[:10], role, None, "local", now)
    await store.close()


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plant = Planted()
        self.file = folder / "choreoscope.yaml"
        url = f"sqlite:///{folder}/planted.db"
        upgrade(url)
        asyncio.run(_let_in(url))
        said = configuration(self.plant)
        sources = said.pop("sources")
        written(self.file, url, sources, Limits.of(timedelta(seconds=0.5)), **said)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def monitor(world: World) -> Iterator[Serving]:
    with serving(world.file, world.folder / "log") as running:
        token = {"authorization": f"Bearer {_token_of(world)}", "x-session-token": world.plant("request")}
        for number, name in enumerate(("OrderPlaced", "PaymentReceived", "Newsletter")):
            event = {
                "specversion": "1.0",
                "id": f"e-{number}",
                "source": "/shop",
                "type": f"com.shop.{name}",
                "time": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
                "data": {"orderId": "o-1", "paymentId": "p-1", "card": PAYLOAD},
            }
            sent = running.post("/api/v1/events", headers=token, json=event)
            assert sent.status_code == 202, sent.text
        time.sleep(6)  # for alerts to be tried, commands to be offered, brokers to be missed
        yield running


def _token_of(world: World) -> str:
    sources = yaml.safe_load(world.file.read_text())["sources"]
    return str(sources[0]["token"])


def secrets_of(value: object) -> Iterator[tuple[type[BaseModel], str]]:
    """Class and field of every secret that is set."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            held = getattr(value, name)
            parts = held if isinstance(held, tuple) else held.values() if isinstance(held, dict) else (held,)
            if any(isinstance(part, SecretStr) for part in parts):
                yield type(value), name
            for part in parts:
                yield from secrets_of(part)


def test_every_setting_that_may_hold_a_secret_holds_one_here(world: World) -> None:
    named = {
        (model, name)
        for model in _all_models(Settings, set())
        for name, info in model.model_fields.items()
        if _is_secret(info.annotation)
    }
    planted = set(secrets_of(load(world.file, {})))
    # Teams and an Alertmanager are reached as Slack is; their classes add nothing secret
    missing = {(model.__name__, name) for model, name in named - planted}
    assert missing <= {
        (kind, name)
        for kind in ("TeamsSettings", "AlertmanagerSettings", "HttpReceiver")
        for name in ("url", "headers")
    }


PATHS = sorted(
    {route.path for route in APP.routes if isinstance(route, Route) and "GET" in (route.methods or ())}
    - {"/events/stream", "/login/sso/callback"}
)


def test_no_page_and_no_answer_shows_a_secret(world: World, monitor: Serving) -> None:
    admin = {"authorization": f"Bearer {TOKEN}"}
    for path in PATHS:
        for shown in {address(path), address(path).replace("/17", "/1"), address(path) + "?limit=0"}:
            for headers in (admin, {}):
                answered = monitor.get(shown, headers=headers)
                assert answered.status_code != 500, shown
                assert not world.plant.found(answered.text + str(answered.headers)), shown
                inbox = shown.startswith(("/inbox/", "/api/v1/inbox/"))
                assert inbox or PAYLOAD not in answered.text, shown


def test_a_viewer_is_offered_nothing_they_may_not_do(monitor: Serving) -> None:
    viewer = {"authorization": f"Bearer {VIEWER}"}
    shown = 0
    for path in PATHS:
        page = monitor.get(address(path).replace("/17", "/1"), headers=viewer)
        if page.status_code == 200 and page.headers["content-type"].startswith("text/html"):
            shown += 1
            forms = re.findall(r'method="post" action="([^"]+)"', page.text)
            assert set(forms) <= {"/logout"}, path
    assert shown > 15


def test_no_row_holds_a_secret_and_none_but_the_inbox_the_payload(world: World, monitor: Serving) -> None:
    monitor.get("/livez")
    with sqlite3.connect(f"file:{world.folder}/planted.db?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = repr(database.execute(f"SELECT * FROM {table}").fetchall())
            if table == "inbox":  # whole, for a replay
                rows = rows.replace(PAYLOAD, "").replace(world.plant.secrets[-1], "")
            assert PAYLOAD not in rows, table
            assert not world.plant.found(rows), table
    database.close()


def test_no_log_line_holds_a_secret(world: World, monitor: Serving) -> None:
    assert not world.plant.found(monitor.log)
    assert PAYLOAD not in monitor.log
    assert TOKEN not in monitor.log
    assert re.search(r"rabbit", monitor.log)  # that there was something to say


@pytest.mark.parametrize("arguments", [["config", "check"], ["doctor", "-c"], ["inbox", "list", "-c"]])
def test_no_command_prints_a_secret(arguments: list[str], world: World) -> None:
    done = subprocess.run(
        command(*arguments, world.file),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.stdout + done.stderr
    assert not world.plant.found(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


SPOILT = [
    (
        "password: [{}]",
        "alerts: {{receivers: [{{name: a, email: {{to: a@b, from: c@d, smtp: {{host: h, {}}}}}}}]}}",
    ),
    ("url: 'amqp://u:{}@h:port/'", "sources: [{{name: a, kind: rabbitmq, bindings: [{{exchange: e}}], {}}}]"),
    ("url: '{}'", "sources: [{{name: a, kind: rabbitmq, bindings: [{{exchange: e}}], {}}}]"),
    ("token: {{a: {}}}", "sources: [{{name: a, kind: http, {}}}]"),
    ("sasl_password: [{}]", "sources: [{{name: a, kind: kafka, bootstrap_servers: b, topics: [t], {}}}]"),
    (
        "client_secret: {{a: {}}}",
        "auth: {{oidc: {{issuer: 'https://a', client_id: c, default_role: viewer, {}}}}}",
    ),
    ("database: 'mysql://u:{}@h/x'", "{}"),
    ("database: 'postgresql://u:{}@h:port/x'", "{}"),
    ("url: 'ftp://u:{}@h/'", "alerts: {{receivers: [{{name: a, webhook: {{{}}}}}]}}"),
    ("url: 'http://u:{}@[h/'", "alerts: {{receivers: [{{name: a, webhook: {{{}}}}}]}}"),
    ("secret: '{}'", "alerts: {{receivers: [{{name: a, webhook: {{url: 'https://a', {}}}}}]}}"),
]


@pytest.mark.parametrize(("key", "around"), SPOILT)
def test_what_is_wrong_with_a_secret_is_told_without_it(key: str, around: str, tmp_path: Path) -> None:
    plant = Planted()
    file = tmp_path / "choreoscope.yaml"
    file.write_text(around.format(key.format(plant("x"))))
    done = subprocess.run(
        command("config", "check", file), capture_output=True, text=True, env=environment(), check=False
    )
    said = done.stdout + done.stderr
    assert not plant.found(said), said
    assert "Traceback" not in said


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    plant = Planted()
    file = tmp_path / "choreoscope.yaml"
    url = f"postgresql://u:{plant('database')}@127.0.0.1:{free_port()}/x"
    file.write_text(f"database: {url}\nsources: []\nmodels: []\n")
    for arguments in (["db", "upgrade"], ["users", "list"]):
        done = subprocess.run(
            command(*arguments, "-c", file),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert not plant.found(done.stdout + done.stderr)
