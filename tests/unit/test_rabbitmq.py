import asyncio
import contextlib
import gc
import logging
import socket

import aio_pika.exceptions
import pytest

from monitor.rabbitmq import connected


async def test_a_connection_that_did_not_come_about_leaves_nothing_to_the_garbage_collector(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for library in ("aio_pika", "aiormq"):  # a record kept for the report keeps the connection, too
        caplog.set_level(logging.CRITICAL, library)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # not listening: who connects is refused
        port = nobody.getsockname()[1]
        with contextlib.suppress(aio_pika.exceptions.AMQPConnectionError):
            await connected(f"amqp://guest:guest@127.0.0.1:{port}/", name="test")
            pytest.fail("connected to nobody")
    # Collected where no event loop runs, a connection that is not closed leaves a coroutine that nobody
    # awaits, and that warning fails this test.
    await asyncio.to_thread(gc.collect)
