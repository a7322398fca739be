"""Tokens of programs: rows that stay after the token is revoked, so that the audit can be understood."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from monitor.domain import audit as actions
from monitor.domain.access import Role
from monitor.domain.audit import Entry
from monitor.storage import audit, keyset
from monitor.storage.access import ApiToken, NameTaken
from monitor.storage.tables import VALID, api_tokens
from monitor.storage.transaction import Transaction
from monitor.storage.views import Page

_of = api_tokens.c
_TOLD = [column for column in _of if column.name != "digest"]


class SqlTokens:
    """The part of :class:`~monitor.storage.access.Access` about tokens."""

    def __init__(
        self,
        read: Callable[[], AbstractAsyncContextManager[Transaction]],
        write: Callable[[], AbstractAsyncContextManager[Transaction]],
    ) -> None:
        self._reading = read
        self._writing = write

    async def tokens(self, cursor: str | None = None, limit: int = 50) -> Page[ApiToken]:
        asked: Select[Any] = select(*_TOLD)
        beyond = keyset.after([_of.id], cursor)
        if beyond is not None:
            asked = asked.where(beyond)
        async with self._reading() as transaction:
            rows = await transaction.rows(asked.order_by(_of.id.desc()).limit(limit + 1))
        return keyset.page(rows, limit, _token, lambda row: (row.id,))

    async def token(self, digest: bytes) -> ApiToken | None:
        async with self._reading() as transaction:
            rows = await transaction.rows(select(*_TOLD).where(_of.digest == digest))
        return _token(rows[0]) if rows else None

    async def token_used(self, token: int, now: datetime) -> None:
        async with self._writing() as transaction:
            await transaction.execute(update(api_tokens).where(_of.id == token).values(used=now))

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
        values = {
            "digest": digest,
            "name": name,
            "begins": begins,
            "role": role.value,
            "created": now,
            "created_by": who,
            "expires": expires,
        }
        async with self._writing() as transaction:
            if await transaction.rows(select(_of.id).where(_of.name == name, VALID)):
                raise NameTaken(f"There is a token {name} already.", mend="Revoke it, or take another name.")
            rows = await transaction.rows(insert(api_tokens).values(values).returning(*_TOLD))
            detail = {"role": role.value, "expires": None if expires is None else expires.isoformat()}
            entry = Entry(who, actions.TOKEN_CREATE, f"{name} ({begins}…)", detail)
            await audit.write(transaction, [entry], now)
            return _token(rows[0])

    async def revoke_token(self, token: int, who: str, now: datetime) -> bool:
        async with self._writing() as transaction:
            changing = update(api_tokens).where(_of.id == token, VALID)
            rows = await transaction.rows(changing.values(revoked=now, revoked_by=who).returning(*_TOLD))
            if not rows:
                return False
            entry = Entry(who, actions.TOKEN_REVOKE, f"{rows[0].name} ({rows[0].begins}…)")
            await audit.write(transaction, [entry], now)
            return True


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        row.id,
        row.name,
        row.begins,
        Role(row.role),
        row.created,
        row.created_by,
        row.expires,
        row.used,
        row.revoked,
        row.revoked_by,
    )
