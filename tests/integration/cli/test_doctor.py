"""The doctor against real services: what it says of good ones, and of each thing that can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monitor.cli.doctor.command import examine
from monitor.cli.doctor.result import Result, State
from monitor.settings import Settings

MODEL = Path(__file__).parents[3] / "models" / "order-fulfilment.bpmn"


async def ask(tmp_path: Path, **settings: object) -> list[Result]:
    settings.setdefault("database", f"sqlite:///{tmp_path}/x.db")
    return await examine(Settings.model_validate(settings), tmp_path / "choreoscope.yaml")


def said(results: list[Result], what: str, state: State) -> str:
    return "\n".join(f"{r.said} -> {r.mend}" for r in results if r.what == what and r.state is state)


def rabbit(url: str, **more: object) -> dict[str, object]:
    return {"name": "r", "kind": "rabbitmq", "url": url, "bindings": [{"exchange": "doctor-shop"}], **more}


async def exists(url: str, queue: str) -> bool:
    async with await aio_pika.connect(url) as connection:
        try:
            await (await connection.channel()).get_queue(queue, ensure=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        return True


async def test_rabbitmq(rabbitmq_url: str, tmp_path: Path) -> None:
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("doctor-shop", aio_pika.ExchangeType.TOPIC)

        good = await ask(tmp_path, sources=[rabbit(rabbitmq_url)])
        assert "connected" in said(good, "source r", State.OK)
        assert "'doctor-shop' exists" in said(good, "source r", State.OK)
        assert "does not exist yet" in said(good, "source r", State.WARN)
        assert not await exists(rabbitmq_url, "choreoscope.r"), "the doctor must leave nothing behind"

        missing = rabbit(rabbitmq_url, bindings=[{"exchange": "nowhere"}, {"exchange": "doctor-shop"}])
        results = await ask(tmp_path, sources=[missing])
        assert "exchange 'nowhere' does not exist" in said(results, "source r", State.FAIL)
        assert "'doctor-shop' exists" in said(results, "source r", State.OK)

        queue = await channel.declare_queue("choreoscope.r", durable=True, arguments={"x-max-length": 5})
        results = await ask(tmp_path, sources=[rabbit(rabbitmq_url)])
        assert "exists with other settings" in said(results, "source r", State.FAIL)
        await queue.delete()

        stream = {"name": "r", "kind": "rabbitmq", "url": rabbitmq_url, "stream": "no-such-stream"}
        assert "stream 'no-such-stream'" in said(
            await ask(tmp_path, sources=[stream]), "source r", State.FAIL
        )
        await exchange.delete()


async def test_rabbitmq_refuses_or_is_away(rabbitmq_url: str, tmp_path: Path) -> None:
    parts = urlsplit(rabbitmq_url)
    host = f"{parts.hostname}:{parts.port}"
    wrong_user = urlunsplit(parts._replace(netloc=f"nobody:hunter2@{host}"))
    refused = said(await ask(tmp_path, sources=[rabbit(wrong_user)]), "source r", State.FAIL)
    assert "refuses" in refused
    assert "hunter2" not in refused
    wrong_vhost = urlunsplit(parts._replace(path="/no-such-vhost"))
    assert said(await ask(tmp_path, sources=[rabbit(wrong_vhost)]), "source r", State.FAIL)
    away = said(await ask(tmp_path, sources=[rabbit("amqp://127.0.0.1:1/")]), "source r", State.FAIL)
    assert "127.0.0.1:1" in away


async def test_kafka(kafka_bootstrap: str, tmp_path: Path) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("doctor-orders", 1, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait("doctor-orders", b"{}")
    finally:
        await producer.stop()

    source = {"name": "k", "kind": "kafka", "bootstrap_servers": kafka_bootstrap, "group": "doctor-group"}
    results = await ask(
        tmp_path, sources=[{**source, "topics": ["doctor-orders", "doctor-none", "^doctor-x.*"]}]
    )
    good = said(results, "source k", State.OK)
    assert "topic 'doctor-orders' exists" in good
    assert "has read nothing yet" in good
    assert "1 records" in good
    assert "topic 'doctor-none' does not exist" in said(results, "source k", State.FAIL)
    assert "no topic matches '^doctor-x.*'" in said(results, "source k", State.WARN)


async def test_kafka_tells_how_far_behind_the_group_is(kafka_bootstrap: str, tmp_path: Path) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    try:
        for _ in range(3):
            await producer.send_and_wait("doctor-behind", b"{}")
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_bootstrap, group_id="doctor-behind", enable_auto_commit=False
    )
    await consumer.start()
    try:
        partition = TopicPartition("doctor-behind", 0)
        consumer.assign([partition])
        await consumer.commit({partition: 1})
    finally:
        await consumer.stop()
    source = {
        "name": "k",
        "kind": "kafka",
        "bootstrap_servers": kafka_bootstrap,
        "group": "doctor-behind",
        "topics": ["doctor-behind"],
    }
    assert "2 behind" in said(await ask(tmp_path, sources=[source]), "source k", State.OK)


async def test_kafka_is_away(tmp_path: Path) -> None:
    source = {"name": "k", "kind": "kafka", "bootstrap_servers": "127.0.0.1:1", "topics": ["t"]}
    assert "127.0.0.1:1" in said(await ask(tmp_path, sources=[source]), "source k", State.FAIL)


async def test_postgres(postgres_url: str, tmp_path: Path) -> None:
    results = await ask(tmp_path, database=postgres_url)
    assert "may be written to" in said(results, "database", State.OK)
    assert "choreoscope db upgrade" in said(results, "database", State.FAIL)


async def test_postgres_in_order(migrated_postgres_url: str, tmp_path: Path) -> None:
    results = await ask(tmp_path, database=migrated_postgres_url)
    assert "the schema is the one" in said(results, "database", State.OK)
    assert said(results, "database", State.FAIL) == ""


async def test_postgres_without_the_right_to_write(migrated_postgres_url: str, tmp_path: Path) -> None:
    async with await psycopg.AsyncConnection.connect(migrated_postgres_url, autocommit=True) as connection:
        await connection.execute("DROP ROLE IF EXISTS doctor_reader")
        await connection.execute("CREATE ROLE doctor_reader LOGIN PASSWORD 'hunter2'")
        await connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO doctor_reader")
        parts = urlsplit(migrated_postgres_url)
        reader = urlunsplit(parts._replace(netloc=f"doctor_reader:hunter2@{parts.hostname}:{parts.port}"))
        told = said(await ask(tmp_path, database=reader), "database", State.FAIL)
        await connection.execute("DROP OWNED BY doctor_reader")
        await connection.execute("DROP ROLE doctor_reader")
    assert "doctor_reader may not write" in told
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON" in told


async def test_postgres_is_away(tmp_path: Path) -> None:
    results = await ask(tmp_path, database="postgresql://u:hunter2@127.0.0.1:1/x")
    assert said(results, "database", State.FAIL)
    assert "hunter2" not in json.dumps([result.to_json() for result in results])


@pytest.mark.parametrize("name", ["none.db", "missing/none.db"])
async def test_a_sqlite_file_is_not_made(tmp_path: Path, name: str) -> None:
    results = await ask(tmp_path, database=f"sqlite:///{tmp_path}/{name}")
    state = State.FAIL if "/" in name else State.WARN
    assert said(results, "database", state)
    assert not (tmp_path / name).exists()


async def test_models_rules_and_files(tmp_path: Path) -> None:
    (tmp_path / "bad.bpmn").write_text("<definitions/>")
    (tmp_path / "a.jsonl").write_text("")
    results = await ask(
        tmp_path,
        models=[{"file": MODEL, "key": "order"}, {"file": tmp_path / "bad.bpmn", "key": "bad"}],
        events=[{"match": {"type": "x"}, "as": "OrderPlaced", "keys": {"order": "data.["}}],
        sources=[
            {"name": "f", "kind": "file", "path": [str(tmp_path / "a.jsonl"), str(tmp_path / "*.csv")]},
            {"name": "h", "kind": "http"},
        ],
    )
    assert "compiles" in said(results, "model order", State.OK)
    assert said(results, "model bad", State.FAIL)
    assert said(results, "events", State.FAIL)
    assert "a.jsonl readable" in said(results, "source f", State.OK)
    assert "there is no file" in said(results, "source f", State.FAIL)
    assert "nothing to connect to" in said(results, "source h", State.OK)
