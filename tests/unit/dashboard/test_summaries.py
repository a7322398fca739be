"""Answers remembered for moments: one question at a time, errors and those who go away do no harm."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from monitor.dashboard.summaries import FRESH, KEEP, Cached

NOW = datetime(2026, 3, 4, tzinfo=UTC)


class Question:
    def __init__(self) -> None:
        self.asked = 0
        self.answerable = asyncio.Event()
        self.wrong = False

    async def __call__(self) -> int:
        self.asked += 1
        asked = self.asked
        await self.answerable.wait()
        if self.wrong:
            raise ValueError("away")
        return asked


async def test_fifty_readers_ask_once() -> None:
    cached, question = Cached(), Question()
    readers = [asyncio.ensure_future(cached.get("q", NOW, question)) for _ in range(50)]
    await asyncio.sleep(0)
    question.answerable.set()
    assert await asyncio.gather(*readers) == [1] * 50
    assert question.asked == 1


async def test_an_answer_is_forgotten_after_its_time_and_others_are_others() -> None:
    cached, question = Cached(), Question()
    question.answerable.set()
    assert await cached.get("q", NOW, question) == 1
    assert await cached.get("q", NOW + FRESH - timedelta(milliseconds=1), question) == 1
    assert await cached.get("other", NOW, question) == 2
    assert await cached.get("q", NOW + KEEP, question) == 3
    assert await cached.get("q", NOW - timedelta(days=1), question) == 4  # a clock that was put back


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    cached, question = Cached(), Question()
    question.wrong = True
    question.answerable.set()
    answers = await asyncio.gather(
        *(cached.get("q", NOW, question) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in answers] == [ValueError] * 3
    question.wrong = False
    assert await cached.get("q", NOW, question) == 2


async def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    cached, question = Cached(), Question()
    first = asyncio.ensure_future(cached.get("q", NOW, question))
    second = asyncio.ensure_future(cached.get("q", NOW, question))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    question.answerable.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_no_more_than_so_many_are_kept() -> None:
    cached, question = Cached(most=2), Question()
    question.answerable.set()
    for name in ("a", "b", "c"):
        await cached.get(name, NOW, question)
    await cached.get("c", NOW, question)
    assert question.asked == 3
    await cached.get("a", NOW, question)
    assert question.asked == 4


async def test_who_asks_while_it_is_found_out_anew_is_told_the_last_answer() -> None:
    cached, question = Cached(), Question()
    question.answerable.set()
    assert await cached.get("q", NOW, question) == 1
    question.answerable.clear()
    assert await cached.get("q", NOW + FRESH, question) == 1
    await asyncio.sleep(0)
    assert question.asked == 2
    assert await cached.get("q", NOW + FRESH, question) == 1
    assert question.asked == 2  # one finds it out for all
    question.answerable.set()
    await asyncio.sleep(0.01)
    assert await cached.get("q", NOW + FRESH, question) == 2


async def test_nobody_is_told_what_is_older_than_it_may_be() -> None:
    cached, question = Cached(), Question()
    question.answerable.set()
    assert await cached.get("q", NOW, question) == 1
    question.answerable.clear()
    late = asyncio.ensure_future(cached.get("q", NOW + KEEP, question))
    await asyncio.sleep(0)
    assert not late.done()
    question.answerable.set()
    assert await late == 2


async def test_an_error_meanwhile_leaves_the_last_answer() -> None:
    cached, question = Cached(), Question()
    question.answerable.set()
    assert await cached.get("q", NOW, question) == 1
    question.wrong = True
    assert await cached.get("q", NOW + FRESH, question) == 1
    await asyncio.sleep(0.01)
    question.answerable.clear()
    assert await cached.get("q", NOW + FRESH, question) == 1
    question.answerable.set()
    await asyncio.sleep(0.01)
    with pytest.raises(ValueError, match="away"):
        await cached.get("q", NOW + KEEP, question)
