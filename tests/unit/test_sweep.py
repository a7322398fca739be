"""The sweep's ticks: what another tick mends is said once, what none can mend is told to whoever runs it."""

from __future__ import annotations

import logging
from typing import cast

import pytest

from monitor.errors import StorageError, StorageUnavailable
from monitor.flows import Flows
from monitor.metrics import Metrics
from monitor.storage.base import Store
from monitor.sweep import Sweeper
from tests.support.shop import NOON


class Task:
    """Fails as often as told."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)

    async def __call__(self) -> int:
        if (error := self.errors.pop(0)) is not None:
            raise error
        return 0


@pytest.fixture
async def sweeper() -> Sweeper:
    nothing = cast("Store", None)
    return Sweeper(nothing, Flows(nothing), {}, Metrics(), now=lambda: NOON)


async def test_a_database_that_is_away_is_said_once_and_so_is_its_return(
    sweeper: Sweeper, caplog: pytest.LogCaptureFixture
) -> None:
    away = StorageUnavailable("The database is away.")
    task = Task(away, away, None, None, away, None)
    with caplog.at_level(logging.INFO, "choreoscope.sweep"):
        for _ in range(6):
            await sweeper._tick("clocks", task)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING", "INFO"]
    assert "The database is away." in caplog.text
    assert not sweeper.failed.done()
    assert sweeper.metrics.sweep_failures.labels("clocks")._value.get() == 3


async def test_what_no_tick_can_mend_is_told_to_whoever_runs_the_sweep(sweeper: Sweeper) -> None:
    first, second = StorageError("refused"), ZeroDivisionError()
    await sweeper._tick("clocks", Task(first))
    await sweeper._tick("confirmations", Task(second))
    assert sweeper.failed.exception() is first
