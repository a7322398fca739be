"""What all pages show is asked for once by those who read at the same time, and is never older than the pulse
it comes with, nor than news that were told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from monitor.dashboard.shared import Shared
from monitor.errors import StorageUnavailable
from monitor.storage.views import Views

NOW = datetime(2026, 3, 4, tzinfo=UTC)


@dataclass
class Counting:
    """Answers with how much had happened when it was asked."""

    happened: int = 0
    asked: list[str] = field(default_factory=list)
    away: bool = False
    slow: asyncio.Event | None = None

    async def _answer(self, question: str) -> int:
        self.asked.append(question)
        if self.away:
            raise StorageUnavailable("away")
        if self.slow is not None:
            await self.slow.wait()
        return self.happened

    async def pulse(self) -> str:
        return str(await self._answer("pulse"))

    async def totals(self) -> int:
        return await self._answer("totals")

    async def flows(self) -> int:
        return await self._answer("flows")

    async def sources(self, _now: datetime) -> int:
        return await self._answer("sources")

    async def trace(self, number: int) -> int:
        return number + await self._answer("trace")


def shared(views: Counting, keep: float = 3600.0) -> Any:
    return Shared(cast("Views", views), lambda: NOW, keep=keep)


async def test_those_who_ask_at_the_same_time_share_one_answer() -> None:
    views = Counting()
    one = shared(views)
    await asyncio.gather(*(one.pulse() for _ in range(5)), one.totals(), one.flows(), one.sources(NOW))
    assert views.asked == ["pulse", "totals", "flows", "sources"]


async def test_the_pulse_is_no_newer_than_what_goes_with_it() -> None:
    views = Counting(slow=asyncio.Event())
    assert views.slow is not None
    asking = asyncio.ensure_future(shared(views).pulse())
    await asyncio.sleep(0)
    views.happened += 1
    views.slow.set()
    await asking
    assert views.asked[0] == "pulse"


async def test_other_questions_are_asked_each_time() -> None:
    views = Counting()
    one = shared(views)
    assert await one.trace(5) == 5
    views.happened = 1
    assert await one.trace(5) == 6


async def test_once_news_are_told_nothing_older_is_said() -> None:
    views = Counting()
    one = shared(views)
    assert await one.totals() == 0
    views.happened = 1
    assert await one.totals() == 0
    one.forget()
    assert (await one.pulse(), await one.totals()) == ("1", 1)


async def test_what_is_too_old_is_asked_anew() -> None:
    views = Counting()
    one = shared(views, keep=0.0)
    assert await one.totals() == 0
    views.happened = 1
    assert await one.totals() == 1


async def test_an_error_is_told_and_not_kept() -> None:
    views = Counting(away=True)
    one = shared(views)
    with pytest.raises(StorageUnavailable):
        await one.totals()
    views.away = False
    assert await one.totals() == 0


async def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    views = Counting(slow=asyncio.Event())
    assert views.slow is not None
    one = shared(views)
    first, second = (asyncio.ensure_future(one.totals()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    views.slow.set()
    assert await second == 0
