"""What the doctor says of those who are told: real servers, to which nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.cli.doctor.command import examine
from monitor.cli.doctor.result import Result, State
from monitor.settings import Settings
from tests.support.http_receiver import HttpReceiver
from tests.support.smtp_server import MailServer

pytestmark = [
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


async def ask(tmp_path: Path, smtp: dict[str, Any] | None = None, **block: Any) -> Result:
    settings = Settings.model_validate(
        {
            "database": f"sqlite:///{tmp_path}/x.db",
            "alerts": {"smtp": smtp, "receivers": [{"name": "me", **block}], "route": {"receiver": "me"}},
        }
    )
    results = await examine(settings, tmp_path / "choreoscope.yaml")
    (found,) = [result for result in results if result.what == "receiver me"]
    return found


async def test_a_mail_server_is_greeted(tmp_path: Path) -> None:
    email = {"to": "you@example.com", "from": "me@example.com"}
    async with MailServer(login=("me", "right")) as mail:
        server = {"host": "127.0.0.1", "port": mail.port, "security": "none", "hello": "m.example"}
        good = await ask(tmp_path, {**server, "username": "me", "password": "right"}, email=email)
        assert (good.state, good.said) == (
            State.OK,
            f"127.0.0.1:{mail.port} answers, logged in as me",
        )
        bad = await ask(tmp_path, {**server, "username": "me", "password": "swordfish"}, email=email)
        assert bad.state is State.FAIL
        assert "refused the login" in bad.said
        assert "swordfish" not in f"{bad}"
    assert mail.attempts == 0
    gone = await ask(tmp_path, server, email=email)
    assert "cannot be reached" in gone.said


async def test_a_webhook_is_connected_to_where_that_is_allowed(tmp_path: Path) -> None:
    async with HttpReceiver() as receiver:
        url = f"{receiver.url}/T0KENTOKEN"
        good = await ask(tmp_path, webhook={"url": url, "allow_private": True})
        assert (good.state, good.said) == (State.OK, f"{receiver.url} answers at 127.0.0.1")
        refused = await ask(tmp_path, webhook={"url": url})
        assert refused.state is State.FAIL
        assert "a loopback address" in refused.said
        assert "T0KENTOKEN" not in f"{good}{refused}"
    assert receiver.received == []
    gone = await ask(tmp_path, webhook={"url": url, "allow_private": True})
    assert "cannot be reached" in gone.said


async def test_what_apprise_knows_is_understood(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    assert (await ask(tmp_path, apprise={"urls": "json://localhost"})).state is State.OK
    unknown = await ask(tmp_path, apprise={"urls": "nonsense://localhost"})
    assert (unknown.state, unknown.said) == (
        State.FAIL,
        "The address 1 of the receiver is none that apprise knows.",
    )
