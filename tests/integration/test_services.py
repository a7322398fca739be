"""The services the other tests rely on really are what they claim to be."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.services import Service, Unavailable, shared
from tests.services.compose import ComposedService
from tests.services.copies import Copies
from tests.services.databases import drop_database, fresh_database, make_template
from tests.services.host import Host, RemoteHost


async def test_kafka_keeps_what_is_produced(kafka_bootstrap: str) -> None:
    topic = f"services-{uuid.uuid4()}"
    await produce(kafka_bootstrap, topic, b"first")
    await produce(kafka_bootstrap, topic, b"second")
    assert await consume(kafka_bootstrap, topic, 2) == [b"first", b"second"]


async def test_kafka_has_consumer_groups(kafka_bootstrap: str) -> None:
    topic = f"services-{uuid.uuid4()}"
    await produce(kafka_bootstrap, topic, b"once")
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka_bootstrap,
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=1000,
        heartbeat_interval_ms=300,
    ) as consumer:
        assert (await consumer.getone()).value == b"once"
        await consumer.commit()
        assert await consumer.committed(TopicPartition(topic, 0)) == 1


def test_a_copy_is_lent_as_its_template_is(postgres_server_url: str) -> None:
    def fill(url: str) -> None:
        with psycopg.connect(url) as database:
            database.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
            database.execute("CREATE TABLE one (id serial PRIMARY KEY, other int)")
            database.execute("CREATE TABLE other (one int REFERENCES one)")

    def used(url: str, statement: str) -> None:
        with psycopg.connect(url) as database:
            row = database.execute("INSERT INTO one (other) VALUES (7) RETURNING id").fetchone()
            assert row == (1,)
            assert database.execute("SELECT count(*) FROM other").fetchone() == (0,)
            database.execute("INSERT INTO other VALUES (1)")
            database.execute(statement)

    template = f"template_{uuid.uuid4().hex[:8]}"
    make_template(postgres_server_url, template, fill)
    try:
        with Copies(postgres_server_url, template) as copies:
            lent = []
            for statement in (
                "SELECT 1",
                "CREATE INDEX ON other (one)",
                "ALTER TABLE one ADD COLUMN more text",
                "UPDATE kept SET id = 2",
                "ANALYZE one",
                "INSERT INTO other SELECT 1 FROM generate_series(1, 99999)",
                "SELECT 1",
                "SELECT 1",
            ):
                with copies.lent() as url:
                    used(url, statement)
                    lent.append(url)
            again = [earlier == later for earlier, later in pairwise(lent)]
            assert again == [True, False, False, False, False, False, True]
            with psycopg.connect(lent[-1], autocommit=True) as stranger:
                with copies.lent() as url:
                    assert url == lent[-1]
                with pytest.raises(psycopg.OperationalError):
                    stranger.execute("SELECT 1")
            with copies.lent() as one, copies.lent() as two:
                assert one != two
        with psycopg.connect(postgres_server_url) as server:
            names = [urlsplit(url).path[1:] for url in (*lent, one, two)]
            left = server.execute("SELECT count(*) FROM pg_database WHERE datname = ANY (%s)", [names])
            assert left.fetchone() == (0,)
    finally:
        drop_database(postgres_server_url, template)


async def test_rabbitmq_routes_and_delivers(rabbitmq_url: str) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(f"services-{uuid.uuid4()}", "topic", auto_delete=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "order.#")
        await exchange.publish(aio_pika.Message(b"hello"), "order.placed")
        message = await queue.get(timeout=10)
        assert message.body == b"hello"
        await message.ack()


async def test_rabbitmq_has_stream_queues(rabbitmq_url: str) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        stream = await channel.declare_queue(
            f"services-{uuid.uuid4()}", durable=True, arguments={"x-queue-type": "stream"}
        )
        await channel.default_exchange.publish(aio_pika.Message(b"kept"), stream.name)
        await channel.queue_delete(stream.name)


def test_a_database_is_empty_and_dropped(postgres_server_url: str) -> None:
    with fresh_database(postgres_server_url) as url:
        with psycopg.connect(url) as connection:
            connection.execute("create table t as select 42 as answer")
            assert connection.execute("select answer from t").fetchone() == (42,)
        with fresh_database(postgres_server_url) as other, psycopg.connect(other) as connection:
            assert connection.execute("select to_regclass('t')").fetchone() == (None,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_a_template_is_filled_once_and_copied(postgres_server_url: str) -> None:
    filled: list[str] = []

    def fill(url: str) -> None:
        filled.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("create table t as select 7 as answer")

    name = f"template_{uuid.uuid4().hex[:8]}"
    for _ in range(2):
        make_template(postgres_server_url, name, fill)
        with fresh_database(postgres_server_url, name) as url, psycopg.connect(url) as connection:
            assert connection.execute("select answer from t").fetchone() == (7,)
            connection.execute("update t set answer = 8")
    assert len(filled) == 1


async def test_a_private_kafka_survives_a_kill(private_kafka: Service) -> None:
    await produce(private_kafka.address, "kept", b"before")
    private_kafka.kill()
    private_kafka.start()
    await produce(private_kafka.address, "kept", b"after")
    assert await consume(private_kafka.address, "kept", 2) == [b"before", b"after"]


async def test_a_private_rabbitmq_survives_a_stop(private_rabbitmq: Service) -> None:
    persistent = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    async with await aio_pika.connect(private_rabbitmq.address) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True)
        await channel.default_exchange.publish(persistent, "kept")
    private_rabbitmq.stop()
    with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
        await aio_pika.connect(private_rabbitmq.address)
    private_rabbitmq.start()
    async with await aio_pika.connect(private_rabbitmq.address) as connection:
        queue = await (await connection.channel()).get_queue("kept")
        assert (await queue.get(timeout=10)).body == b"kept"


def test_a_private_postgres_stops_answering_while_paused(private_postgres: Service) -> None:
    with psycopg.connect(private_postgres.address, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as answer")
    private_postgres.pause()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(private_postgres.address, connect_timeout=2)
    private_postgres.resume()
    private_postgres.kill()
    private_postgres.start()
    with psycopg.connect(private_postgres.address) as connection:
        assert connection.execute("select answer from kept").fetchone() == (1,)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("private_postgres")  # skipped where there is none
def test_services_end_with_their_parent(number: signal.Signals) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("CHOREOSCOPE_TEST_POSTGRES", None)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services", "postgres"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        try:
            address = parent.stdout.readline().partition("=")[2].strip()
            psycopg.connect(address).close()
            parent.send_signal(number)
            parent.wait(30)
        finally:
            parent.kill()
    await_true(lambda: not answers(address))


def test_a_foreign_server_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOREOSCOPE_TEST_KAFKA", "127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"CHOREOSCOPE_TEST_KAFKA.*refused"):
        shared("kafka").start()


def test_workers_are_told_addresses_and_reasons(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    monkeypatch.setenv("CHOREOSCOPE_TEST_POSTGRES", postgres_url)
    monkeypatch.setenv("CHOREOSCOPE_TEST_RABBITMQ", "amqp://127.0.0.1:1/")
    host = Host()
    worker = RemoteHost(host.run_id, host.listen())
    try:
        worker.begin(["postgres"])
        assert worker.address("postgres") == postgres_url
        with pytest.raises(Unavailable, match="CHOREOSCOPE_TEST_RABBITMQ"):
            worker.address("rabbitmq")
        assert host.started() == {"postgres"}
        assert list(host.unavailable()) == ["rabbitmq"]
    finally:
        host.close()


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_a_missing_service_is_told_of(required: str, outcome: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "test_kafka_keeps_what_is_produced"],
        env=os.environ | {"CHOREOSCOPE_TEST_KAFKA": "127.0.0.1:1", "CHOREOSCOPE_REQUIRE_SERVICES": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int(required), done.stdout
    assert outcome in done.stdout
    assert "services that could not be had" in done.stdout
    assert "kafka: no answer at CHOREOSCOPE_TEST_KAFKA" in done.stdout


def test_containers_are_started_and_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a stand-in that notes what ``docker`` is asked for: there may be no Docker here."""
    notes = tmp_path / "notes"
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\nshift 5\necho "$* port=$CHOREOSCOPE_PORT" >>{notes}\n[ "$1" != up ] || exec sleep 600\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def probe(address: str) -> None:
        if not notes.exists():
            raise ConnectionRefusedError(address)

    with ComposedService("kafka", "127.0.0.1:{port}", probe) as service:
        service.pause()
        service.resume()
        service.stop()
        service.start()
        service.kill()
    port = service.address.rpartition(":")[2]
    asked = notes.read_text().splitlines()
    assert {line.rpartition(" ")[2] for line in asked} == {f"port={port}"}
    assert [line.split()[0] for line in asked] == ["up", "pause", "unpause", "stop", "up", "kill", "down"]
    assert "--volumes" in asked[-1]


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, value)


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


def answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def await_true(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)
