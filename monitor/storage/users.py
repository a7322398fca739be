"""Users, their sessions and failed logins, tokens: :class:`~monitor.storage.access.Access` on both dialects.

Whoever changes users locks all admins first, so that two who each demote the other cannot leave none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select, update

from monitor.domain import audit as actions
from monitor.domain.access import LONGEST_NAME, Limit, Role, user_name
from monitor.domain.audit import Entry
from monitor.errors import StorageConflict
from monitor.storage import audit, keyset
from monitor.storage.access import (
    Access,
    Client,
    Credential,
    Held,
    Identity,
    LastAdmin,
    NameTaken,
    NoSuchUser,
    User,
)
from monitor.storage.tables import login_attempts, secrets, sessions, users
from monitor.storage.tokens import SqlTokens
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

MOST_SESSIONS = 100
LONGEST_AGENT = 200
FORGET_ATTEMPTS = timedelta(days=1)
_AT_ONCE = 1000
_ATTEMPTS = 5

_of, _session, _attempt = users.c, sessions.c, login_attempts.c

Opens = Callable[[], AbstractAsyncContextManager[Transaction]]


class SqlAccess(SqlTokens):
    """``read`` opens a transaction in which nothing changes, ``write`` one that is committed at its end."""

    def __init__(self, read: Opens, write: Opens) -> None:
        super().__init__(read, write)
        self._read = read
        self._write = write

    async def users(self, now: datetime, cursor: str | None = None, limit: int = 50) -> Page[User]:
        open_sessions = (
            select(func.count()).where(_session.user_id == _of.id, _session.expires > now).scalar_subquery()
        )
        asked: Select[Any] = select(users, open_sessions.label("sessions"))
        beyond = keyset.after([_of.id], cursor, ascending=True)
        if beyond is not None:
            asked = asked.where(beyond)
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(_of.id).limit(limit + 1))
        return keyset.page(rows, limit, lambda row: _user(row, row.sessions), lambda row: (row.id,))

    async def has_users(self) -> bool:
        async with self._read() as transaction:
            return bool(await transaction.rows(select(_of.id).limit(1)))

    async def credential(self, name: str) -> Credential | None:
        async with self._read() as transaction:
            rows = await transaction.rows(select(users).where(_of.name == name))
        return Credential(_user(rows[0]), rows[0].password) if rows else None

    async def add_user(self, name: str, password: str, role: Role, who: str, now: datetime) -> None:
        async with self._write() as transaction:
            if await transaction.rows(select(_of.id).where(_of.name == name)):
                raise NameTaken(f"There is a user {name} already.")
            await transaction.execute(insert(users).values(_new(name, role, now, password=password)))
            await audit.write(transaction, [Entry(who, actions.USER_ADD, name, {"role": role.value})], now)

    async def set_role(self, name: str, role: Role, who: str, now: datetime) -> None:
        async with self._write() as transaction:
            user = await self._locked(transaction, name, needs_admin=role is not Role.ADMIN)
            if user.role != role.value:
                await transaction.execute(update(users).where(_of.id == user.id).values(role=role.value))
                detail = {"role": role.value, "was": user.role}
                await audit.write(transaction, [Entry(who, actions.USER_ROLE, name, detail)], now)

    async def set_password(
        self, name: str, password: str, who: str, now: datetime, keep: bytes | None = None
    ) -> None:
        async with self._write() as transaction:
            user = await self._locked(transaction, name)
            if user.issuer is not None:
                raise NoSuchUser(f"{name} logs in at {user.issuer}, and has no password here.")
            await transaction.execute(update(users).where(_of.id == user.id).values(password=password))
            await _end_all(transaction, user.id, keep)
            await audit.write(transaction, [Entry(who, actions.USER_PASSWORD, name)], now)

    async def set_disabled(self, name: str, disabled: bool, who: str, now: datetime) -> None:
        async with self._write() as transaction:
            user = await self._locked(transaction, name, needs_admin=disabled)
            if disabled:
                await _end_all(transaction, user.id)
            if user.disabled != disabled:
                await transaction.execute(update(users).where(_of.id == user.id).values(disabled=disabled))
                action = actions.USER_DISABLE if disabled else actions.USER_ENABLE
                await audit.write(transaction, [Entry(who, action, name)], now)

    async def remove_user(self, name: str, who: str, now: datetime) -> None:
        async with self._write() as transaction:
            user = await self._locked(transaction, name, needs_admin=True)
            await _end_all(transaction, user.id)
            await transaction.execute(delete(users).where(_of.id == user.id))
            entry = Entry(who, actions.USER_REMOVE, name, {"role": user.role})
            await audit.write(transaction, [entry], now)

    async def attempt(self, limits: Mapping[bytes, Limit], now: datetime) -> timedelta | None:
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(limits, now)
            except StorageConflict:  # the first attempt of a name was made twice at once
                continue
        raise StorageConflict

    async def _attempt(self, limits: Mapping[bytes, Limit], now: datetime) -> timedelta | None:
        keys = sorted(limits)
        async with self._write() as transaction:
            asked = select(login_attempts).where(_attempt.key.in_(keys)).order_by(_attempt.key)
            rows = {row.key: row for row in await transaction.rows(asked.with_for_update())}
            wait = max((row.until - now for row in rows.values()), default=timedelta(0))
            if wait > timedelta(0):
                return wait
            for key in keys:
                limit, row = limits[key], rows.get(key)
                forgotten = row is None or row.last + limit.forget <= now
                failures = 1 if forgotten else row.failures + 1  # type: ignore[union-attr]
                values = {"failures": failures, "last": now, "until": now + limit.wait(failures)}
                if row is None:
                    await transaction.execute(insert(login_attempts).values(key=key, **values))
                else:
                    changing = update(login_attempts).where(_attempt.key == key)
                    await transaction.execute(changing.values(values))
            await _forget(transaction, now)
        return None

    async def succeeded(self, forgotten: Sequence[bytes], taken_back: Sequence[bytes]) -> None:
        async with self._write() as transaction:
            await transaction.execute(delete(login_attempts).where(_attempt.key.in_(sorted(forgotten))))
            one_less = update(login_attempts).where(_attempt.key.in_(sorted(taken_back)))
            values = {"failures": _attempt.failures - 1, "until": _attempt.last}
            await transaction.execute(one_less.where(_attempt.failures > 0).values(values))

    async def failed(self, name: str | None, client: Client, why: str, now: datetime) -> None:
        who = actions.NOBODY if name is None else name
        subject = "A name that no user has" if name is None else name
        entry = Entry(who, actions.LOGIN_FAILED, subject, {"why": why, **_detail(client)})
        async with self._write() as transaction:
            await audit.write(transaction, [entry], now)

    async def begin_session(
        self,
        user: int,
        digest: bytes,
        client: Client,
        now: datetime,
        expires: datetime,
        rehashed: str | None = None,
    ) -> bool:
        async with self._write() as transaction:
            rows = await transaction.rows(select(users).where(_of.id == user).with_for_update())
            if not rows or rows[0].disabled:
                return False
            changed: dict[str, Any] = {"last_login": now}
            if rehashed is not None:
                changed["password"] = rehashed
            await transaction.execute(update(users).where(_of.id == user).values(changed))
            values = {
                "digest": digest,
                "user_id": user,
                "created": now,
                "seen": now,
                "expires": expires,
                "address": client.address,
                "agent": client.agent[:LONGEST_AGENT],
            }
            await transaction.execute(insert(sessions).values(values))
            old = select(_session.digest).where(_session.expires <= now).limit(_AT_ONCE)
            await transaction.execute(delete(sessions).where(_session.digest.in_(old)))
            name = rows[0].name
            await audit.write(transaction, [Entry(name, actions.LOGIN, name, _detail(client))], now)
            return True

    async def identified(self, identity: Identity, now: datetime) -> User:
        for _ in range(_ATTEMPTS):
            try:
                return await self._identified(identity, now)
            except StorageConflict:  # two first logins at once
                continue
        raise StorageConflict

    async def _identified(self, identity: Identity, now: datetime) -> User:
        same = (_of.issuer == identity.issuer, _of.subject == identity.subject)
        async with self._write() as transaction:
            rows = await transaction.rows(select(users).where(*same).with_for_update())
            if not rows:
                name = await _free_name(transaction, identity)
                role = identity.role or identity.first_role
                values = _new(name, role, now, issuer=identity.issuer, subject=identity.subject)
                await transaction.execute(insert(users).values(values))
                detail = {"role": role.value, "provider": identity.issuer}
                await audit.write(transaction, [Entry(name, actions.USER_ADD, name, detail)], now)
                rows = await transaction.rows(select(users).where(*same))
            elif identity.role is not None and rows[0].role != identity.role.value:
                changing = update(users).where(_of.id == rows[0].id).values(role=identity.role.value)
                await transaction.execute(changing)
                detail = {"role": identity.role.value, "was": rows[0].role, "provider": identity.issuer}
                entry = Entry(rows[0].name, actions.USER_ROLE, rows[0].name, detail)
                await audit.write(transaction, [entry], now)
                rows = await transaction.rows(select(users).where(*same))
            return _user(rows[0])

    async def session(self, digest: bytes) -> Held | None:
        asked = _held().where(_session.digest == digest)
        async with self._read() as transaction:
            rows = await transaction.rows(asked)
        return _held_of(rows[0]) if rows else None

    async def session_seen(self, digest: bytes, now: datetime) -> None:
        async with self._write() as transaction:
            await transaction.execute(update(sessions).where(_session.digest == digest).values(seen=now))

    async def sessions(self, user: int, now: datetime) -> Sequence[Held]:
        asked = _held().where(_session.user_id == user, _session.expires > now)
        async with self._read() as transaction:
            rows = await transaction.rows(asked.order_by(_session.seen.desc()).limit(MOST_SESSIONS))
        return [_held_of(row) for row in rows]

    async def end_session(self, digest: bytes, user: int, who: str, now: datetime, logout: bool) -> bool:
        async with self._write() as transaction:
            rows = await transaction.rows(_held().where(_session.digest == digest, _session.user_id == user))
            if not rows:
                return False
            await transaction.execute(delete(sessions).where(_session.digest == digest))
            action = actions.LOGOUT if logout else actions.SESSION_END
            detail = {"began": rows[0].begun.isoformat(), "address": rows[0].address}
            await audit.write(transaction, [Entry(who, action, rows[0].name, detail)], now)
            return True

    async def secret(self, name: str, fresh: bytes, now: datetime) -> bytes:
        of = secrets.c
        async with self._write() as transaction:
            await transaction.claim(secrets, list(of), [(name, fresh, now)])
            rows = await transaction.rows(select(of.value).where(of.name == name))
        return bytes(rows[0].value)

    async def _locked(self, transaction: Transaction, name: str, needs_admin: bool = False) -> Row[Any]:
        """A user's row; with all admins locked where that may take one of them away."""
        admins: Sequence[Row[Any]] = []
        if needs_admin:
            asked = select(users).where(_of.role == Role.ADMIN.value, _of.disabled.is_(False))
            admins = await transaction.rows(asked.order_by(_of.id).with_for_update())
        rows: Sequence[Row[Any]] = await transaction.rows(
            select(users).where(_of.name == name).with_for_update()
        )
        if not rows:
            raise NoSuchUser(f"There is no user {name[:LONGEST_NAME]}.")
        if [admin.id for admin in admins] == [rows[0].id]:
            raise LastAdmin(
                f"{name} is the last admin; without one nobody could let anybody in.",
                mend="Make somebody else an admin first.",
            )
        return rows[0]


