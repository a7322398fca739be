"""The queue behind the dashboard's endpoints."""

from __future__ import annotations

import asyncio

import pytest

from monitor.errors import SourceUnavailable
from monitor.settings import HttpSource
from monitor.sources.base import Busy, Intake
from monitor.sources.http import Http


def source(limit: int = 10) -> Http:
    return Http(HttpSource(name="h", max_pending=limit), worker="w")


async def calling(
    http: Intake, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> asyncio.Task[None]:
    task = asyncio.create_task(http.accept(body, headers or {}, path="/api/v1/events"))
    await asyncio.sleep(0)
    return task


async def test_callers_are_answered_once_their_events_are_stored() -> None:
    async with source() as http:
        first, second = await calling(http, b"1"), await calling(http, b"2")
        batch = await http.batch(1, 1.0)
        assert batch is not None
        assert [d.body for d in batch.deliveries] == [b"1"]
        await asyncio.sleep(0)
        assert not first.done()
        await http.acknowledge(batch)
        await first
        assert not second.done()
        second.cancel()


async def test_too_many_waiting_is_busy() -> None:
    async with source(limit=2) as http:
        waiting = [await calling(http), await calling(http)]
        with pytest.raises(Busy) as raised:
            await http.accept(b"{}", {})
        assert raised.value.retry_after > 0
        batch = await http.batch(1, 1.0)
        assert batch is not None
        await http.acknowledge(batch)
        waiting.append(await calling(http))
        assert not waiting[-1].done()
        for task in waiting:
            task.cancel()


async def test_callers_are_sent_away_when_the_source_stops() -> None:
    http = source()
    with pytest.raises(SourceUnavailable, match="not running"):
        await http.accept(b"{}", {})
    async with http:
        waiting = await calling(http)
        handed = await http.batch(10, 1.0)
        assert handed is not None
        later = await calling(http)
    for task in (waiting, later):
        with pytest.raises(SourceUnavailable, match="send the event again"):
            await task
    async with http:
        await http.acknowledge(handed)
        batch = await http.batch(10, 0.01)
        assert batch is not None
        assert not batch.deliveries
        await http.refresh()
        assert http.progress()[0].watermark is not None


async def test_credentials_are_not_kept() -> None:
    sent = {
        "Authorization": "Bearer x",
        "Cookie": "s=1",
        "X-Api-Key": "k",
        "ce-id": "1",
        "Content-Type": "text/plain",
    }
    async with source() as http:
        task = await calling(http, headers=sent | {"Content-Encoding": "gzip"})
        batch = await http.batch(1, 1.0)
        assert batch is not None
        (delivery,) = batch.deliveries
        task.cancel()
    assert delivery.headers == {"ce-id": "1", "Content-Type": "text/plain", "Content-Encoding": "gzip"}
    assert (delivery.content_type, delivery.content_encoding) == ("text/plain", "gzip")
    assert delivery.position.channel == "/api/v1/events"
