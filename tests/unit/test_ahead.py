"""What is read ahead is handed over whole, in order, and never grows past its limit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from monitor.ahead import MOST_BYTES, Ahead
from monitor.domain.event import Delivery, InboxReason, Misfit, Position
from monitor.pipeline import Read
from monitor.sources.base import Batch
from tests.support.flows import START


def batch(*numbers: int) -> tuple[Batch, Read]:
    """Deliveries that nobody can place."""
    deliveries = [Delivery("shop", b"", Position("q", receipt=str(number)), START) for number in numbers]
    misfits = [Misfit(one, InboxReason.UNMAPPED, "Nobody knows it.", "Map it.") for one in deliveries]
    return Batch(deliveries, token=numbers), Read(deliveries, [], misfits, ignored=len(numbers))


def put(ahead: Ahead, *numbers: int, minute: int = 0) -> None:
    one, read = batch(*numbers)
    ahead.put(one, START + timedelta(minutes=minute), read)


async def test_all_there_is_comes_as_one() -> None:
    ahead = Ahead(10)
    put(ahead, 1, 2, minute=1)
    put(ahead, 3, minute=2)
    received = await ahead.take()
    assert received is not None
    assert [one.token for one in received.batches] == [(1, 2), (3,)]
    assert [one.position.receipt for one in received.deliveries] == ["1", "2", "3"]
    assert received.asked == START + timedelta(minutes=1)
    assert isinstance(received.read, Read)
    assert list(received.read.deliveries) == received.deliveries
    assert [one.delivery for one in received.read.misfits] == received.deliveries
    assert received.read.ignored == 3


async def test_who_takes_waits_for_something_and_hears_of_the_end() -> None:
    ahead = Ahead(10)
    taking = asyncio.create_task(ahead.take())
    await asyncio.sleep(0)
    assert not taking.done()
    put(ahead, 1)
    ahead.end()
    received = await taking
    assert received is not None
    assert received.batches[0].token == (1,)
    assert await ahead.take() is None


async def test_who_puts_waits_for_room() -> None:
    ahead = Ahead(3)
    put(ahead, 1, 2)
    assert await ahead.room() == 1
    put(ahead, 3)
    waiting = asyncio.create_task(ahead.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await ahead.take() is not None
    assert await waiting == 3


async def test_few_large_messages_leave_no_room_either() -> None:
    ahead = Ahead(100)
    delivery = Delivery("shop", bytes(MOST_BYTES), Position("q", receipt="1"), START)
    ahead.put(Batch([delivery]), START, Read([delivery], [], [], ignored=1))
    waiting = asyncio.create_task(ahead.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await ahead.take() is not None
    assert await waiting == 100


async def test_what_cannot_be_read_is_told_with_what_came_beside_it() -> None:
    ahead = Ahead(10)
    put(ahead, 1)
    broken, _ = batch(2)
    error = ZeroDivisionError("nobody foresaw this")
    ahead.put(broken, START, error)
    received = await ahead.take()
    assert received is not None
    assert received.read is error
    assert [one.position.receipt for one in received.deliveries] == ["1", "2"]
