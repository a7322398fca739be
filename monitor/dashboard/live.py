"""Telling open pages that something changed: one question a second to the database for all of them together.

The stream carries the pulse itself and every page the pulse it was made from, so a page that missed a message
(asleep, reconnecting, opened in between) still notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from monitor.errors import ChoreoscopeError, StorageError

log = logging.getLogger(__name__)


class TooManyListeners(ChoreoscopeError):
    """Too many pages listen for live updates already."""


class News(NamedTuple):
    """``pulse`` with the current pulse, or ``away`` with why the database cannot be asked."""

    kind: str
    text: str


class Live:
    """Asks ``pulse`` every ``every`` seconds while anybody listens, and hands each change to all listeners.

    ``most`` bounds the listeners. ``told`` is called before any of them hears of a change. Use within
    ``async with live.running()``."""

    def __init__(
        self,
        pulse: Callable[[], Awaitable[str]],
        *,
        every: float = 1.0,
        most: int = 200,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._pulse = pulse
        self._told = told
        self._every = every
        self._most = most
        self._listeners = 0
        self._listened = asyncio.Event()
        self._news: News | None = None
        self._next = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._closed = False
        task = asyncio.create_task(self._watch(), name="dashboard live updates")
        task.add_done_callback(self._ended)
        try:
            yield
        finally:
            self.close()
            task.cancel()
            await asyncio.wait([task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A watcher that failed must not leave pages believing they are live."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("live updates of the dashboard have stopped", exc_info=error)
        self.close()

    def close(self) -> None:
        """End every stream, so that a stopping server need not wait for its readers."""
        self._closed = True
        self._next.set()

    @property
    def closed(self) -> bool:
        return self._closed

    def admit(self) -> None:
        """Raises :class:`TooManyListeners` when no more may :meth:`listen`."""
        if self._listeners >= self._most:
            raise TooManyListeners

    async def listen(self) -> AsyncGenerator[News, None]:
        """The current news, then each change, until :meth:`close`."""
        self._listeners += 1
        self._listened.set()
        told: News | None = None
        try:
            while not self._closed:
                upcoming = self._next
                if self._news is not None and self._news != told:
                    told = self._news
                    yield told
                else:
                    await upcoming.wait()
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._listened.clear()
                self._news = None

    async def _watch(self) -> None:
        while True:
            await self._listened.wait()
            try:
                news = News("pulse", await self._pulse())
            except StorageError as error:
                news = News("away", error.message)
            if news != self._news and self._listeners:
                self._news = news
                self._told()
                self._next.set()
                self._next = asyncio.Event()
            await asyncio.sleep(self._every)
