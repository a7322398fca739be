"""What a login asks of the database: users, sessions, tokens, failed attempts. Secrets are here as digests
only. Every change is put down in the audit by the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from monitor.domain.access import Limit, Role
from monitor.errors import InvalidInput
from monitor.storage.views import Page


class NameTaken(InvalidInput):
    """This name is taken."""


class NoSuchUser(InvalidInput):
    """There is no such user."""


class LastAdmin(InvalidInput):
    """This is the last admin; without one nobody could let anybody in."""


class User(NamedTuple):
    """``issuer``: the OpenID provider that vouches for this user, None for one with a password here.
    ``sessions``: how many there are that may still be in use."""

    id: int
    name: str
    issuer: str | None
    role: Role
    disabled: bool
    created: datetime
    last_login: datetime | None
    sessions: int = 0


class Credential(NamedTuple):
    """``password``: its hash; None for a user of a provider."""

    user: User
    password: str | None


class Held(NamedTuple):
    """A session, by the digest of its secret, and whose it is."""

    digest: bytes
    user: User
    created: datetime
    seen: datetime
    expires: datetime
    address: str
    agent: str


class Client(NamedTuple):
    """Where a login comes from."""

    address: str
    agent: str


class ApiToken(NamedTuple):
    """``begins``: its first characters, to tell tokens apart."""

    id: int
    name: str
    begins: str
    role: Role
    created: datetime
    created_by: str
    expires: datetime | None
    used: datetime | None
    revoked: datetime | None
    revoked_by: str | None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class Identity(NamedTuple):
    """Somebody an OpenID provider vouches for. ``name`` is what they would like to be called; ``role`` None:
    the provider does not say, so it stays, or begins as ``first_role``."""

    issuer: str
    subject: str
    name: str
    role: Role | None
    first_role: Role


class Access(Protocol):
    # users -----------------------------------------------------------------------------------------------

    async def users(self, now: datetime, cursor: str | None = None, limit: int = 50) -> Page[User]: ...

    async def has_users(self) -> bool: ...

    async def credential(self, name: str) -> Credential | None: ...

    async def add_user(self, name: str, password: str, role: Role, who: str, now: datetime) -> None:
        """``password``: its hash. Raises :class:`NameTaken`."""

    async def set_role(self, name: str, role: Role, who: str, now: datetime) -> None:
        """Raises :class:`NoSuchUser`, :class:`LastAdmin`."""

    async def set_password(
        self, name: str, password: str, who: str, now: datetime, keep: bytes | None = None
    ) -> None:
        """All of the user's sessions end, save ``keep``. Raises :class:`NoSuchUser`, also for one of a
        provider."""

    async def set_disabled(self, name: str, disabled: bool, who: str, now: datetime) -> None:
        """Who is disabled is logged out. Raises :class:`NoSuchUser`, :class:`LastAdmin`."""

    async def remove_user(self, name: str, who: str, now: datetime) -> None:
        """What the user did stays in the audit. Raises :class:`NoSuchUser`, :class:`LastAdmin`."""

    # logins ----------------------------------------------------------------------------------------------

    async def attempt(self, limits: Mapping[bytes, Limit], now: datetime) -> timedelta | None:
        """Count an attempt as failed under each of these keys before it is made, so that many at once cannot
        slip through; :meth:`succeeded` takes it back. Not None: it may not be made before so long."""

    async def succeeded(self, forgotten: Sequence[bytes], taken_back: Sequence[bytes]) -> None:
        """An attempt was right: all failures under the first keys are forgotten, of those under the others
        only this one, which was none."""

    async def failed(self, name: str | None, client: Client, why: str, now: datetime) -> None:
        """Put a failed login down. ``name``: None where it is nobody's (it may be a password)."""

    async def begin_session(
        self,
        user: int,
        digest: bytes,
        client: Client,
        now: datetime,
        expires: datetime,
        rehashed: str | None = None,
    ) -> bool:
        """False where the user is gone or disabled meanwhile. ``rehashed``: the password's hash by today's
        measure."""

    async def identified(self, identity: Identity, now: datetime) -> User:
        """The user an OpenID provider vouches for; made where it is their first login. Their role follows
        the provider's word. They may be disabled."""

    async def session(self, digest: bytes) -> Held | None: ...

    async def session_seen(self, digest: bytes, now: datetime) -> None: ...

    async def sessions(self, user: int, now: datetime) -> Sequence[Held]:
        """Of one user, the latest first, at most 100."""

    async def end_session(self, digest: bytes, user: int, who: str, now: datetime, logout: bool) -> bool:
        """``logout``: its own user ends it by logging out. False where this user has no such session."""

    # tokens ----------------------------------------------------------------------------------------------

    async def tokens(self, cursor: str | None = None, limit: int = 50) -> Page[ApiToken]: ...

    async def token(self, digest: bytes) -> ApiToken | None: ...

    async def token_used(self, token: int, now: datetime) -> None: ...

    async def create_token(
        self,
        name: str,
        digest: bytes,
        begins: str,
        role: Role,
        expires: datetime | None,
        who: str,
        now: datetime,
    ) -> ApiToken:
        """Raises :class:`NameTaken` where a valid token has the name."""

    async def revoke_token(self, token: int, who: str, now: datetime) -> bool:
        """False where there is no such token, or it was revoked before."""

    # shared by all dashboards of this database -------------------------------------------------------------

    async def secret(self, name: str, fresh: bytes, now: datetime) -> bytes:
        """A secret of this name; ``fresh`` from now on where there was none."""
