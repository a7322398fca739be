"""Logging in and out, what a session and a token are worth, and for how long."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from monitor.configuration import Configuration, Refused
from monitor.dashboard.app import create_app
from monitor.dashboard.auth.browser import is_ours
from monitor.dashboard.auth.passwords import BadPassword, Passwords, generated, judge
from monitor.dashboard.auth.service import KEEP, Auth, digest, network
from monitor.domain.access import Role
from monitor.settings import DashboardSettings
from monitor.settings.auth import AuthSettings, SessionSettings
from monitor.storage.access import User
from tests.unit.dashboard.conftest import NOW, OneModel, Rows, inbox_row
from tests.unit.dashboard.logins import SECRETS, Kept

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = QUICK.hash(PASSWORD)


@dataclass
class World:
    """A dashboard with a login, a browser before it, and its clock."""

    kept: Kept
    auth: Auth
    http: httpx.AsyncClient
    time: list[datetime] = field(default_factory=lambda: [NOW])

    def later(self, **span: float) -> None:
        self.time[0] += timedelta(**span)

    async def form(self, path: str = "/login") -> str:
        return token_of(await self.http.get(path))

    async def log_in(self, name: str = "ann", password: str = PASSWORD, **rest: str) -> httpx.Response:
        fields = {"token": await self.form(), "name": name, "password": password, **rest}
        return await self.http.post("/login", data=fields)

    async def post(self, path: str, on: str = "/account", **fields: str) -> httpx.Response:
        return await self.http.post(path, data={"token": await self.form(on), **fields})

    @property
    def session(self) -> str | None:
        return self.http.cookies.get(self.auth.cookie)


def token_of(response: httpx.Response) -> str:
    found = re.search(r'name="token" value="(\w+)"', response.text)
    assert found, response.text
    return found[1]


async def a_world(
    kept: Kept | None = None,
    dashboard: dict[str, Any] | None = None,
    rows: Rows | None = None,
    configuration: Configuration | None = None,
    **settings: Any,
) -> World:
    kept = kept or Kept().with_tokens(NOW)
    for number, role in enumerate(Role):
        name = ("vic", "olga", "ann")[number]
        kept.user_rows[name] = User(100 + number, name, None, role, False, NOW, None)
        kept.passwords[name] = HASH
    time = [NOW]
    shown = DashboardSettings(**(dashboard or {}))
    auth = Auth(
        AuthSettings(**settings),
        kept,
        lambda: time[0],
        secure=bool(dashboard),
        passwords=Passwords(QUICK),
    )
    app = create_app(
        rows or Rows(),
        flows=OneModel(),
        settings=shown,
        now=lambda: time[0],
        auth=auth,
        form_secret=b"shared",
        configuration=configuration,
        pulse_seconds=0.01,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    base = shown.external_url or "http://localhost:8321"
    return World(kept, auth, httpx.AsyncClient(transport=transport, base_url=base), time)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = await a_world()
    async with made.http:
        yield made


async def test_who_logs_in_goes_on_to_where_they_wanted(world: World) -> None:
    asked = await world.http.get("/traces?state=open")
    assert asked.headers["location"] == "/login?next=%2Ftraces%3Fstate%3Dopen"
    answered = await world.log_in(next="/traces?state=open")
    assert (answered.status_code, answered.headers["location"]) == (303, "/traces?state=open")
    shown = await world.http.get("/traces")
    assert shown.status_code == 200
    assert "Logged in as" in shown.text
    assert (await world.http.get("/login")).headers["location"] == "/"


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("ann", "wrong", "wrong password"),
        ("nobody-here", PASSWORD, "no such user"),
        ("", "", "no such user"),
        ("a" * 500, "b" * 5000, "no such user"),
        ("<b>", "\x00", "no such user"),
    ],
)
async def test_what_is_wrong_is_not_told(world: World, name: str, password: str, why: str) -> None:
    answered = await world.log_in(name, password)
    assert answered.status_code == 403
    assert "Name or password is wrong." in answered.text
    assert why not in answered.text
    assert world.session is None
    assert world.kept.failures == [("ann" if name == "ann" else None, why)]


async def test_a_disabled_user_is_told_nothing_else(world: World) -> None:
    await world.kept.set_disabled("olga", True, "ann", NOW)
    answered = await world.log_in("olga")
    assert answered.status_code == 403
    assert "Name or password is wrong." in answered.text


async def test_too_many_attempts_are_not_even_looked_at(world: World) -> None:
    world.kept.waits = timedelta(seconds=40)
    answered = await world.log_in()
    assert answered.status_code == 429
    assert answered.headers["retry-after"] == "40"
    assert "Try again in 40 s" in answered.text
    assert world.session is None


async def test_every_login_is_a_session_of_its_own(world: World) -> None:
    world.http.cookies.set(world.auth.cookie, "chosen-by-a-stranger", domain="localhost.local", path="/")
    await world.log_in()
    first = world.session
    assert first != "chosen-by-a-stranger"
    await world.post("/logout")
    await world.log_in()
    assert world.session not in (None, first)
    assert set(world.kept.held) == {digest(str(world.session))}


async def test_a_session_is_kept_as_a_digest_only(world: World) -> None:
    await world.log_in()
    assert world.session
    assert world.session not in repr(world.kept)


async def test_cookies_are_for_this_host_by_https_and_not_for_scripts() -> None:
    world = await a_world(dashboard={"external_url": "https://monitor.example"})
    async with world.http:
        answered = await world.log_in()
        cookies = [value for name, value in answered.headers.multi_items() if name == "set-cookie"]
        session = next(value for value in cookies if value.startswith("__Host-choreoscope="))
        for word in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
            assert word in session
        assert "Domain" not in session
        assert answered.headers["strict-transport-security"] == "max-age=31536000"


async def test_a_login_form_of_another_browser_is_refused(world: World) -> None:
    fields = {"token": await world.form(), "name": "ann", "password": PASSWORD}
    world.http.cookies.clear()
    answered = await world.http.post("/login", data=fields)
    assert answered.status_code == 403
    assert world.session is None


async def test_a_form_of_another_session_is_refused(world: World) -> None:
    await world.log_in("olga")
    of_olga = await world.form("/account")
    await world.post("/logout")
    await world.log_in("ann")
    answered = await world.http.post("/admin/users/olga/remove", data={"token": of_olga})
    assert answered.status_code == 403
    assert "olga" in world.kept.user_rows


async def test_who_logs_out_is_out_at_once(world: World) -> None:
    await world.log_in()
    secret = str(world.session)
    answered = await world.post("/logout")
    assert answered.headers["clear-site-data"] == '"cache"'
    assert world.session is None
    shown = await world.http.get("/traces", headers={"cookie": f"{world.auth.cookie}={secret}"})
    assert shown.status_code == 303


async def test_an_open_stream_ends_with_its_login() -> None:
    rows = Rows()
    world = await a_world(rows=rows)
    app: Any = world.http._transport.app  # type: ignore[attr-defined]
    told: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(message: Any) -> None:
        await told.put(message.get("body", b""))

    async with world.http, app.state.live.running(), asyncio.timeout(10):
        await world.log_in("vic")
        cookie = f"{world.auth.cookie}={world.session}".encode()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/events/stream",
            "query_string": b"",
            "headers": [(b"host", b"localhost:8321"), (b"cookie", cookie)],
        }
        stream = asyncio.create_task(app(scope, asyncio.Event().wait, send))
        while b"event: pulse" not in await told.get():
            pass
        rows.beat = "next"
        while b"data: next" not in await told.get():
            pass
        assert not stream.done()
        await world.kept.set_disabled("vic", True, "x", NOW)  # by another process
        world.later(seconds=KEEP.total_seconds())
        rows.beat = "not for strangers"
        await stream
        assert not any(b"not for strangers" in told.get_nowait() for _ in range(told.qsize()))


async def test_a_session_costs_one_look_up_in_a_while(world: World) -> None:
    await world.log_in()
    world.kept.asked = 0
    for _ in range(10):
        assert (await world.http.get("/traces")).status_code == 200
    assert world.kept.asked == 1
    world.later(seconds=KEEP.total_seconds() + 1)
    await world.http.get("/traces")
    assert world.kept.asked == 2


async def test_what_another_process_ends_is_over_within_moments(world: World) -> None:
    await world.log_in()
    assert (await world.http.get("/traces")).status_code == 200
    world.kept.held.clear()
    world.later(seconds=KEEP.total_seconds())
    assert (await world.http.get("/traces")).status_code == 303


async def test_an_answer_that_was_on_its_way_when_it_changed_is_not_kept(world: World) -> None:
    await world.log_in()
    world.auth.forget()
    session = world.kept.session

    async def overtaken(key: bytes) -> Any:
        found = await session(key)
        await world.kept.set_disabled("ann", False, "x", NOW)
        world.kept.held.clear()
        world.auth.forget()
        return found

    world.kept.session = overtaken  # type: ignore[method-assign, assignment]
    await world.http.get("/traces")
    world.kept.session = session  # type: ignore[method-assign]
    assert (await world.http.get("/traces")).status_code == 303


async def test_an_answer_that_was_overtaken_does_not_replace_the_newer_one(world: World) -> None:
    await world.log_in()
    world.later(minutes=5)  # so that it is put down that the session is in use
    world.auth.forget()
    session = world.kept.session

    async def overtaken(key: bytes) -> Any:
        found = await session(key)
        world.kept.session = session  # type: ignore[method-assign]
        await world.kept.set_role("olga", Role.ADMIN, "x", NOW)
        await world.kept.set_role("ann", Role.VIEWER, "x", NOW)
        world.auth.forget()
        assert (await world.http.get("/admin/users")).status_code == 403
        return found

    world.kept.session = overtaken  # type: ignore[method-assign, assignment]
    await world.http.get("/traces")
    assert (await world.http.get("/admin/users")).status_code == 403


async def test_who_does_nothing_is_logged_out(world: World) -> None:
    await world.log_in()
    for _ in range(3):  # a page that updates itself does nothing
        world.later(hours=3)
        shown = await world.http.get("/traces", headers={"sec-fetch-mode": "cors"})
        assert shown.status_code == 200
    world.later(hours=3)
    refreshed = await world.http.get("/traces", headers={"sec-fetch-mode": "cors"})
    assert refreshed.status_code == 401


async def test_who_does_something_stays_until_the_absolute_end(world: World) -> None:
    await world.log_in()
    for _ in range(16):
        world.later(hours=10)
        assert (await world.http.get("/traces")).status_code == 200
        await asyncio.sleep(0)
        await world.auth.close()
    world.later(hours=10)
    assert (await world.http.get("/traces")).status_code == 303


async def test_without_passwords_in_the_configuration_they_open_nothing() -> None:
    oidc = {"issuer": "https://login.example", "client_id": "c", "default_role": "viewer"}
    both = await a_world(oidc=oidc)
    async with both.http:
        await both.log_in()
        cookie = {"cookie": f"{both.auth.cookie}={both.session}"}
    provider_only = await a_world(both.kept, local=False, oidc=oidc)
    async with provider_only.http:
        assert (await provider_only.http.get("/traces", headers=cookie)).status_code == 303
        page = await provider_only.http.get("/login")
        assert 'type="password"' not in page.text
        token = token_of(page) if 'name="token"' in page.text else ""
        answered = await provider_only.http.post("/login", data={"token": token, "name": "ann"})
        assert answered.status_code in (403, 404)


# tokens ---------------------------------------------------------------------------------------------------


async def test_a_token_that_is_not_valid_is_nobodys_whatever_the_cookie_says(world: World) -> None:
    await world.log_in()
    for wrong in ("chs_unknown", "chs_" + "x" * 5000, "chs_ü"):
        shown = await world.http.get(
            "/api/v1/traces", headers=[(b"authorization", f"Bearer {wrong}".encode())]
        )
        assert shown.status_code == 401


async def test_a_token_ends_when_it_expires_or_is_revoked(world: World) -> None:
    viewer = {"authorization": f"Bearer {SECRETS[Role.VIEWER]}"}
    assert (await world.http.get("/api/v1/traces", headers=viewer)).status_code == 200
    key = digest(SECRETS[Role.VIEWER])
    world.kept.token_rows[key] = world.kept.token_rows[key]._replace(expires=NOW + timedelta(minutes=1))
    world.auth.forget()
    assert (await world.http.get("/api/v1/traces", headers=viewer)).status_code == 200
    world.later(minutes=1)
    assert (await world.http.get("/api/v1/traces", headers=viewer)).status_code == 401
    operator = {"authorization": f"Bearer {SECRETS[Role.OPERATOR]}"}
    assert (await world.http.get("/api/v1/traces", headers=operator)).status_code == 200
    number = world.kept.token_rows[digest(SECRETS[Role.OPERATOR])].id
    admin = {"authorization": f"bearer {SECRETS[Role.ADMIN]}"}
    revoked = await world.http.post(f"/api/v1/admin/tokens/{number}/revoke", json={}, headers=admin)
    assert revoked.status_code == 200
    assert (await world.http.get("/api/v1/traces", headers=operator)).status_code == 401


async def test_no_password_is_hashed_for_a_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.log_in()

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(PasswordHasher, "verify", never)
    monkeypatch.setattr(PasswordHasher, "hash", never)
    assert (await world.http.get("/traces")).status_code == 200
    viewer = {"authorization": f"Bearer {SECRETS[Role.VIEWER]}"}
    assert (await world.http.get("/api/v1/traces", headers=viewer)).status_code == 200


# account and administration -------------------------------------------------------------------------------


async def test_a_password_is_changed_by_who_knows_it(world: World) -> None:
    await world.log_in()
    old = str(world.session)
    new = "four words are enough"
    wrong = await world.post("/account/password", password="wrong", new=new, again=new)
    assert wrong.status_code == 400
    short = await world.post("/account/password", password=PASSWORD, new="short", again="short")
    assert "shorter than 12" in short.text
    twice = await world.post("/account/password", password=PASSWORD, new=new, again=new + "!")
    assert "twice" in twice.text
    done = await world.post("/account/password", password=PASSWORD, new=new, again=new)
    assert done.status_code == 303
    assert world.session not in (None, old)
    assert list(world.kept.held) == [digest(str(world.session))]
    await world.post("/logout")
    assert (await world.log_in(password=new)).status_code == 303


async def test_ones_own_sessions_are_ended_and_no_others(world: World) -> None:
    await world.log_in("olga")
    of_olga = digest(str(world.session)).hex()
    world.http.cookies.clear()
    await world.log_in("ann")
    refused = await world.post(f"/account/sessions/{of_olga}/end")
    assert refused.status_code == 404
    assert len(world.kept.held) == 2
    elsewhere = digest(str(world.session)).hex()
    world.http.cookies.clear()
    await world.log_in("ann")
    assert (await world.post(f"/account/sessions/{elsewhere}/end")).status_code == 303
    assert len(world.kept.held) == 2
    assert (await world.post("/account/sessions/zz/end")).status_code == 404


async def test_an_admin_lets_somebody_in_and_keeps_them_out(world: World) -> None:
    await world.log_in()
    made = await world.post("/admin/users/add", on="/admin/users", name="Bob", role="operator", password="")
    password = re.search(r"<pre[^>]*>([^<]+)</pre>", made.text)
    assert password
    assert made.headers["cache-control"] == "no-store"
    assert world.kept.user_rows["bob"].role is Role.OPERATOR
    assert QUICK.verify(world.kept.passwords["bob"], password[1])
    await world.post("/admin/users/bob/role", on="/admin/users", role="viewer")
    assert [user.role for user in world.kept.user_rows.values() if user.name == "bob"] == [Role.VIEWER]
    await world.post("/admin/users/bob/disable", on="/admin/users")
    assert world.kept.user_rows["bob"].disabled
    again = await world.post("/admin/users/add", on="/admin/users", name="bob", role="operator")
    assert again.status_code == 400
    assert "There is a user bob already." in again.text
    last = await world.post("/admin/users/ann/disable", on="/admin/users")
    assert last.status_code == 400
    assert "last admin" in last.text


async def test_who_is_demoted_is_so_at_once(world: World) -> None:
    await world.log_in("olga")
    of_olga = {"cookie": f"{world.auth.cookie}={world.session}"}
    assert (await world.http.get("/audit", headers=of_olga)).status_code == 200
    world.http.cookies.clear()
    await world.log_in("ann")
    await world.post("/admin/users/olga/role", on="/admin/users", role="viewer")
    mine = dict(world.http.cookies)
    world.http.cookies.clear()
    assert (await world.http.get("/audit", headers=of_olga)).status_code == 403
    world.http.cookies.update(mine)


async def test_a_token_is_shown_once(world: World) -> None:
    await world.log_in()
    made = await world.post(
        "/admin/tokens/create", on="/admin/tokens", name="grafana", role="viewer", days="30"
    )
    found = re.search(r"chs_[\w-]{40,}", made.text)
    assert found
    row = world.kept.token_rows[digest(found[0])]
    assert row.expires == NOW + timedelta(days=30)
    listed = await world.http.get("/admin/tokens")
    assert found[0] not in listed.text
    assert found[0][:10] in listed.text
    for days in ("0", "99999", "x", "-1"):
        wrong = await world.post(
            "/admin/tokens/create", on="/admin/tokens", name="other", role="viewer", days=days
        )
        assert wrong.status_code == 400


@pytest.mark.parametrize("path", ["/account", "/admin/users", "/admin/tokens"])
async def test_names_of_strangers_are_inert(world: World, path: str) -> None:
    hostile = "‮<script>alert(1)</script>"
    world.kept.user_rows["x"] = User(7, hostile, hostile, Role.VIEWER, False, NOW, NOW)
    await world.log_in()
    key = next(iter(world.kept.held))
    world.kept.held[key] = world.kept.held[key]._replace(agent=hostile, address=hostile)
    token = next(iter(world.kept.token_rows))
    world.kept.token_rows[token] = world.kept.token_rows[token]._replace(name=hostile, created_by=hostile)
    shown = (await world.http.get(path)).text
    assert "<script>alert" not in shown
    assert "‮" not in shown


# pieces ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/", True),
        ("/traces?q=a%20b&x=//y", True),
        ("", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        ("/a\nSet-Cookie: x", False),
        ("/login?next=/login", False),
        ("/ü", False),
        ("/" + "a" * 2000, False),
    ],
)
def test_only_our_own_addresses_are_gone_on_to(path: str, ours: bool) -> None:
    assert is_ours(path) == ours


@pytest.mark.parametrize("password", ["short", "a" * 20, "ann-ann-ann-123", "choreoscope123", "x" * 1001])
def test_poor_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadPassword):
        judge(password, "ann")


def test_made_up_passwords_are_good() -> None:
    made = {generated() for _ in range(50)}
    assert len(made) == 50
    for one in made:
        judge(one, "ann")


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_address(address: str, near: str) -> None:
    assert network(address) == near


async def test_a_hash_by_an_older_measure_is_made_anew() -> None:
    checked = await Passwords().check(HASH, PASSWORD)
    assert checked.right
    assert checked.rehashed is not None
    assert not (await Passwords(QUICK).check(None, PASSWORD)).right


def test_an_idle_time_longer_than_the_absolute_is_an_error() -> None:
    with pytest.raises(ValueError, match="idle must not be longer"):
        SessionSettings(idle=timedelta(days=8), absolute=timedelta(days=7))


# what viewers do not see ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/inbox/5", "/inbox/5?view=hex", "/inbox", "/api/v1/inbox/5", "/api/v1/inbox"]
)
async def test_what_a_message_holds_is_for_operators(path: str) -> None:
    planted = "pan-4111111111111111"
    row = inbox_row(
        body=f'{{"card": "{planted}"}}'.encode(),
        headers=f'{{"x": "{planted}"}}',
        message_key=planted.encode(),
        detail="The body has no type.",
    )
    world = await a_world(rows=Rows(inbox_rows=(row,)))
    async with world.http:
        answers = {}
        for role in (Role.VIEWER, Role.OPERATOR):
            headers = {"authorization": f"Bearer {SECRETS[role]}"}
            answers[role] = await world.http.get(path, headers=headers)
            assert answers[role].status_code == 200
            assert "The body has no type." in answers[role].text
        secret = re.compile(f"{planted}|{b64encode(planted.encode()).decode()[:12]}|70 61 6e 2d|eyJjYXJkIj")
        assert not secret.search(answers[Role.VIEWER].text)
        if path not in ("/inbox",):
            assert secret.search(answers[Role.OPERATOR].text)


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/traces"])
async def test_what_is_wrong_with_the_configuration_is_not_for_strangers(path: str) -> None:
    world = await a_world(configuration=Configuration(NOW, Refused(NOW, "sources.0.url: no such thing")))
    async with world.http:
        shown = await world.http.get(path, follow_redirects=True)
        assert "sources.0.url" not in shown.text
        assert "configuration was changed" not in shown.text
        await world.log_in("vic")
        assert "sources.0.url" in (await world.http.get("/traces")).text


async def test_viewers_are_offered_nothing_they_may_not_do(world: World) -> None:
    await world.log_in("vic")
    for path in ("/", "/traces/17", "/findings", "/inbox", "/account", "/sources"):
        shown = await world.http.get(path)
        assert shown.status_code == 200
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', shown.text)
        assert set(forms) <= {"/logout", "/account/password"}, path
        assert "/admin/" not in shown.text
