"""People who read pages: each asks for one, looks at it for a while, asks for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

LOOK_SECONDS = 5.0
"""How long a page is looked at, on average (exponential): an open page fetches itself anew as often while
events come in."""

TIMEOUT_SECONDS = 30.0

Asked = tuple[str, str]
"""What kind of page, and its address."""


@dataclass(frozen=True, slots=True)
class Answer:
    kind: str
    path: str
    seconds: float
    status: int
    body: bytes = field(repr=False)


class Client:
    """One connection that is kept open, as a browser's; as little work as possible."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, kind: str, path: str) -> Answer:
        begin = perf_counter()
        try:
            status, body = await asyncio.wait_for(self._get(path), TIMEOUT_SECONDS)
        except TimeoutError:
            raise SystemExit(f"No answer within {TIMEOUT_SECONDS:g} s: {path}") from None
        return Answer(kind, path, perf_counter() - begin, status, body)

    async def _get(self, path: str) -> tuple[int, bytes]:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept: text/html\r\n\r\n"
        for attempt in (1, 2):
            reader, writer = await self._connected()
            try:
                writer.write(request.encode())
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                self.close()  # the server closes connections that are quiet for a while
                if attempt == 2:
                    raise
                continue
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next(int(line[15:]) for line in lines if line.startswith("content-length:"))
            return int(lines[0].split()[1]), await reader.readexactly(length)
        raise AssertionError

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Listener:
    """An open page's stream of live updates. ``heard`` counts them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.heard = 0

    async def listen(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET /events/stream HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
            while line := await reader.readline():
                self.heard += line.startswith(b"event: pulse")
        finally:
            writer.close()


async def read(
    port: int,
    choose: Callable[[Random], Asked],
    number: int,
    until: float,
    told: Callable[[Answer], None],
    look: float = LOOK_SECONDS,
) -> None:
    """One person, until ``perf_counter()`` says so; beginning at some moment of the first look."""
    random = Random(number)
    client = Client(port)
    try:
        await asyncio.sleep(random.random() * look)
        while perf_counter() < until:
            told(await client.get(*choose(random)))
            await asyncio.sleep(min(random.expovariate(1 / look), until - perf_counter()))
    finally:
        client.close()
