"""Apache Kafka, one node in KRaft mode, from its published jars."""

import asyncio
import base64
import re
import socket
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

from aiokafka.admin import AIOKafkaAdminClient

from tests.services.kafka_jars import jars
from tests.services.processes import Process, find_program, free_port
from tests.services.service import LocalService, Unavailable

_JAVA_PLACES = ("/opt/homebrew/opt/openjdk*/bin", "/usr/local/opt/openjdk*/bin")
_JAVA_AT_LEAST = 17

_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
"""


def probe(address: str) -> None:
    """Ask for the cluster's metadata; at least one broker must be in it."""
    host, port = address.split(",")[0].rsplit(":", 1)
    socket.create_connection((host, int(port)), timeout=5).close()  # the client logs every refused attempt
    # On a thread of its own, because the caller's may be running a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _probe(address)).result()


async def _probe(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    finally:
        await admin.close()
    if not cluster["brokers"]:
        raise ConnectionError("no broker has joined the cluster yet")


class LocalKafka(LocalService):
    name = "kafka"

    def __init__(self) -> None:
        self._java = _java()
        try:
            self._jars = jars()
        except OSError as problem:
            raise Unavailable(str(problem)) from problem
        super().__init__()
        self._port, self._controller_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self._port}"

    def _launch(self) -> Process:
        properties = self.directory / "server.properties"
        if not properties.exists():
            properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
            (self.directory / "log4j2.properties").write_text(_LOGGING)
            self._format(str(properties))
        return Process(
            self._command("kafka.Kafka", str(properties)),
            log=self.directory / "log",
            remove=self.directory,
        )

    def _settings(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "broker.heartbeat.interval.ms": 200,
            "broker.session.timeout.ms": 1000,  # a killed broker is let in again only after this
            "log.dirs": self.directory / "data",
            "num.partitions": 1,
            "offsets.topic.num.partitions": 5,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 5,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 500,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }

    def _format(self, properties: str) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        done = subprocess.run(
            self._command("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _command(self, *main: str) -> list[str]:
        options = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto", "-Djava.awt.headless=true"]
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        return [self._java, *options, logging, "-cp", f"{self._jars}/*", *main]

    def _probe(self, address: str) -> None:
        probe(address)


def _java() -> str:
    java = find_program("java", *_JAVA_PLACES)
    if java is None:
        raise Unavailable("Java is not installed; scripts/setup-services installs it")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < _JAVA_AT_LEAST:
        raise Unavailable(f"Kafka needs Java {_JAVA_AT_LEAST} or later, and {java} is:\n{told}")
    return java
