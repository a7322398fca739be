"""Fixtures for real services, shared by a whole test run and started when the first test needs them.

``CHOREOSCOPE_REQUIRE_SERVICES=1`` makes a service that cannot be had a failure instead of a skip.

Property tests try the same examples every time, so that nothing fails by chance where it was not changed;
``--hypothesis-profile=explore`` looks for new ones, ``deep`` for many more where a test takes its number of
examples from ``tests.support.effort``.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.services import VARIABLES, Host, RemoteHost, Service, Unavailable, private
from tests.services.catalogue import Name
from tests.services.copies import Copies
from tests.services.databases import drop_database, fresh_database, make_template
from tests.services.host import Services
from tests.support.lacking import lacking

settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.register_profile("deep", settings.get_profile("explore"))
settings.load_profile("steady")

_HOST = pytest.StashKey[Services]()
_NEEDS: dict[str, Name] = {
    "postgres_server_url": "postgres",
    "rabbitmq_url": "rabbitmq",
    "kafka_bootstrap": "kafka",
}


def pytest_configure(config: pytest.Config) -> None:
    handed = getattr(config, "workerinput", None)
    services: Services = Host() if handed is None else RemoteHost(*handed["services"])
    config.stash[_HOST] = services


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist is about to start a worker: tell it where the services are."""
    host = node.config.stash[_HOST]
    assert isinstance(host, Host)
    node.workerinput["services"] = (host.run_id, host.listen())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of which only one may run at a time come first, and long they are: so one worker does them in a
    row, and no other waits for it."""
    items.sort(key=lambda item: "landscape_alone" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to start what the chosen tests need, all at once, while the first tests run."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if not session.config.option.collectonly and (needed := wanted & _NEEDS.keys()):
        session.config.stash[_HOST].begin(_NEEDS[name] for name in sorted(needed))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    host = config.stash[_HOST]
    if isinstance(host, Host) and (reasons := host.unavailable()):
        terminalreporter.section("services that could not be had", yellow=True, bold=True)
        for name, reason in reasons.items():
            terminalreporter.line(f"{name}: {reason}")


def pytest_unconfigure(config: pytest.Config) -> None:
    host = config.stash.get(_HOST, None)
    if isinstance(host, Host):
        if "postgres" in host.started() and (server := os.environ.get(VARIABLES["postgres"])):
            drop_database(server, _template_name(host))  # that server outlives the run
        host.close()


def _template_name(run: Services) -> str:
    return f"template_{run.run_id}"


@contextmanager
def _or_without() -> Iterator[None]:
    """Where there is no service, skip loudly or fail."""
    try:
        yield
    except Unavailable as reason:
        lacking(reason)


def _address(config: pytest.Config, name: Name) -> str:
    with _or_without():
        return config.stash[_HOST].address(name)


def _private(name: Name) -> Iterator[Service]:
    with ExitStack() as stack:
        with _or_without():
            service = stack.enter_context(private(name))
        yield service


@pytest.fixture(scope="session")
def rabbitmq_url(pytestconfig: pytest.Config) -> str:
    """``amqp://`` URL of a broker shared by the whole run: use names of your own for queues and exchanges."""
    return _address(pytestconfig, "rabbitmq")


@pytest.fixture
def landscape_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The simulated landscape's exchange and topics have fixed names: of all tests that read or write them on
    the shared brokers one runs at a time."""
    with (tmp_path_factory.getbasetemp().parent / "landscape.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def kafka_bootstrap(pytestconfig: pytest.Config) -> str:
    """``host:port`` of a broker shared by the whole run: use names of your own for topics and groups."""
    return _address(pytestconfig, "kafka")


@pytest.fixture(scope="session")
def postgres_server_url(pytestconfig: pytest.Config) -> str:
    """``postgresql://`` URL of the maintenance database of a server shared by the whole run, as superuser."""
    return _address(pytestconfig, "postgres")


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """``postgresql://`` URL of a fresh, empty database."""
    with fresh_database(postgres_server_url) as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_template(pytestconfig: pytest.Config, postgres_server_url: str) -> str:
    from monitor.storage.migrate import upgrade

    name = _template_name(pytestconfig.stash[_HOST])
    make_template(postgres_server_url, name, upgrade)
    return name


@pytest.fixture(scope="session")
def migrated_copies(postgres_server_url: str, _migrated_template: str) -> Iterator[Copies]:
    """Databases with the current schema, as many as are wanted at a time."""
    with Copies(postgres_server_url, _migrated_template) as copies:
        yield copies


@pytest.fixture
def migrated_postgres_url(migrated_copies: Copies) -> Iterator[str]:
    """``postgresql://`` URL of a database with the current schema and nothing else in it."""
    with migrated_copies.lent() as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from monitor.storage.migrate import upgrade

    file = tmp_path_factory.mktemp("template") / "empty.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def migrated_sqlite_url(_migrated_file: Path, tmp_path: Path) -> str:
    """``sqlite://`` URL of ``store.db`` in the test's own directory, with the current schema."""
    shutil.copy(_migrated_file, tmp_path / "store.db")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def private_postgres() -> Iterator[Service]:
    """A PostgreSQL of the test's own, running, to stop, kill, pause and start again; see ``Service``."""
    yield from _private("postgres")


@pytest.fixture
def private_rabbitmq() -> Iterator[Service]:
    """A RabbitMQ of the test's own; see ``private_postgres``."""
    yield from _private("rabbitmq")


@pytest.fixture
def private_kafka() -> Iterator[Service]:
    """An Apache Kafka of the test's own; see ``private_postgres``."""
    yield from _private("kafka")
