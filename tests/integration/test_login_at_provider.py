"""Logging in at a real OpenID Connect provider, over HTTP, with users in a real database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from monitor.dashboard.app import create_app
from monitor.dashboard.auth.began import Began
from monitor.dashboard.auth.errors import ProviderFailed
from monitor.dashboard.auth.provider import Provider
from monitor.dashboard.auth.service import Auth
from monitor.domain.access import ADDRESS, Role
from monitor.settings import DashboardSettings
from monitor.settings.auth import AuthSettings, OidcSettings, RoleClaims
from monitor.storage.access import User
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from tests.services.processes import free_port
from tests.unit.dashboard.conftest import OneModel, Rows

ROLES = {"viewer": ["support"], "operator": ["operations"], "admin": ["sre"]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that knows everybody under any name; it is told what to say of them."""
    port = free_port()
    address = f"http://localhost:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "-n"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                try:
                    httpx.get(f"{address}/jwks", trust_env=False)
                    break
                except httpx.TransportError:
                    assert process.poll() is None
                    asyncio.run(asyncio.sleep(0.1))
            else:
                pytest.fail("the provider does not answer")
            yield address
        finally:
            process.terminate()


@dataclass
class World:
    issuer: str
    store: SqlStore
    http: httpx.AsyncClient
    outside: httpx.AsyncClient
    auth: Auth

    async def know(self, subject: str, **claims: Any) -> None:
        known = await self.outside.put(f"{self.issuer}/users/{subject}", json=claims)
        assert known.status_code == 204

    async def begin(self, path: str = "/login/sso?next=/traces") -> str:
        begun = await self.http.get(path)
        assert begun.status_code == 303
        return begun.headers["location"]

    async def say_yes(self, url: str, subject: str, **fields: str) -> str:
        answered = await self.outside.post(url, data={"sub": subject, **fields})
        assert answered.status_code == 302, answered.text
        return answered.headers["location"]

    async def log_in(self, subject: str) -> httpx.Response:
        back = await self.say_yes(await self.begin(), subject)
        return await self.http.get(back)

    async def users(self) -> dict[str, User]:
        return {user.name: user for user in (await self.store.access.users(datetime.now(UTC))).rows}


async def a_world(issuer: str, store: SqlStore, **oidc: Any) -> World:
    given = {"issuer": issuer, "client_id": "choreoscope", "client_secret": "s3cret", **oidc}
    settings = AuthSettings(local=False, oidc=OidcSettings(**given))
    assert settings.oidc is not None

    def now() -> datetime:
        return datetime.now(UTC)

    provider = Provider(settings.oidc, now)
    auth = Auth(settings, store.access, now, provider=provider)
    app = create_app(Rows(), flows=OneModel(), settings=DashboardSettings(), now=now, auth=auth)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    http = httpx.AsyncClient(transport=transport, base_url="http://localhost:8321")
    outside = httpx.AsyncClient(trust_env=False)
    return World(issuer, store, http, outside, auth)


