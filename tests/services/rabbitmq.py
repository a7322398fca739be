"""RabbitMQ from the distribution's package or Homebrew."""

import socket
import struct
from urllib.parse import urlsplit

from tests.services.processes import Process, find_program, free_port
from tests.services.service import LocalService, Unavailable

# Debian's /usr/sbin/rabbitmq-server changes to another user and insists on the system's directories.
_PLACES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin")
_EPMD_PLACES = (
    "/opt/homebrew/opt/erlang*/lib/erlang/erts-*/bin",
    "/usr/local/opt/erlang*/lib/erlang/erts-*/bin",
)


def probe(address: str) -> None:
    """An AMQP 0-9-1 opening: our protocol header must be answered by ``connection.start``."""
    where = urlsplit(address)
    with socket.create_connection(
        (where.hostname or "127.0.0.1", where.port or 5672), timeout=5
    ) as connection:
        connection.sendall(b"AMQP\x00\x00\x09\x01")
        answer = connection.recv(11, socket.MSG_WAITALL)
    if len(answer) < 11 or struct.unpack(">BHLHH", answer) != (
        1,
        0,
        *struct.unpack(">L", answer[3:7]),
        10,
        10,
    ):
        raise ConnectionError(f"not an AMQP 0-9-1 server: {answer!r}")


class LocalRabbitMQ(LocalService):
    name = "rabbitmq"

    def __init__(self) -> None:
        server = find_program("rabbitmq-server", *_PLACES)
        epmd = find_program("epmd", *_EPMD_PLACES)
        if server is None or epmd is None:
            raise Unavailable(
                "RabbitMQ (rabbitmq-server, epmd) is not installed; scripts/setup-services installs it"
            )
        super().__init__()
        self._server, self._epmd = server, epmd
        self._port, self._epmd_port, self._distribution_port = free_port(), free_port(), free_port()
        self._name_server: Process | None = None
        self.address = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def _launch(self) -> Process:
        # Erlang would start its name server itself, as a daemon that stays behind.
        if self._name_server is None or not self._name_server.running():
            self._name_server = Process(
                [self._epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                log=self.directory / "epmd.log",
            )
        configuration = self.directory / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        plugins = self.directory / "enabled_plugins"
        plugins.write_text("[].\n")
        return Process(
            [self._server],
            log=self.directory / "log",
            environment={
                "HOME": str(self.directory),  # the Erlang cookie
                "ERL_EPMD_PORT": str(self._epmd_port),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODENAME": f"{self.directory.name}@localhost",
                "RABBITMQ_DIST_PORT": str(self._distribution_port),
                "RABBITMQ_BASE": str(self.directory),
                "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
                "RABBITMQ_LOG_BASE": str(self.directory / "logs"),
                "RABBITMQ_PID_FILE": str(self.directory / "pid"),
                "RABBITMQ_CONF_ENV_FILE": str(self.directory / "none"),
                "RABBITMQ_CONFIG_FILE": str(configuration),
                "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.directory / "none"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"
                " +sbwt none +sbwtdcpu none +sbwtdio none",  # idle schedulers must not spin
            },
            remove=self.directory,
        )

    def _probe(self, address: str) -> None:
        probe(address)

    def close(self) -> None:
        super().close()
        if self._name_server is not None:
            self._name_server.kill()
