"""What a position of the token game consists of."""

from __future__ import annotations

from typing import NamedTuple

from monitor.bpmn.document import EventKind


class TooLarge(Exception):
    """The search has grown past what a test should wait for."""


class Done(NamedTuple):
    """A completed activity that can be compensated, and what was completed inside."""

    node: str
    inner: tuple[Done, ...] = ()


class Work(NamedTuple):
    """An open activity, an event that is waited for, or an event subprocess under way.

    ``tasks`` and ``scopes`` are its running instances, ``begun`` and ``ended`` how many there were (as far as
    it matters), ``todo`` which of an event's definitions are outstanding, ``done`` its completed instances.
    ``state``: ``cancel`` or ``compensate`` while the one scope holds compensation handlers.
    """

    node: str
    tasks: int = 0
    scopes: tuple[Scope, ...] = ()
    begun: int = 0
    ended: int = 0
    fired: tuple[str, ...] = ()
    todo: tuple[int, ...] = ()
    done: tuple[Done, ...] = ()
    state: str = ""


class Scope(NamedTuple):
    """An instance of a process, subprocess or event subprocess; without ``id``, handlers under way.

    ``tokens`` stand on sequence flows, or (``@id``) before a node. ``resets``: complex gateways that have
    fired, with the flows they have not had a token from. ``outer``: what the compensation event subprocess
    whose scope this is may undo. ``state``: ``interrupted`` (by an event subprocess) or ``ending`` (ad-hoc).
    """

    id: str
    tokens: tuple[str, ...] = ()
    work: tuple[Work, ...] = ()
    resets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    done: tuple[Done, ...] = ()
    outer: tuple[Done, ...] = ()
    fired: tuple[str, ...] = ()
    state: str = ""

    @property
    def empty(self) -> bool:
        return not self.tokens and not self.work

    def put(self, *tokens: str) -> Scope:
        return self._replace(tokens=tuple(sorted((*self.tokens, *tokens))))

    def take(self, *tokens: str) -> Scope:
        left = list(self.tokens)
        for token in tokens:
            left.remove(token)
        return self._replace(tokens=tuple(left))

    def open(self, *work: Work) -> Scope:
        return self._replace(work=tuple(sorted((*self.work, *work))))

    def close(self, work: Work) -> Scope:
        left = list(self.work)
        left.remove(work)
        return self._replace(work=tuple(left))


class Thrown(NamedTuple):
    kind: EventKind
    code: str | None = None


class Turn(NamedTuple):
    """One step of a scope: what it shows (None: nothing), what is left (None: it ended at once), what
    looks for its catcher outside, and which signal was thrown."""

    label: str | None
    scope: Scope | None
    thrown: Thrown | None = None
    signal: str | None = None


class Rounds(NamedTuple):
    """How often an activity is done; ``early``: a completion condition may end it."""

    least: int = 1
    most: int | None = 1
    at_once: bool = False
    early: bool = False
