"""``users`` and ``tokens`` on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from monitor.app import assembled, run
from monitor.cli import invoke
from monitor.dashboard.auth.passwords import Passwords
from monitor.dashboard.auth.service import digest
from monitor.domain.access import Role
from monitor.errors import ConfigError
from monitor.opening import opened
from monitor.settings import DashboardSettings, Settings, load
from monitor.storage.access import ApiToken, Credential

Capture = pytest.CaptureFixture[str]
PASSWORD = "correct horse battery"


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "choreoscope.yaml"
    file.write_text("database: sqlite:///users.db\nauth: {local: true}\nsources: []\nmodels: []\n")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return str(file)


def add(config: str, name: str, role: str = "admin") -> int:
    password = str(Path(config).parent / "password")
    return invoke(["users", "add", name, "--role", role, "--password-file", password, "-c", config])


def credential(config: str, name: str) -> Credential | None:
    async def asked() -> Credential | None:
        async with opened(load(Path(config), {})) as store:
            return await store.access.credential(name)

    return asyncio.run(asked())


def test_a_user_is_let_in_changed_and_removed(config: str, capsys: Capture) -> None:
    assert add(config, "Ann") == 0
    assert add(config, "bob", "viewer") == 0
    found = credential(config, "ann")
    assert found is not None
    assert found.password is not None
    assert PASSWORD not in found.password
    assert asyncio.run(Passwords().check(found.password, PASSWORD)).right
    assert invoke(["users", "role", "bob", "operator", "-c", config]) == 0
    assert invoke(["users", "disable", "bob", "-c", config]) == 0
    capsys.readouterr()
    assert invoke(["users", "list", "--format", "json", "-c", config]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["bob"]["role"], rows["bob"]["disabled"]) == ("operator", True)
    assert "password" not in rows["bob"]
    assert invoke(["users", "list", "-c", config]) == 0
    assert "disabled" in capsys.readouterr().out
    assert invoke(["users", "enable", "bob", "-c", config]) == 0
    assert invoke(["users", "remove", "bob", "-c", config]) == 0
    assert credential(config, "bob") is None


def test_a_password_is_set_anew(config: str) -> None:
    add(config, "ann")
    file = Path(config).parent / "password"
    file.write_text("another few words")
    assert invoke(["users", "password", "ann", "--password-file", str(file), "-c", config]) == 0
    found = credential(config, "ann")
    assert found is not None
    assert asyncio.run(Passwords().check(found.password, "another few words")).right


def test_what_cannot_be_done_is_told(config: str, capsys: Capture) -> None:
    assert add(config, "local") == 2
    assert "cannot be a name" in capsys.readouterr().err
    assert add(config, "a b") == 2
    (Path(config).parent / "password").write_text("short")
    assert add(config, "ann") == 2
    assert "shorter than 12" in capsys.readouterr().err
    (Path(config).parent / "password").write_text(PASSWORD)
    assert add(config, "ann") == 0
    assert add(config, "ann") == 2
    assert invoke(["users", "disable", "ann", "-c", config]) == 2
    assert "last admin" in capsys.readouterr().err
    assert invoke(["users", "role", "nobody-here", "viewer", "-c", config]) == 2
    assert invoke(["users", "add", "cat", "-c", config]) == 2  # there is nobody to ask
    assert "--password-file" in capsys.readouterr().err


def test_a_token_is_printed_once_and_revoked(config: str, capsys: Capture) -> None:
    assert invoke(["tokens", "create", "grafana", "--expires", "P30D", "-c", config]) == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith("chs_")
    assert len(secret) > 40

    async def asked() -> ApiToken | None:
        async with opened(load(Path(config), {})) as store:
            return await store.access.token(digest(secret))

    token = asyncio.run(asked())
    assert token is not None
    assert (token.name, token.role, token.created_by) == ("grafana", Role.VIEWER, "local")
    assert token.expires is not None
    assert (token.expires - token.created).days == 30
    assert invoke(["tokens", "list", "-c", config]) == 0
    listed = capsys.readouterr().out
    assert "grafana" in listed
    assert secret not in listed
    assert invoke(["tokens", "revoke", "grafana", "-c", config]) == 0
    assert invoke(["tokens", "revoke", "grafana", "-c", config]) == 2
    token = asyncio.run(asked())
    assert token is not None
    assert token.revoked_by == "local"
    for wrong in ("P0D", "30 days", "-P1D"):
        assert invoke(["tokens", "create", "x", f"--expires={wrong}", "-c", config]) == 2
    assert invoke(["tokens", "create", "x", "--expires", "never", "-c", config]) == 0


async def test_a_dashboard_that_strangers_could_reach_does_not_listen(config: str) -> None:
    settings = load(Path(config), {})
    shown = DashboardSettings(host="0.0.0.0", port=0)
    for given in ({"auth": None}, {}):
        exposed: Settings = settings.model_copy(update={"dashboard": shown, **given})
        async with assembled(exposed, roles=frozenset({"dashboard"})) as app:
            with pytest.raises(ConfigError, match="must not listen"):
                await run(app, frozenset({"dashboard"}), asyncio.Event(), lambda _: None)
