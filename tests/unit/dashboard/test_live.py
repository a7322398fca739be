"""Live updates: one question for all listeners, every change told, nobody kept waiting at the end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from monitor.dashboard.live import Live, News, TooManyListeners
from monitor.errors import StorageUnavailable


class Beat:
    def __init__(self) -> None:
        self.value = "1"
        self.away = False
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.away:
            raise StorageUnavailable("gone")
        return self.value


async def test_a_listener_hears_the_current_pulse_and_every_change() -> None:
    beat = Beat()
    live = Live(beat, every=0.01)
    async with asyncio.timeout(5), live.running(), aclosing(live.listen()) as told:
        assert await anext(told) == News("pulse", "1")
        beat.value = "2"
        assert await anext(told) == News("pulse", "2")


async def test_an_unreachable_database_is_told_and_so_is_its_return() -> None:
    beat = Beat()
    live = Live(beat, every=0.01)
    async with asyncio.timeout(5), live.running(), aclosing(live.listen()) as told:
        await anext(told)
        beat.away = True
        assert await anext(told) == News("away", "gone")
        beat.away = False
        assert await anext(told) == News("pulse", "1")


async def test_all_listeners_share_the_questions_and_nobody_asks_without_listeners() -> None:
    beat = Beat()
    live = Live(beat, every=3600)
    async with asyncio.timeout(5), live.running():
        await asyncio.sleep(0)
        assert beat.asked == 0
        async with aclosing(live.listen()) as one, aclosing(live.listen()) as two:
            assert await anext(one) == await anext(two)
        assert beat.asked == 1


async def test_listeners_are_bounded_and_leaving_makes_room() -> None:
    live = Live(Beat(), every=0.01, most=1)
    async with asyncio.timeout(5), live.running():
        async with aclosing(live.listen()) as told:
            await anext(told)
            with pytest.raises(TooManyListeners):
                live.admit()
        live.admit()


async def test_a_watcher_that_fails_ends_the_streams_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> str:
        raise RuntimeError("a mistake of ours")

    live = Live(broken, every=0.01)
    async with asyncio.timeout(5), live.running(), aclosing(live.listen()) as told:
        assert await anext(told, None) is None
    assert "have stopped" in caplog.text


async def test_closing_ends_every_stream() -> None:
    live = Live(Beat(), every=0.01)
    async with asyncio.timeout(5), live.running(), aclosing(live.listen()) as told:
        await anext(told)
        waiting = asyncio.ensure_future(anext(told, None))
        await asyncio.sleep(0)
        live.close()
        assert await waiting is None
