"""Sockets that HTTP is served on, and a server that leaves signals to the service."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from monitor.errors import ConfigError


class Server(uvicorn.Server):
    """Tells when it listens, and leaves signals to the service."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(what: str, host: str, port: int, mend: str) -> socket.socket:
    """A socket bound for ``what``. Raises ConfigError where that cannot be, with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named, or asyncio would not set TCP_NODELAY: answers would wait for the reader to speak
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{what}: {host}:{port} cannot be listened on: {error.strerror}.", mend=mend
        ) from error
    return listener


def address_of(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
