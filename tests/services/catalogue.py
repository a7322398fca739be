"""Which services there are, and where each comes from."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from tests.services import compose, kafka, postgres, rabbitmq
from tests.services.compose import ComposedService
from tests.services.service import Probe, Service, Unavailable

Name = Literal["postgres", "rabbitmq", "kafka"]
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True)
class _Entry:
    variable: str  # the environment variable that may name a running one
    in_container: str  # its address when published by Compose
    probe: Probe
    local: Callable[[], Service]


_CATALOGUE: dict[Name, _Entry] = {
    "postgres": _Entry(
        "CHOREOSCOPE_TEST_POSTGRES",
        "postgresql://postgres@127.0.0.1:{port}/postgres",
        postgres.probe,
        postgres.LocalPostgres,
    ),
    "rabbitmq": _Entry(
        "CHOREOSCOPE_TEST_RABBITMQ",
        "amqp://guest:guest@127.0.0.1:{port}/",
        rabbitmq.probe,
        rabbitmq.LocalRabbitMQ,
    ),
    "kafka": _Entry("CHOREOSCOPE_TEST_KAFKA", "127.0.0.1:{port}", kafka.probe, kafka.LocalKafka),
}
VARIABLES: dict[Name, str] = {name: entry.variable for name, entry in _CATALOGUE.items()}


class _Foreign(Service):
    """A server somebody else runs: used, never controlled."""

    def __init__(self, entry: _Entry) -> None:
        self._entry = entry
        self.address = os.environ[entry.variable]

    def start(self) -> None:
        try:
            self._entry.probe(self.address)
        except Exception as error:
            raise Unavailable(
                f"no answer at {self._entry.variable}: {type(error).__name__}: {error}"
            ) from error

    def close(self) -> None:
        """It stays."""

    def stop(self) -> None:
        raise AssertionError("a test stops a server that somebody else runs: let it ask for a private one")

    kill = pause = resume = stop


def private(name: Name) -> Service:
    """A server of one's own, not started yet; a context manager. ``Unavailable`` says why there is none."""
    entry = _CATALOGUE[name]
    if compose.answers():
        return ComposedService(name, entry.in_container, entry.probe)
    return entry.local()


def shared(name: Name) -> Service:
    """As ``private``, but a server named in the environment comes first. Nobody should stop it."""
    entry = _CATALOGUE[name]
    return _Foreign(entry) if os.environ.get(entry.variable) else private(name)
