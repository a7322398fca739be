"""One set of services for a whole test run, however many worker processes share in it.

The process that owns the run has a ``Host``; xdist's workers ask it through a ``RemoteHost``.
"""

import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection, Listener
from typing import Protocol

from tests.services.catalogue import NAMES, Name, shared
from tests.services.service import Service, Unavailable


class Services(Protocol):
    @property
    def run_id(self) -> str:
        """Names what belongs to this test run and no other, inside servers that outlive it."""

    def begin(self, names: Iterable[Name]) -> None:
        """Begin to start these, all at once, without waiting."""

    def address(self, name: Name) -> str:
        """The address of a server that has answered; ``Unavailable`` says why there is none."""


@dataclass
class Host:
    """Starts each service when first asked for and ends them all in ``close``."""

    run_id: str = field(default_factory=lambda: secrets.token_hex(6))
    _started: dict[Name, Future[str]] = field(default_factory=dict)
    _running: list[Service] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(len(NAMES)))
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _listener: Listener | None = None

    def begin(self, names: Iterable[Name]) -> None:
        for name in names:
            self._begin(name)

    def address(self, name: Name) -> str:
        return self._begin(name).result()

    def started(self) -> set[Name]:
        """The services that have answered."""
        return {name for name, future in self._started.items() if future.done() and not future.exception()}

    def unavailable(self) -> dict[Name, str]:
        """The services that were asked for in vain, with the reasons."""
        ended = {name: future for name, future in self._started.items() if future.done()}
        return {name: str(error) for name, future in ended.items() if (error := future.exception())}

    def listen(self) -> tuple[str, int, str]:
        """Take questions from other processes; the answer is what ``RemoteHost`` needs."""
        if self._listener is None:
            self._listener = Listener(("127.0.0.1", 0), authkey=self._key)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        host, port = self._listener.address
        return host, port, self._key.hex()

    def close(self) -> None:
        """End every service, also those still starting."""
        if self._listener is not None:
            self._listener.close()
        with self._lock:
            services, self._running = self._running, []
        with ThreadPoolExecutor(len(NAMES)) as threads:
            list(threads.map(lambda service: service.close(), services))
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, name: Name) -> Future[str]:
        with self._lock:
            if name not in self._started:
                self._started[name] = self._threads.submit(self._start, name)
            return self._started[name]

    def _start(self, name: Name) -> str:
        service = shared(name)
        with self._lock:
            self._running.append(service)
        service.start()
        return service.address

    def _accept(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection:
            question, names = connection.recv()
            self.begin(names)
            if question == "address":
                try:
                    connection.send(("address", self.address(names[0])))
                except Unavailable as reason:
                    connection.send(("unavailable", str(reason)))


@dataclass(frozen=True)
class RemoteHost:
    """The owner's ``Host``, seen from a worker process."""

    run_id: str
    place: tuple[str, int, str]

    def begin(self, names: Iterable[Name]) -> None:
        with self._connect() as connection:
            connection.send(("begin", list(names)))

    def address(self, name: Name) -> str:
        with self._connect() as connection:
            connection.send(("address", [name]))
            outcome, answer = connection.recv()
        if outcome == "unavailable":
            raise Unavailable(answer)
        return str(answer)

    def _connect(self) -> Connection:
        host, port, key = self.place
        return Client((host, port), authkey=bytes.fromhex(key))
