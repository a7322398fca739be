"""The real PostgreSQL, RabbitMQ and Apache Kafka that tests and benchmarks run against.

Each comes from the first of these that works: an address in the environment, ``docker compose`` where a
daemon answers, a local installation started on free loopback ports with its own temporary data.

``private(name)`` gives a server of one's own, to stop, kill, pause and start again at the same address;
``python -m tests.services`` starts servers for a shell or for a command. Tests use the fixtures of
``tests/conftest.py``.
"""

from tests.services.catalogue import NAMES, VARIABLES, private, shared
from tests.services.host import Host, RemoteHost
from tests.services.service import Service, Unavailable

__all__ = ["NAMES", "VARIABLES", "Host", "RemoteHost", "Service", "Unavailable", "private", "shared"]
