"""Logins, sessions and tokens: who is behind a request, and how they come and go.

What a session or token is worth is asked of the database at most every :data:`KEEP` per process; what this
process itself ends is gone at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from starlette.requests import HTTPConnection

from monitor.dashboard.auth.errors import TooManyAttempts, WrongLogin
from monitor.dashboard.auth.passwords import Passwords
from monitor.dashboard.auth.principal import Principal
from monitor.domain.access import ADDRESS, NAME, PAIR, TOKEN_USER, Limit, user_name
from monitor.settings.auth import AuthSettings
from monitor.storage.access import Access, ApiToken, Client, Held, User

if TYPE_CHECKING:
    from monitor.dashboard.auth.provider import Provider

log = logging.getLogger(__name__)

KEEP = timedelta(seconds=3)
"""How long an answer of the database is good for."""
TOUCH = timedelta(minutes=1)
"""How often it is put down that a session or token is in use."""
MOST_KEPT = 10_000

TOKEN_PREFIX = "chs_"  # noqa: S105
TOKEN_SHOWN = len(TOKEN_PREFIX) + 6
LONGEST_SECRET = 200

Kept = TypeVar("Kept", Held, ApiToken)


class LoggedIn(NamedTuple):
    """``secret`` is what the cookie holds."""

    secret: str
    expires: datetime


class Auth:
    """``secure``: the dashboard is reached by https, so its cookies go nowhere else. ``external_url``: where,
    for providers that send browsers back. ``provider``: of ``settings.oidc``."""

    def __init__(
        self,
        settings: AuthSettings,
        access: Access,
        now: Callable[[], datetime],
        *,
        secure: bool = False,
        external_url: str | None = None,
        passwords: Passwords | None = None,
        provider: Provider | None = None,
    ) -> None:
        self.settings = settings
        self.access = access
        self.passwords = passwords or Passwords()
        self.secure = secure
        self.external_url = external_url
        self.provider = provider
        self._now = now
        self._sessions: dict[bytes, tuple[datetime, Held]] = {}
        self._tokens: dict[bytes, tuple[datetime, ApiToken]] = {}
        self._changes = 0
        self._writing: set[asyncio.Task[None]] = set()

    # cookies ---------------------------------------------------------------------------------------------

    @property
    def cookie(self) -> str:
        """The session's. What is called ``__Host-`` goes back only to where it came from, encrypted."""
        return "__Host-choreoscope" if self.secure else "choreoscope"

    @property
    def form_cookie(self) -> str:
        """What ties a login form to the browser it was shown in."""
        return f"{self.cookie}-form"

    @property
    def sso_cookie(self) -> str:
        """What ties a login at the provider to the browser it began in."""
        return f"{self.cookie}-sso"

    # who -------------------------------------------------------------------------------------------------

    async def principal(self, connection: HTTPConnection) -> Principal | None:
        """Who is behind a request; None where nobody is logged in. A token that is shown and not valid is
        nobody's, whatever cookie comes with it. Raises StorageError."""
        scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and shown.strip().startswith(TOKEN_PREFIX):
            return await self._by_token(shown.strip())
        if secret := connection.cookies.get(self.cookie):
            return await self._by_session(secret, _is_somebody(connection))
        return None

    async def _by_token(self, secret: str) -> Principal | None:
        if len(secret) > LONGEST_SECRET:
            return None
        now, key = self._now(), digest(secret)
        kept = self._tokens.get(key)
        if kept is not None and kept[0] <= now < kept[0] + KEEP:
            token = kept[1]
        else:
            changes = self._changes
            found = await self.access.token(key)
            if found is None:
                self._tokens.pop(key, None)
                return None
            token = found
            if changes == self._changes:
                _keep(self._tokens, key, now, token)
        if not token.is_valid(now):
            return None
        if token.used is None or now - token.used >= TOUCH:
            if (newest := self._tokens.get(key)) is not None:  # not what was read here: it may be older
                self._tokens[key] = (newest[0], newest[1]._replace(used=now))
            self._write(self.access.token_used(token.id, now))
        return Principal(TOKEN_USER + token.name, token.role)

    async def _by_session(self, secret: str, is_somebody: bool) -> Principal | None:
        if len(secret) > LONGEST_SECRET:
            return None
        now, key = self._now(), digest(secret)
        kept = self._sessions.get(key)
        if kept is not None and kept[0] <= now < kept[0] + KEEP:
            held = kept[1]
        else:
            changes = self._changes
            found = await self.access.session(key)
            if found is None:
                self._sessions.pop(key, None)
                return None
            held = found
            if changes == self._changes:
                _keep(self._sessions, key, now, held)
        if not self._lasts(held, now):
            return None
        if is_somebody and now - held.seen >= min(TOUCH, self.settings.session.idle / 10):
            if (newest := self._sessions.get(key)) is not None:
                self._sessions[key] = (newest[0], newest[1]._replace(seen=now))
            self._write(self.access.session_seen(key, now))
        user = held.user
        return Principal(user.name, user.role, key.hex(), user.id, user.issuer is None)

    def _lasts(self, held: Held, now: datetime) -> bool:
        user = held.user
        if user.issuer is None:
            way_in = self.settings.local
        else:
            way_in = self.settings.oidc is not None and self.settings.oidc.issuer == user.issuer
        idle = now - held.seen >= self.settings.session.idle
        return way_in and not user.disabled and not idle and now < held.expires

    def forget(self) -> None:
        """What this process has just changed holds for its next request; what it is asking for just now may
        be older than that, and is not kept."""
        self._changes += 1
        self._sessions.clear()
        self._tokens.clear()

    # coming and going ------------------------------------------------------------------------------------

    async def log_in(self, name: str, password: str, client: Client) -> LoggedIn:
        """Raises :class:`TooManyAttempts`, :class:`WrongLogin` (the same whatever is wrong), ``Overloaded``,
        StorageError."""
        now = self._now()
        called = user_name(name)
        limits = _limits(called or name, client.address)
        if (wait := await self.access.attempt(limits.all, now)) is not None:
            raise TooManyAttempts(wait)
        credential = await self.access.credential(called) if called else None
        kept = credential.password if credential else None
        checked = await self.passwords.check(kept, password)
        user = credential.user if credential else None
        if user is None or not checked.right or user.disabled:
            why = "no such user" if user is None else "disabled" if checked.right else "wrong password"
            await self.access.failed(user.name if user else None, client, why, now)
            raise WrongLogin(mend="Passwords that were forgotten are set anew by an admin.")
        begun = await self.begin(user, client, checked.rehashed)
        await self.access.succeeded([limits.pair, limits.name], [limits.address])
        return begun

    async def begin(self, user: User, client: Client, rehashed: str | None = None) -> LoggedIn:
        """A session of its own secret, whatever the browser held before. Raises :class:`WrongLogin` where the
        user is gone or disabled."""
        now = self._now()
        secret = secrets.token_urlsafe(32)
        expires = now + self.settings.session.absolute
        if not await self.access.begin_session(user.id, digest(secret), client, now, expires, rehashed):
            await self.access.failed(user.name, client, "disabled", now)
            raise WrongLogin("This user may not log in here.", mend="An admin can allow it.")
        return LoggedIn(secret, expires)

    async def confirm(self, principal: Principal, password: str, client: Client) -> None:
        """That it is really the user: the password once more. Raises as :meth:`log_in` does."""
        now = self._now()
        limits = _limits(principal.name, client.address)
        if (wait := await self.access.attempt(limits.all, now)) is not None:
            raise TooManyAttempts(wait)
        credential = await self.access.credential(principal.name)
        checked = await self.passwords.check(credential.password if credential else None, password)
        if not checked.right:
            await self.access.failed(principal.name, client, "wrong password", now)
            raise WrongLogin("The password is wrong.")
        await self.access.succeeded([limits.pair, limits.name], [limits.address])

    async def failed_at_provider(self, client: Client) -> bool:
        """Put down that a login at the provider failed. False, and nothing is, where that address does so all
        the time: anybody can send us answers to what they never began. They keep nobody out by it."""
        now = self._now()
        key = digest(f"provider\0{network(client.address)}")
        if await self.access.attempt({key: ADDRESS}, now) is not None:
            return False
        await self.access.failed(None, client, "provider", now)
        return True

    async def close(self) -> None:
        """What is still to be written is."""
        await asyncio.gather(*self._writing, return_exceptions=True)
        if self.provider is not None:
            await self.provider.close()

    def _write(self, writing: Awaitable[None]) -> None:
        """Put something down that nobody waits for."""

        async def written() -> None:
            await writing

        task = asyncio.create_task(written(), name="login in use")
        self._writing.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("that a login is in use could not be put down: %s", error)


class _Limits(NamedTuple):
    pair: bytes
    name: bytes
    address: bytes

    @property
    def all(self) -> dict[bytes, Limit]:
        return {self.pair: PAIR, self.name: NAME, self.address: ADDRESS}


def _limits(name: str, address: str) -> _Limits:
    """Names are kept as digests: what is typed there may be a password."""
    near = network(address)
    return _Limits(digest(f"pair\0{name}\0{near}"), digest(f"name\0{name}"), digest(f"address\0{near}"))


def network(address: str) -> str:
    """What one caller has at hand: of IPv6 addresses that is a whole network of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def client_of(connection: HTTPConnection) -> Client:
    address = connection.client.host if connection.client else "unknown"
    return Client(address, connection.headers.get("user-agent", "")[:LONGEST_SECRET])


def digest(secret: str) -> bytes:
    """Secrets are long and random, so that a plain digest keeps them."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _is_somebody(connection: HTTPConnection) -> bool:
    """Whether a person does this, not a page that updates itself."""
    return connection.headers.get("sec-fetch-mode", "navigate") == "navigate"


def _keep(kept: dict[bytes, tuple[datetime, Kept]], key: bytes, now: datetime, value: Kept) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = (now, value)
