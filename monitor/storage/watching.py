"""Who is in the way of a statement that waits, asked of PostgreSQL beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

LOOK_SECONDS = 0.5
TELL_SECONDS = 10.0

_BLOCKING = text(
    "SELECT pid, coalesce(nullif(application_name, ''), backend_type),"
    " extract(epoch FROM clock_timestamp() - xact_start) FROM pg_stat_activity"
    " WHERE pid = ANY(pg_blocking_pids(:waiting)) ORDER BY xact_start NULLS LAST LIMIT 1"
)


class Watch:
    """Knows nothing: for databases that cannot be asked. ``in_the_way``: who was seen last, in words."""

    in_the_way: str | None = None

    @contextmanager
    def over(self, connection: Connection, name: str) -> Iterator[None]:  # noqa: ARG002
        """While this lasts, ``connection`` is at work on the revision ``name``."""
        yield


class _Server(Watch):
    def __init__(self, beside: Connection, told: Callable[[str], None]) -> None:
        self._beside = beside
        self._told = told
        self._lock = threading.Lock()
        self._at: tuple[int, str, float] | None = None
        self._next = 0.0
        self.ended = threading.Event()

    @contextmanager
    def over(self, connection: Connection, name: str) -> Iterator[None]:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with self._lock:
            self.in_the_way = None
            now = time.monotonic()
            self._at, self._next = (pid, name, now), now + TELL_SECONDS
        try:
            yield
        finally:
            with self._lock:
                self._at = None

    def look(self) -> None:
        while not self.ended.wait(LOOK_SECONDS):
            with self._lock:
                if self._at is None:
                    continue
                pid, name, begun = self._at
                try:
                    found = self._beside.execute(_BLOCKING, {"waiting": pid}).first()
                except DBAPIError:  # the statement that is watched tells of a server that is away
                    return
                if found is not None:
                    self.in_the_way = _who(*found)
                if time.monotonic() >= self._next:
                    self._next += TELL_SECONDS
                    at_work = "at work" if found is None else f"waits for {self.in_the_way}"
                    self._told(f"{name}: {at_work}, {time.monotonic() - begun:.0f} s by now.")


def _who(pid: int, name: str, seconds: float | None) -> str:
    since = "" if seconds is None else f", in a transaction for {seconds:.0f} s"
    return f"process {pid} ({name}{since})"


@contextmanager
def watching(beside: Connection, told: Callable[[str], None]) -> Iterator[Watch]:
    """``beside``: a connection that nobody else uses while this lasts, in autocommit."""
    watch = _Server(beside, told)
    thread = threading.Thread(target=watch.look, name="watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.ended.set()
        thread.join()
