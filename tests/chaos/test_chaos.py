"""A short run: the most telling faults, always the same. ``make chaos`` is the long one."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.chaos.landscape import Load
from tests.chaos.report import markdown
from tests.chaos.run import Run, run
from tests.chaos.schedule import SERVICES, telling
from tests.chaos.servers import started
from tests.services import Unavailable
from tests.support.lacking import lacking

SEED = 7
EVERY = 2.0


async def test_nothing_is_lost_and_nothing_counts_twice_whatever_happens(tmp_path: Path) -> None:
    schedule = telling(SEED, EVERY)
    load = Load(schedule[-1].at + EVERY, rate=30, step=timedelta(seconds=0.6))
    with ExitStack() as stack:
        try:
            services = started(SERVICES, stack)
        except Unavailable as reason:
            lacking(reason)
        outcome = await run(Run(SEED, load, schedule, 120, hurry=True), services, tmp_path, print)
    print(markdown(outcome))
    assert not outcome.differences
