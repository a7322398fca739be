"""A real HTTP receiver on the loopback that behaves as badly as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, reason: str = "", body: bytes = b"", **headers: str) -> bytes:
    """``retry_after="5"`` is the header ``Retry-After: 5``."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class HttpReceiver:
    """``answers``: the bytes of each answer in turn (the last one for good), or what writes it."""

    answers: list[bytes | Answering] = field(default_factory=lambda: [OK])
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._served(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        received = Received(first.split(" ")[1], headers, body)
        self.received.append(received)
        reply = self.answers[min(len(self.received), len(self.answers)) - 1]
        if isinstance(reply, bytes):
            writer.write(reply)
            await writer.drain()
        else:
            await reply(received, writer)


async def silence(_: Received, writer: asyncio.StreamWriter) -> None:
    """Takes the message and never answers."""
    await asyncio.sleep(60)


async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
    """200, and a body that has no end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def drip(_: Received, writer: asyncio.StreamWriter) -> None:
    """Headers, byte by byte, without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"z")
        await writer.drain()
        await asyncio.sleep(0.02)


async def slow_body(_: Received, writer: asyncio.StreamWriter) -> None:
    """200 at once, and a body that drips."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"z")
        await writer.drain()
        await asyncio.sleep(0.02)


async def torn(_: Received, writer: asyncio.StreamWriter) -> None:
    """Takes the message and tears the connection down."""
    writer.transport.abort()
