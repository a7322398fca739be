"""What the monitor depends on goes away and comes back: it says so, loses nothing, goes on by itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from monitor.domain.event import InboxReason
from monitor.judging import Judge, JudgedTrace
from monitor.landscape import demo
from monitor.landscape.plan import Pace, Plan, plan
from monitor.landscape.publish import brokers, emit
from monitor.landscape.wire import EXCHANGE, TOPICS, Emission
from monitor.metrics import Metrics
from monitor.reading import Reader
from monitor.settings import MemorySource
from monitor.sources.memory import Memory
from monitor.storage.migrate import upgrade
from monitor.storage.sql import SqlStore, open_store
from tests.services import Service
from tests.support.serving import PATIENCE, Serving, serving, written
from tests.support.shop import Said, offline, sent, shop, start, stored_in, told

pytestmark = pytest.mark.usefixtures("landscape_alone")

PACE = Pace(every=timedelta(milliseconds=200), step=timedelta(milliseconds=500))


def landscape(orders: int = 60) -> Plan:
    """Orders of a minute ago: everything about them is due as soon as it is read."""
    begin = datetime.now(UTC) - timedelta(minutes=1)
    return plan(3, orders, begin, PACE, prefix=f"{uuid4().hex[:6]}-")


def warm_up() -> Sequence[Emission]:
    """Messages to every exchange and topic, so that those are there before anybody listens."""
    orders = plan(1, 10, datetime.now(UTC), PACE, faults={}, prefix="warm-up-").emissions
    assert {one.destination for one in orders} == {EXCHANGE, *TOPICS}
    return orders


def thirds(emissions: Sequence[Emission]) -> list[Sequence[Emission]]:
    size = len(emissions) // 3
    return [emissions[:size], emissions[size : 2 * size], emissions[2 * size :]]


def publish(emissions: Iterable[Emission], rabbitmq: str | None, kafka: str | None) -> None:
    async def publishing() -> None:
        async with brokers(rabbitmq, kafka) as send:
            await emit(emissions, send)

    asyncio.run(publishing())


def rabbit(url: str) -> dict[str, Any]:
    return {
        "name": demo.RABBIT,
        "kind": "rabbitmq",
        "url": url,
        "queue": f"choreoscope.{uuid4().hex[:8]}",
        "bindings": [{"exchange": EXCHANGE, "routing_key": "#"}],
    }


def kafka(bootstrap: str) -> dict[str, Any]:
    return {
        "name": demo.KAFKA,
        "kind": "kafka",
        "bootstrap_servers": bootstrap,
        "topics": list(TOPICS),
        "group": f"choreoscope-{uuid4().hex[:8]}",
        "start": "latest",
        "session_timeout": "PT6S",
    }


def caught_up(monitor: Serving, *names: str) -> bool:
    sources = monitor.sources()
    return all(name in sources and sources[name]["state"] == "caught_up" for name in names)


def expected(told: Plan, *channels: str) -> list[Said]:
    deliveries = [
        sent(number, emission)
        for number, emission in enumerate(told.emissions)
        if emission.channel in channels
    ]
    # A part of the landscape begins later in an order than all of it, and so do the clocks.
    return offline(shop(told.limits), deliveries, told.end + timedelta(seconds=20))


def settled(monitor: Serving, database: str, wanted: list[Said]) -> None:
    """Wait until the database says what an offline replay says, then compare."""
    end = time.monotonic() + PATIENCE
    while (found := asyncio.run(stored_in(database))) != wanted and time.monotonic() < end:
        assert monitor.process.poll() is None, monitor.log[-4000:]
        time.sleep(0.3)
    assert found == wanted


def test_the_database_goes_away_and_comes_back(
    tmp_path: Path, private_postgres: Service, rabbitmq_url: str, kafka_bootstrap: str
) -> None:
    database = private_postgres.address
    upgrade(database)
    orders = landscape()
    before, meanwhile, after = thirds(orders.emissions)
    publish(warm_up(), rabbitmq_url, kafka_bootstrap)
    sources = [rabbit(rabbitmq_url), kafka(kafka_bootstrap)]
    config = written(tmp_path / "choreoscope.yaml", database, sources, orders.limits)
    with serving(config, tmp_path / "log") as monitor:
        monitor.until(lambda: caught_up(monitor, demo.RABBIT, demo.KAFKA))
        publish(before, rabbitmq_url, kafka_bootstrap)
        assert monitor.get("/readyz").status_code == 200

        private_postgres.stop()
        publish(meanwhile, rabbitmq_url, kafka_bootstrap)
        monitor.until(lambda: monitor.get("/readyz").status_code == 503)
        for said in ("the batch waits and is tried again in", "sweep of clocks: tried again"):
            monitor.until(lambda said=said: said in monitor.log)  # type: ignore[misc]
        assert "reason" in monitor.get("/readyz").json()
        page = monitor.get("/traces", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "The database is away" in page.text
        answer = monitor.get("/api/v1/traces")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert monitor.get("/livez").status_code == 200
        assert monitor.get("/metrics").status_code == 200

        private_postgres.start()
        publish(after, rabbitmq_url, kafka_bootstrap)
        monitor.until(lambda: monitor.get("/readyz").status_code == 200)
        settled(monitor, database, expected(orders, "rabbit", "kafka"))
        monitor.until(lambda: "sweep of clocks: goes on" in monitor.log)
        assert monitor.log.count("sweep of clocks: tried again") == 1
        assert "Traceback" not in monitor.log
        assert monitor.stop() == 0


def test_the_database_dies_without_a_word(
    tmp_path: Path, private_postgres: Service, rabbitmq_url: str
) -> None:
    """Killed twice in the middle of writing; what was committed is there once."""
    database = private_postgres.address
    upgrade(database)
    orders = landscape(200)
    publish(warm_up(), rabbitmq_url, None)
    config = written(
        tmp_path / "choreoscope.yaml",
        database,
        [rabbit(rabbitmq_url)],
        orders.limits,
        ingest={"batch_size": 20},
    )
    with serving(config, tmp_path / "log") as monitor:
        monitor.until(lambda: caught_up(monitor, demo.RABBIT))
        for part in thirds(orders.emissions):
            publish(part, rabbitmq_url, None)
            private_postgres.kill()
            private_postgres.start()
        settled(monitor, database, expected(orders, "rabbit"))
        assert "Traceback" not in monitor.log
        assert monitor.stop() == 0


def test_rabbitmq_goes_away_and_comes_back(tmp_path: Path, private_rabbitmq: Service) -> None:
    _broker_restarts(tmp_path, private_rabbitmq, rabbit(private_rabbitmq.address), "rabbit")


def test_kafka_goes_away_and_comes_back(tmp_path: Path, private_kafka: Service) -> None:
    _broker_restarts(tmp_path, private_kafka, kafka(private_kafka.address), "kafka")


def _broker_restarts(folder: Path, broker: Service, source: dict[str, Any], channel: str) -> None:
    database = f"sqlite:///{folder}/choreoscope.db"
    orders = landscape()
    mine = [emission for emission in orders.emissions if emission.channel == channel]
    before, after = mine[: len(mine) // 2], mine[len(mine) // 2 :]
    send = partial(
        publish,
        rabbitmq=broker.address if channel == "rabbit" else None,
        kafka=broker.address if channel == "kafka" else None,
    )
    send(warm_up())
    config = written(folder / "choreoscope.yaml", database, [source], orders.limits)
    name = source["name"]
    with serving(config, folder / "log") as monitor:
        monitor.until(lambda: caught_up(monitor, name), lambda: monitor.sources())
        send(before)

        broker.stop()
        monitor.until(lambda: monitor.sources()[name]["state"] == "connecting", lambda: monitor.sources())
        away = monitor.sources()[name]
        assert any(shard["error"] for shard in away["shards"]), away
        assert monitor.get("/readyz").status_code == 200  # the monitor itself is well
        standing = away["watermark"]
        time.sleep(1.5)  # longer than progress is told every second
        assert monitor.sources()[name]["watermark"] == standing

        broker.start()
        send(after)
        monitor.until(lambda: caught_up(monitor, name), lambda: monitor.sources())
        settled(monitor, database, expected(orders, channel))
        assert monitor.sources()[name]["watermark"] > standing
        assert f"source {name}" in monitor.log
        assert monitor.stop() == 0


# a message that makes us fail --------------------------------------------------------------------------


@pytest.fixture
async def store(migrated_postgres_url: str) -> Any:
    opened = await open_store(migrated_postgres_url)
    yield opened
    await opened.close()


async def test_what_makes_us_fail_is_found_and_kept_and_the_rest_goes_on(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replay = Judge.replay

    def failing(judge: Judge, observations: Sequence[Any]) -> tuple[JudgedTrace, tuple[Any, ...]]:
        if any(one.event_id == "poison" for one in observations):
            raise ZeroDivisionError("nobody foresaw this")
        return replay(judge, observations)

    monkeypatch.setattr(Judge, "replay", failing)
    monkeypatch.setattr(Judge, "advance", lambda *_: None)
    deliveries = [told("OrderPlaced", number, f"o-{number}") for number in range(50)]
    poison = told("OrderPlaced", 17.5, "o-17b", id="poison")
    deliveries.insert(18, poison)
    source = Memory(MemorySource(name=demo.RABBIT), worker="w")
    pipeline = await start(store, shop())
    clock = partial(datetime.now, UTC)
    reader = Reader(source, pipeline, store, Metrics(), worker="w", now=clock, batch_size=100, wait=0.1)
    with caplog.at_level(logging.ERROR):
        async with source:
            for one in deliveries:
                await source.put(one.body, content_type=one.content_type, position=one.position)
            reading = asyncio.create_task(reader.run())
            try:
                async with asyncio.timeout(30):
                    while (await store.views.totals()).inbox < 1 or source.progress()[0].lag:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    totals = await store.views.totals()
    assert (totals.traces, totals.events, totals.inbox) == (50, 50, 1)
    (kept,) = (await store.views.inbox()).rows
    assert kept.reason is InboxReason.FAILED
    whole = await store.views.inbox_item(kept.id)
    assert whole is not None
    assert whole.body == poison.body
    assert "ZeroDivisionError: nobody foresaw this" in kept.detail
    assert kept.mend
    assert "goes to the inbox" in caplog.text
