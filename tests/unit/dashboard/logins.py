"""A login to test with: users and tokens kept in memory, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from monitor.dashboard.auth.service import TOKEN_SHOWN, digest
from monitor.domain.access import Limit, Role
from monitor.domain.audit import Entry
from monitor.storage.access import (
    Access,
    ApiToken,
    Client,
    Credential,
    Held,
    Identity,
    LastAdmin,
    NameTaken,
    NoSuchUser,
    User,
)
from monitor.storage.views import Page

SECRETS = {role: f"chs_{role.value}-{'x' * 30}" for role in Role}
"""A token for each role."""


@dataclass
class Kept:
    """An ``Access`` over lists. ``asked`` counts look-ups of sessions and tokens."""

    user_rows: dict[str, User] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    held: dict[bytes, Held] = field(default_factory=dict)
    token_rows: dict[bytes, ApiToken] = field(default_factory=dict)
    waits: timedelta | None = None
    failures: list[tuple[str | None, str]] = field(default_factory=list)
    audited: list[Entry] = field(default_factory=list)
    asked: int = 0
    ids: count[int] = field(default_factory=lambda: count(1))

    def with_tokens(self, now: datetime) -> Kept:
        for role, secret in SECRETS.items():
            self.token_rows[digest(secret)] = self._token(f"the-{role.value}", secret, role, None, "ann", now)
        return self

    def _token(
        self, name: str, begins: str, role: Role, expires: datetime | None, who: str, now: datetime
    ) -> ApiToken:
        shown = begins[:TOKEN_SHOWN]
        return ApiToken(next(self.ids), name, shown, role, now, who, expires, None, None, None)

    async def users(self, now: datetime, cursor: str | None = None, limit: int = 50) -> Page[User]:
        rows = [
            user._replace(sessions=sum(held.user.id == user.id for held in self.held.values()))
            for user in self.user_rows.values()
        ]
        return Page(rows[:limit])

    async def has_users(self) -> bool:
        return bool(self.user_rows)

    async def credential(self, name: str) -> Credential | None:
        user = self.user_rows.get(name)
        return None if user is None else Credential(user, self.passwords.get(name))

    async def add_user(self, name: str, password: str, role: Role, who: str, now: datetime) -> None:
        if name in self.user_rows:
            raise NameTaken(f"There is a user {name} already.")
        self.user_rows[name] = User(next(self.ids), name, None, role, False, now, None)
        self.passwords[name] = password

    async def set_role(self, name: str, role: Role, who: str, now: datetime) -> None:
        user = self._user(name, role is not Role.ADMIN)
        self._change(user._replace(role=role))

    async def set_password(
        self, name: str, password: str, who: str, now: datetime, keep: bytes | None = None
    ) -> None:
        user = self._user(name)
        self.passwords[name] = password
        self.held = {key: held for key, held in self.held.items() if held.user.id != user.id or key == keep}

    async def set_disabled(self, name: str, disabled: bool, who: str, now: datetime) -> None:
        self._change(self._user(name, disabled)._replace(disabled=disabled))

    async def remove_user(self, name: str, who: str, now: datetime) -> None:
        user = self._user(name, needs_admin=True)
        del self.user_rows[name]
        self.held = {key: held for key, held in self.held.items() if held.user.id != user.id}

    def _user(self, name: str, needs_admin: bool = False) -> User:
        if name not in self.user_rows:
            raise NoSuchUser(f"There is no user {name}.")
        admins = [user for user in self.user_rows.values() if user.role is Role.ADMIN and not user.disabled]
        if needs_admin and [user.name for user in admins] == [name]:
            raise LastAdmin
        return self.user_rows[name]

    def _change(self, user: User) -> None:
        self.user_rows[user.name] = user
        self.held = {
            key: held._replace(user=user) if held.user.id == user.id else held
            for key, held in self.held.items()
        }

    async def attempt(self, limits: Mapping[bytes, Limit], now: datetime) -> timedelta | None:
        return self.waits

    async def succeeded(self, forgotten: Sequence[bytes], taken_back: Sequence[bytes]) -> None:
        pass

    async def failed(self, name: str | None, client: Client, why: str, now: datetime) -> None:
        self.failures.append((name, why))

    async def begin_session(
        self,
        user: int,
        digest: bytes,
        client: Client,
        now: datetime,
        expires: datetime,
        rehashed: str | None = None,
    ) -> bool:
        found = next((one for one in self.user_rows.values() if one.id == user), None)
        if found is None or found.disabled:
            return False
        self.held[digest] = Held(digest, found, now, now, expires, client.address, client.agent)
        return True

    async def identified(self, identity: Identity, now: datetime) -> User:
        raise AssertionError("logins at a provider are tested with a real provider")

    async def session(self, digest: bytes) -> Held | None:
        self.asked += 1
        return self.held.get(digest)

    async def session_seen(self, digest: bytes, now: datetime) -> None:
        self.held[digest] = self.held[digest]._replace(seen=now)

    async def sessions(self, user: int, now: datetime) -> Sequence[Held]:
        return [held for held in self.held.values() if held.user.id == user]

    async def end_session(self, digest: bytes, user: int, who: str, now: datetime, logout: bool) -> bool:
        held = self.held.get(digest)
        if held is None or held.user.id != user:
            return False
        del self.held[digest]
        return True

    async def tokens(self, cursor: str | None = None, limit: int = 50) -> Page[ApiToken]:
        return Page(list(self.token_rows.values())[:limit])

    async def token(self, digest: bytes) -> ApiToken | None:
        self.asked += 1
        return self.token_rows.get(digest)

    async def token_used(self, token: int, now: datetime) -> None:
        for key, row in self.token_rows.items():
            if row.id == token:
                self.token_rows[key] = row._replace(used=now)

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
        if any(row.name == name and row.revoked is None for row in self.token_rows.values()):
            raise NameTaken(f"There is a token {name} already.")
        self.token_rows[digest] = self._token(name, begins, role, expires, who, now)
        return self.token_rows[digest]

    async def revoke_token(self, token: int, who: str, now: datetime) -> bool:
        for key, row in self.token_rows.items():
            if row.id == token and row.revoked is None:
                self.token_rows[key] = row._replace(revoked=now, revoked_by=who)
                return True
        return False

    async def secret(self, name: str, fresh: bytes, now: datetime) -> bytes:
        return fresh


_KEPT: type[Access] = Kept  # checked by mypy
