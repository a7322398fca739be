"""What every service can do, whichever way it runs."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.services.processes import Process, own_directory, remove

READY_WITHIN = 120.0  # seconds; a cold machine starting three servers at once is slow

Probe = Callable[[str], None]
"""Speaks a service's own protocol to an address; raises when there is no proper answer."""


class Unavailable(Exception):
    """This machine cannot provide the service; the message says why and what would help."""


class Service(ABC):
    """A server with one address for its whole life, however often it is stopped and started.

    All methods block until done; ``start`` returns when the server has answered in its own protocol.
    An asynchronous test whose own loop must go on meanwhile calls them through ``asyncio.to_thread``.
    """

    address: str

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it answers. Starting what runs is harmless."""

    @abstractmethod
    def stop(self) -> None:
        """Shut it down cleanly; data stays."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, as a power cut would; data stays."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""

    @abstractmethod
    def resume(self) -> None:
        """Let a paused server go on."""

    @abstractmethod
    def close(self) -> None:
        """End it and delete its data."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # interrupted, too: no server is left behind
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LocalService(Service):
    """A server started from what is installed on this machine, with a temporary directory of its own; or with
    ``directory``, which stays when it is closed."""

    name: ClassVar[str]

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or own_directory(self.name)
        self.stays = directory is not None
        self._process: Process | None = None

    @abstractmethod
    def _launch(self) -> Process:
        """Start the server's process."""

    @abstractmethod
    def _probe(self, address: str) -> None:
        """See ``Probe``."""

    def start(self) -> None:
        if self._process is None or not self._process.running():
            self._process = self._launch()
        await_ready(self.name, self.address, self._probe, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        if self._process is not None:
            self._process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.signal(signal.SIGCONT)

    def close(self) -> None:
        if self.stays:
            self.stop()
            return
        self.kill()  # nobody needs the data any more
        remove(self.directory)


def await_ready(name: str, address: str, probe: Probe, process: Process) -> None:
    """Return when ``probe`` succeeds; ``Unavailable`` when the process ends or takes too long."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            probe(address)
        except Exception as error:  # noqa: BLE001 - whatever a half-started server provokes
            problem = f"{type(error).__name__}: {error}"
        else:
            return
        if not process.running():
            raise Unavailable(f"{name} ended while starting:\n{process.tail()}")
        if time.monotonic() > deadline:
            raise Unavailable(f"{name} did not answer in {READY_WITHIN:.0f} s ({problem}):\n{process.tail()}")
        time.sleep(0.1)