async def closed(world: World) -> None:
    await world.http.aclose()
    await world.outside.aclose()
    await world.auth.close()


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/login.db"
    upgrade(url)
    opened = await open_store(url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def world(issuer: str, store: SqlStore) -> AsyncIterator[World]:
    made = await a_world(issuer, store, roles=ROLES)
    yield made
    await closed(made)


async def test_who_is_known_there_gets_in_with_the_role_of_their_group(world: World) -> None:
    await world.know("u-1", preferred_username="Ann", groups=["support", "operations", "chess"])
    answered = await world.log_in("u-1")
    assert (answered.status_code, answered.headers["location"]) == (303, "/traces")
    shown = await world.http.get("/account")
    assert "Single sign-on" in shown.text
    assert 'name="new"' not in shown.text
    user = (await world.users())["ann"]
    assert (user.role, user.issuer) == (Role.OPERATOR, world.issuer)
    entries = [(entry.who, entry.action) for entry in (await world.store.views.audit()).rows]
    assert entries == [("ann", "login.done"), ("ann", "user.add")]


async def test_the_role_follows_the_groups(world: World) -> None:
    await world.know("u-2", preferred_username="bob", groups=["sre"])
    await world.log_in("u-2")
    assert (await world.users())["bob"].role is Role.ADMIN
    await world.know("u-2", preferred_username="robert", groups="support")
    await world.log_in("u-2")
    users = await world.users()
    assert list(users) == ["bob"]  # what somebody is called here does not change behind our back
    assert users["bob"].role is Role.VIEWER


async def test_who_has_no_role_does_not_get_in(world: World) -> None:
    await world.know("u-3", preferred_username="eve", groups=["chess"])
    answered = await world.log_in("u-3")
    assert answered.status_code == 403
    assert "gives you no role here" in answered.text
    assert await world.users() == {}
    assert (await world.http.get("/traces")).status_code == 303


async def test_nobody_gets_the_name_of_somebody_else(world: World) -> None:
    await world.store.access.add_user("root", "x", Role.ADMIN, "local", datetime.now(UTC))
    await world.know("u-4", preferred_username="ROOT", groups=["support"])
    await world.log_in("u-4")
    users = await world.users()
    assert users["root"].issuer is None
    assert users["root#2"].issuer == world.issuer


async def test_who_is_disabled_here_stays_out(world: World) -> None:
    await world.know("u-5", preferred_username="mallory", groups=["support"])
    await world.log_in("u-5")
    await world.store.access.set_disabled("mallory", True, "local", datetime.now(UTC))
    answered = await world.log_in("u-5")
    assert answered.status_code == 403
    assert "may not log in here" in answered.text
    newest = (await world.store.views.audit(limit=2)).rows
    assert [(entry.who, entry.action) for entry in newest] == [
        ("mallory", "login.failed"),
        ("local", "user.disable"),
    ]


async def test_without_groups_admins_give_the_roles(issuer: str, store: SqlStore) -> None:
    world = await a_world(issuer, store, default_role="viewer", user_claim="email")
    await world.know("u-6", email="carol@shop.example")
    await world.log_in("u-6")
    assert (await world.users())["carol@shop.example"].role is Role.VIEWER
    await store.access.set_role("carol@shop.example", Role.OPERATOR, "local", datetime.now(UTC))
    await world.log_in("u-6")
    assert (await world.users())["carol@shop.example"].role is Role.OPERATOR
    await closed(world)


async def test_the_request_is_what_the_standards_want(world: World) -> None:
    url = urlsplit(await world.begin())
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == "http://localhost:8321/login/sso/callback"
    assert asked["scope"].split()[0] == "openid"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 40
    assert len(asked["nonce"]) >= 40
    again = parse_qs(urlsplit(await world.begin()).query)
    for name in ("state", "nonce", "code_challenge"):
        assert again[name] != [asked[name]]


async def test_an_answer_to_a_login_begun_elsewhere_is_refused(world: World) -> None:
    await world.know("u-7", preferred_username="dan", groups=["support"])
    back = await world.say_yes(await world.begin(), "u-7")
    world.http.cookies.clear()
    for cookie in (None, "nonsense", "WyJhIiwiYiIsImMiLCIvIl0="):
        headers = {} if cookie is None else {"cookie": f"choreoscope-sso={cookie}"}
        answered = await world.http.get(back, headers=headers)
        assert answered.status_code == 502
        assert "begun elsewhere" in answered.text
    assert await world.users() == {}


async def test_strangers_cannot_fill_the_audit_by_answers_to_nothing(world: World) -> None:
    for _ in range(2 * ADDRESS.free):
        assert (await world.http.get("/login/sso/callback?code=c&state=s")).status_code == 502
    entries = (await world.store.views.audit(limit=100)).rows
    assert 1 <= len(entries) <= ADDRESS.free + 5
    await world.know("u-10", preferred_username="grace", groups=["support"])
    assert (await world.log_in("u-10")).headers["location"] == "/traces"  # nobody else is kept out by it


async def test_a_code_is_good_once(world: World) -> None:
    await world.know("u-8", preferred_username="erin", groups=["support"])
    url = await world.begin()
    cookies = dict(world.http.cookies)
    back = await world.say_yes(url, "u-8")
    assert (await world.http.get(back)).status_code == 303
    world.http.cookies.clear()
    world.http.cookies.update(cookies)
    answered = await world.http.get(back)
    assert answered.status_code == 502
    assert "answers 400" in answered.text


async def test_a_no_is_told(world: World) -> None:
    await world.know("u-9", preferred_username="frank")
    url = await world.begin()
    back = await world.say_yes(url, "u-9", action="deny")
    state = parse_qs(urlsplit(url).query)["state"][0]
    answered = await world.http.get(back if "state=" in back else f"{back}&state={state}")
    assert answered.status_code == 403
    assert "says no" in answered.text
    hostile = "<script>alert(1)</script>"
    url = await world.begin()
    state = parse_qs(urlsplit(url).query)["state"][0]
    answered = await world.http.get(
        "/login/sso/callback", params={"error": "x", "error_description": hostile, "state": state}
    )
    assert hostile not in answered.text


async def test_a_provider_that_is_away_is_told_and_no_secret_with_it(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    world = await a_world(f"http://localhost:{free_port()}", store, roles=ROLES)
    answered = await world.http.get("/login/sso")
    assert answered.status_code == 502
    assert "cannot be asked" in answered.text
    assert "s3cret" not in answered.text + caplog.text
    await closed(world)


# what a provider must not say -------------------------------------------------------------------------------

KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, private=True)
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://login.example"
GOOD = {
    "iss": ISSUER,
    "sub": "u",
    "aud": "choreoscope",
    "exp": AT + 60,
    "iat": AT,
    "nonce": "n",
    "groups": "sre",
}

BEGAN = Began("", "s", "n", "v")


def answering(
    id_token: str, about: Mapping[str, Any] | None = None, more: Mapping[str, Any] | None = None
) -> Any:
    keys = KeySet([KEY]).as_dict(private=False)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            named = {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/a",
                "token_endpoint": f"{ISSUER}/t",
                "jwks_uri": f"{ISSUER}/k",
                "userinfo_endpoint": f"{ISSUER}/u",
                **(about or {}),
            }
            return httpx.Response(200, json=named)
        if request.url.path == "/k":
            return httpx.Response(200, json=keys)
        if request.url.path == "/u":
            return httpx.Response(200, json={"sub": "u", **(more or {})})
        assert b"code_verifier=v" in request.content
        return httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": id_token})

    return answer


async def finished(answer: Any, came: Mapping[str, str] | None = None, began: Began = BEGAN) -> Any:
    settings = OidcSettings(issuer=ISSUER, client_id="choreoscope", roles=RoleClaims.model_validate(ROLES))
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    provider = Provider(settings, lambda: NOW, http)
    try:
        return await provider.finish(
            "https://monitor.example/login/sso/callback",
            came or {"code": "c", "state": "s"},
            began,
        )
    finally:
        await provider.close()


def signed(key: RSAKey = KEY, header: Mapping[str, str] | None = None, **changed: Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "k1", **(header or {})}, claims, key)


