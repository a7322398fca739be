"""Passwords: how they are kept, and what makes one good enough."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monitor.errors import ChoreoscopeError, InvalidInput

SHORTEST = 12
LONGEST = 1000
_AT_ONCE = 2
"""Hashes are made to cost memory and time: more at once would only be slower, and take it from the rest."""
_MOST_WAITING = 40


class BadPassword(InvalidInput):
    """This password is not good enough."""


class Overloaded(ChoreoscopeError):
    """Too many logins at once; try again in a moment."""


class Checked(NamedTuple):
    """``rehashed``: the hash by today's measure, where the one kept is by an older one."""

    right: bool
    rehashed: str | None = None


def normal(password: str) -> str:
    """The same text however a keyboard composes it."""
    return unicodedata.normalize("NFKC", password)


def judge(password: str, name: str) -> None:
    """Raises :class:`BadPassword`, saying why."""
    text = normal(password)
    if len(text) < SHORTEST:
        raise BadPassword(f"The password is shorter than {SHORTEST} characters.", mend="Several words do.")
    if len(text) > LONGEST:
        raise BadPassword(f"The password is longer than {LONGEST} characters.")
    folded = text.casefold()
    if len(set(folded)) < 5:
        raise BadPassword("The password has hardly any different characters.", mend="Several words do.")
    if folded.replace(name, "").strip("0123456789!?.-_ ") in ("", "password", "choreoscope"):
        raise BadPassword("The password is easily guessed.", mend="Several words do.")


def generated() -> str:
    """A password nobody guesses, of characters that are not mistaken for one another."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


class Passwords:
    """Hashes and checks, beside the event loop. Use it within one loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, normal(password))

    async def check(self, kept: str | None, password: str) -> Checked:
        """``kept`` None: nobody's, which takes as long and is never right. Raises :class:`Overloaded`."""
        if self._waiting >= _MOST_WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._check, kept, normal(password)[: LONGEST + 1])
        finally:
            self._waiting -= 1

    def _check(self, kept: str | None, password: str) -> Checked:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        try:
            self._hasher.verify(kept or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return Checked(False)
        if kept is None:
            return Checked(False)
        outdated = self._hasher.check_needs_rehash(kept)
        return Checked(True, self._hasher.hash(password) if outdated else None)
