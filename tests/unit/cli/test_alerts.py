"""``choreoscope alerts``: a receiver tried, alerts listed, silences, and who would be told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monitor.cli import invoke
from monitor.domain.notice import Notice, NoticeKind
from monitor.storage.sql import SqlStore, open_store

Capture = pytest.CaptureFixture[str]


class Hook:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200


@pytest.fixture
def hook() -> Iterator[tuple[Hook, str]]:
    noted = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            noted.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(noted.status)
            self.send_header("content-length", "6")
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield noted, f"http://127.0.0.1:{server.server_port}/hook?token=sesame"
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def config(tmp_path: Path, migrated_sqlite_url: str, hook: tuple[Hook, str]) -> str:
    file = tmp_path / "choreoscope.yaml"
    file.write_text(
        f"""
database: {migrated_sqlite_url}
alerts:
  receivers:
    - {{name: ops, webhook: {{url: "{hook[1]}", allow_private: true}}}}
    - {{name: pager, webhook: {{url: "{hook[1]}", allow_private: true}}}}
  route:
    receiver: ops
    group_by: [flow]
    routes: [{{matchers: ['severity="critical"'], receiver: pager, group_wait: 5s, continue: true}}]
"""
    )
    return str(file)


def stored(config: str) -> SqlStore:
    async def begun() -> SqlStore:
        store = await open_store(f"sqlite:///{Path(config).parent}/store.db")
        now = datetime.now(UTC)
        await store.begin_notice(Notice(NoticeKind.BLIND, "kafka", "kafka is\x1b[2J blind.", now, now))
        await store.close()
        return store

    return asyncio.run(begun())


def test_a_sample_is_sent(config: str, hook: tuple[Hook, str], capsys: Capture) -> None:
    assert invoke(["alerts", "test", "ops", "-c", config]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ops has it: 200 OK")
    (body,) = hook[0].bodies
    assert b"This is an example" in body or b"SlaBreached" in body


def test_what_does_not_arrive_is_said_without_secrets(
    config: str, hook: tuple[Hook, str], capsys: Capture
) -> None:
    hook[0].status = 500
    assert invoke(["alerts", "test", "ops", "-c", config]) == 1
    said = capsys.readouterr().err
    assert "ops does not have it" in said
    assert "500" in said
    assert "sesame" not in said


def test_an_unknown_receiver(config: str, capsys: Capture) -> None:
    assert invoke(["alerts", "test", "nobody", "-c", config]) == 2
    assert "there is ops, pager" in capsys.readouterr().err


def test_who_would_be_told(config: str, capsys: Capture) -> None:
    assert invoke(["alerts", "routes", "-c", config, "severity=critical", "flow=order"]) == 0
    said = capsys.readouterr().out
    assert said == ('pager  by {}/{severity="critical"}\n    together: flow=order; first told after 5 s\n')
    assert invoke(["alerts", "routes", "-c", config, "severity=info", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"receiver": "ops", "route": "{}", "group": {}}]
    assert invoke(["alerts", "routes", "-c", config, "critical"]) == 2


def test_what_fires_is_listed(config: str, capsys: Capture) -> None:
    assert invoke(["alerts", "list", "-c", config]) == 0
    assert capsys.readouterr().out == "Nothing fires.\n"
    stored(config)
    assert invoke(["alerts", "list", "-c", config]) == 1
    said = capsys.readouterr().out
    assert "SourceBlind" in said
    assert "\x1b" not in said
    assert invoke(["alerts", "list", "--all", "--format", "json", "-c", config]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row["labels"]["source"] == "kafka"


def test_silences(config: str, capsys: Capture) -> None:
    add = ["alerts", "silence", "add", "-c", config]
    assert invoke([*add, 'flow="order"', 'severity=~"crit.*"', "--for", "2h", "--comment", "move"]) == 0
    assert "Silence 1 lasts until" in capsys.readouterr().out
    assert invoke([*add, "flow"]) == 2
    assert "is no matcher" in capsys.readouterr().err
    assert invoke([*add, 'flow!="order"']) == 2
    assert invoke(["alerts", "silence", "list", "-c", config]) == 0
    said = capsys.readouterr().out
    assert 'flow="order", severity=~"crit.*"' in said
    assert "move (local)" in said
    assert invoke(["alerts", "silence", "expire", "1", "-c", config]) == 0
    assert invoke(["alerts", "silence", "expire", "1", "-c", config]) == 1


def test_without_alerts_in_the_configuration(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "choreoscope.yaml"
    file.write_text("database: sqlite:///store.db\n")
    assert invoke(["alerts", "routes", "flow=order", "-c", str(file)]) == 2
    assert "nobody is told" in capsys.readouterr().err
