"""A real process is killed between sending a message and recording that it arrived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.domain.notice import Notice, NoticeKind
from monitor.storage.engine import migration_engine
from monitor.storage.sql import open_store

ROOT = Path(__file__).parents[2]
CONFIG = """
database: {database}
sources: [{{name: shop, kind: memory}}]
models: [{{file: {model}, key: order}}]
alerts:
  receivers:
    - {{name: ops, webhook: {{url: "http://127.0.0.1:{port}/hook", allow_private: true}}}}
  route: {{receiver: ops, group_wait: 0s}}
"""


class Hook:
    """Notes the ids it is given. ``meanwhile`` happens before it answers."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None


@pytest.fixture
def hook() -> Iterator[tuple[Hook, int]]:
    noted = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            noted.ids.append(self.headers["webhook-id"])
            noted.meanwhile()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield noted, server.server_port
    server.shutdown()
    server.server_close()
    serving.join()


@contextmanager
def sweeping(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "monitor.cli", "sweep", "-c", str(config), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return found


async def test_what_was_sent_and_not_recorded_is_sent_again_with_the_same_id(
    database: str, hook: tuple[Hook, int], tmp_path: Path
) -> None:
    noted, port = hook
    config = tmp_path / "choreoscope.yaml"
    model = ROOT / "models" / "order-fulfilment.bpmn"
    shown = database if database.startswith("postgres") else f"sqlite:////{tmp_path}/store.db"
    config.write_text(CONFIG.format(database=shown, model=model, port=port))
    now = datetime.now(UTC)
    store = await open_store(database)
    await store.begin_notice(Notice(NoticeKind.BURN_RATE, "order/Ship", "It burns.", now, now, flow="order"))
    engine = migration_engine(database)

    def recorded() -> list[str | None]:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT outcome FROM attempts ORDER BY number"))
            return [row.outcome for row in rows]

    with sweeping(config) as process:
        noted.meanwhile = lambda: os.kill(process.pid, signal.SIGKILL)
        until(lambda: len(noted.ids) == 1)
        process.wait()
    assert recorded() == [None]
    noted.meanwhile = lambda: None
    with engine.begin() as connection:  # the lease runs out
        past = (now - timedelta(hours=1)).isoformat() if database.startswith("postgres") else 0
        connection.execute(text("UPDATE notifications SET next_at = :past"), {"past": past})
    with sweeping(config):
        until(lambda: recorded() == [None, "arrived"])
    assert len(noted.ids) == 2
    assert len(set(noted.ids)) == 1
    (row,) = (await store.alerts.notifications()).rows
    assert (row.status, row.attempts, row.uid) == ("sent", 2, noted.ids[0])
    await store.close()
    engine.dispose()