async def test_a_token_as_it_should_be() -> None:
    identity = await finished(answering(signed(preferred_username="Ann")))
    assert (identity.subject, identity.name, identity.role) == ("u", "Ann", Role.ADMIN)


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": ["choreoscope", "x"], "azp": "x"},
        {"iss": "https://evil.example"},
        {"exp": AT - 120},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"nbf": AT + 3600},
        {"at_hash": "wrong"},
    ],
)
async def test_a_token_that_is_not_for_this_login_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ProviderFailed):
        await finished(answering(signed(**changed)))


async def test_a_token_that_is_not_signed_by_the_provider_is_refused() -> None:
    head = "eyJhbGciOiJub25lIn0"
    for token in (signed(OTHER), signed() + "x", "", "a.b.c", f"{head}.{signed().split('.')[1]}."):
        with pytest.raises(ProviderFailed):
            await finished(answering(token))


@pytest.mark.parametrize(
    ("about", "more"),
    [
        ({"issuer": "https://evil.example"}, {}),
        ({"token_endpoint": "http://login.example/t"}, {}),
        ({"token_endpoint": "file:///etc/passwd"}, {}),
        ({"token_endpoint": None}, {}),
        ({}, {"sub": "somebody else"}),
    ],
)
async def test_a_provider_that_contradicts_itself_is_refused(about: Any, more: Any) -> None:
    with pytest.raises(ProviderFailed):
        await finished(answering(signed(), about, more))


async def test_an_answer_of_another_provider_is_refused() -> None:
    for came in (
        {"code": "c", "state": "s", "iss": "https://evil.example"},
        {"code": "c", "state": "x"},
        {"code": "c"},
        {"state": "s"},
    ):
        with pytest.raises(ProviderFailed):
            await finished(answering(signed()), came)


@pytest.mark.parametrize("missing", ["state", "nonce", "verifier"])
async def test_a_browser_that_forgets_what_was_begun_is_not_checked_less(missing: str) -> None:
    """The cookie is the browser's: a stolen code must not get in by one without a nonce."""
    began = BEGAN._replace(**{missing: ""})
    with pytest.raises(ProviderFailed, match="begun elsewhere"):
        await finished(answering(signed(nonce="another")), {"code": "c", "state": began.state}, began)


async def test_an_endless_answer_is_broken_off() -> None:
    with pytest.raises(ProviderFailed, match="too much"):
        await finished(lambda _: httpx.Response(200, content=b" " * 2_000_000))
