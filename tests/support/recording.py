"""A proxy between us and a broker that keeps what we send, whole and in order, and passes everything on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self


class Passing(Protocol):
    """What becomes of the broker's answers on one connection, given what was sent on it so far."""

    def answered(self, data: bytes, sent: bytearray) -> bytes: ...


class AsItIs:
    def answered(self, data: bytes, sent: bytearray) -> bytes:
        return data


@dataclass
class Recording:
    """``connections``: the bytes of each connection we opened, as they went to the broker."""

    host: str
    port: int
    passing: Callable[[int], Passing] = lambda _: AsItIs()
    connections: list[bytearray] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._handlers:
            await asyncio.wait(self._handlers)

    @property
    def listening(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Reset every connection, as a network does."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            await self._connect(reader, writer)
        finally:
            self._handlers.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, onward = await asyncio.open_connection(self.host, self.port)
        except OSError:  # the broker is away, and so are we
            writer.transport.abort()
            return
        sent = bytearray()
        self.connections.append(sent)
        passing = self.passing(self.listening)
        ends = {writer, onward}
        self._open |= ends

        def keep(data: bytes) -> bytes:
            sent.extend(data)
            return data

        try:
            await asyncio.gather(
                _pump(reader, onward, keep),
                _pump(answers, writer, lambda data: passing.answered(data, sent)),
            )
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            if changed := change(data):
                writer.write(changed)
                await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
