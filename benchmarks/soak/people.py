"""A handful of people who read pages, with live updates open, and somebody who takes the alerts."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from random import Random
from time import perf_counter

from benchmarks.reading_load import Answer, Asked, Listener, read

PAGES = (
    ("overview", "/", 4),
    ("list", "/traces", 3),
    ("list", "/traces?flow=order&state=open", 2),
    ("list", "/traces?verdict=deviating", 2),
    ("list", "/traces?sla=breached", 2),
    ("flow", "/flows/order", 2),
    ("flow", "/flows/parcel", 1),
    ("other", "/slas", 1),
    ("other", "/findings", 2),
    ("other", "/inbox", 1),
    ("other", "/alerts", 2),
    ("other", "/sources", 1),
)
TRACES = 8
"""How often a trace is asked for that a list has just shown."""

_LINK = re.compile(rb'href="(/traces/\d+)"')
_PAGES, _GONE = (200, 303, 307), 404
"""A trace that was merged meanwhile leads on to the other one."""


class People:
    """A trace may be gone when it is asked for: its time was up. Any other answer but a page is ``wrong``."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.count = count
        self.pages = 0
        self.gone = 0
        self.wrong: list[str] = []
        self._seconds: list[float] = []
        self._met: deque[str] = deque(maxlen=200)
        self._listeners = [Listener(port) for _ in range(count)]

    async def live(self, until: float) -> None:
        """``until``: by ``perf_counter()``."""
        listening = [asyncio.create_task(one.listen()) for one in self._listeners]
        try:
            await asyncio.gather(*(self._read(number, until) for number in range(self.count)))
        finally:
            for task in listening:
                task.cancel()

    async def _read(self, number: int, until: float) -> None:
        """One who asks again where there was no answer."""
        while perf_counter() < until:
            try:
                await read(self.port, self._choose, number, until, self._told)
            except (SystemExit, ConnectionError, asyncio.IncompleteReadError) as error:
                self.wrong.append(str(error))

    @property
    def heard(self) -> int:
        return min(one.heard for one in self._listeners)

    def take(self) -> list[float]:
        taken, self._seconds = self._seconds, []
        return taken

    def _choose(self, random: Random) -> Asked:
        weights = [weight for _, _, weight in PAGES]
        if self._met and random.random() < TRACES / (TRACES + sum(weights)):
            return "trace", random.choice(self._met)
        ((kind, path, _),) = random.choices(PAGES, weights)
        return kind, path

    def _told(self, answer: Answer) -> None:
        if answer.kind == "trace" and answer.status == _GONE:
            self.gone += 1
            return
        if answer.status not in _PAGES:
            self.wrong.append(f"{answer.status} {answer.path}")
        self.pages += 1
        self._seconds.append(answer.seconds)
        self._met.extend(link.decode() for link in _LINK.findall(answer.body)[:5])


class Receiver:
    """Takes webhooks. ``again``: deliveries of an id that had come before."""

    def __init__(self) -> None:
        self.port = 0
        self.deliveries = 0
        self.again = 0
        self._ids: set[str] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._delivered(reader)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _delivered(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        await reader.readexactly(int(headers["content-length"]))
        self.deliveries += 1
        self.again += headers["webhook-id"] in self._ids
        self._ids.add(headers["webhook-id"])
