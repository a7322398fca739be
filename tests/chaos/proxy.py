"""A TCP link between us and a service that can be as bad as a network is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.recording import AsItIs, Passing

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Pair:
    """One connection: our end, and the service's."""

    ours: asyncio.StreamWriter
    theirs: asyncio.StreamWriter
    silent: bool = False


@dataclass(eq=False)
class Link:
    """Passes everything on, unless told otherwise. ``delay``: seconds each piece is late, one after the
    other; ``rate``: bytes per second and direction, None: as many as come."""

    host: str
    port: int
    passing: Callable[[int], Passing] = lambda _: AsItIs()
    delay: float = 0.0
    rate: float | None = None
    listening: int = 0
    _pairs: set[Pair] = field(default_factory=set)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._flows = asyncio.Event()
        self._flows.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.listening = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    def reset(self) -> None:
        """Every connection gets a TCP reset, at both ends."""
        for pair in list(self._pairs):
            for end in (pair.ours, pair.theirs):
                _reset(end)

    def stall(self) -> None:
        """Connections are accepted and stay open, and nothing moves on them, until :meth:`mend`."""
        self._flows.clear()

    def half_open(self) -> None:
        """The service sees every connection end; we do not, and hear nothing more until :meth:`mend`."""
        for pair in list(self._pairs):
            pair.silent = True
            _reset(pair.theirs)

    def mend(self) -> None:
        """As a good network again. Connections that were cut in the middle are reset at last."""
        self.delay, self.rate = 0.0, None
        self._flows.set()
        for pair in list(self._pairs):
            if pair.silent:
                _reset(pair.ours)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            await self._connected(reader, writer)
        except asyncio.CancelledError:
            pass  # the link is taken down
        finally:
            self._handlers.discard(task)
            _reset(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            answers, onward = await asyncio.open_connection(self.host, self.port)
        except OSError:  # the service is away, and so are we
            return
        pair = Pair(writer, onward)
        self._pairs.add(pair)
        sent = bytearray()
        passing = self.passing(self.listening)

        def keep(data: bytes) -> bytes:
            sent.extend(data)
            return data

        there = asyncio.create_task(self._pump(reader, onward, pair, keep))
        back = asyncio.create_task(
            self._pump(answers, writer, pair, lambda data: passing.answered(data, sent))
        )
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            if pair.silent:  # our side goes on as if nothing had happened
                await asyncio.wait({there})
            else:
                await asyncio.wait({there, back}, timeout=1.0)  # the rest of what was on its way
        finally:
            self._pairs.discard(pair)
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            _reset(onward)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: Pair,
        change: Callable[[bytes], bytes],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.rate is not None:
                    await asyncio.sleep(len(data) / self.rate)
                await self._flows.wait()
                if pair.silent:
                    continue
                if changed := change(data):
                    writer.write(changed)
                    await writer.drain()
            if writer.can_write_eof() and not pair.silent:
                writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other end sees a reset rather than an orderly end."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