_KEPT: type[Access] = SqlAccess  # checked by mypy


async def _end_all(transaction: Transaction, user: int, keep: bytes | None = None) -> None:
    ending = delete(sessions).where(_session.user_id == user)
    await transaction.execute(ending if keep is None else ending.where(_session.digest != keep))


async def _forget(transaction: Transaction, now: datetime) -> None:
    old = select(_attempt.key).where(_attempt.last <= now - FORGET_ATTEMPTS).limit(_AT_ONCE)
    await transaction.execute(delete(login_attempts).where(_attempt.key.in_(old)))


async def _free_name(transaction: Transaction, identity: Identity) -> str:
    """What the provider's user would like to be called, with a number where somebody is called so: one who
    may choose a name at the provider must not pass for somebody else here."""
    wanted = user_name(identity.name) or user_name(identity.subject) or "user"
    name, number = wanted, 1
    while await transaction.rows(select(_of.id).where(_of.name == name)):
        number += 1
        name = f"{wanted[: LONGEST_NAME - 12]}#{number}"
    return name


def _new(name: str, role: Role, now: datetime, **rest: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("issuer", "subject", "password", "last_login"))
    return {**nothing, "name": name, "role": role.value, "disabled": False, "created": now, **rest}


def _detail(client: Client) -> dict[str, str]:
    return {"address": client.address, "with": client.agent[:LONGEST_AGENT]}


_HELD: tuple[ColumnElement[Any], ...] = (
    _session.digest,
    _session.created.label("begun"),
    _session.seen,
    _session.expires,
    _session.address,
    _session.agent,
)


def _held() -> Select[Any]:
    return select(users, *_HELD).join_from(sessions, users, _session.user_id == _of.id)


def _held_of(row: Row[Any]) -> Held:
    digest = bytes(row.digest)
    return Held(digest, _user(row), row.begun, row.seen, row.expires, row.address, row.agent)


def _user(row: Row[Any], open_sessions: int = 0) -> User:
    return User(
        row.id,
        row.name,
        row.issuer,
        Role(row.role),
        bool(row.disabled),
        row.created,
        row.last_login,
        open_sessions,
    )
