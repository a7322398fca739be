"""Who may do what: roles, and how long somebody who keeps failing to log in has to wait."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """Each may do what those before it may. Viewers look; operators also change what the monitor keeps
    (acknowledge, replay, silence, send commands); admins also decide who gets in."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}

TOKEN_USER = "token:"  # noqa: S105 - how a token is named where a user's name would stand
LONGEST_NAME = 100
_RESERVED = frozenset({"local", "nobody"})


def user_name(text: str) -> str | None:
    """A user's name as it is kept: one spelling for what looks the same, so that nobody can pass for another.
    None for what cannot be one."""
    name = unicodedata.normalize("NFKC", text).casefold().strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name in _RESERVED:
        return None
    if any(character.isspace() or character in ":/\\<>\"'" for character in name):
        return None
    return name


class Limit(NamedTuple):
    """``free`` failures in a row cost nothing; the next ones wait from ``first`` on, twice as long each, up
    to ``most``. All are forgotten once the last is ``forget`` ago."""

    free: int
    first: timedelta
    most: timedelta
    forget: timedelta

    def wait(self, failures: int) -> timedelta:
        """After so many failures in a row."""
        beyond = failures - self.free
        if beyond <= 0:
            return timedelta(0)
        return min(self.most, self.first * (1 << min(beyond - 1, 30)))


PAIR = Limit(5, timedelta(seconds=5), timedelta(minutes=15), timedelta(hours=1))
"""One name from one address."""
ADDRESS = Limit(30, timedelta(seconds=5), timedelta(minutes=15), timedelta(hours=1))
"""One address, whatever the names."""
NAME = Limit(30, timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1))
"""One name, whatever the addresses: slow enough for guessing to be hopeless, short enough that strangers
cannot keep somebody out."""
