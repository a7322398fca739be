"""A long run: ``python -m tests.chaos``, or ``make chaos``.

``CHOREOSCOPE_CHAOS_SEED``: which faults and which orders (default: drawn; the report says which);
``CHOREOSCOPE_CHAOS_FAULTS``: how many (default 56); ``CHOREOSCOPE_CHAOS_RATE``: events per second (40);
``CHOREOSCOPE_CHAOS_REPORT``: a file that the report is written to as well. The exit code is 1 where
anything differs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.chaos.landscape import Load
from tests.chaos.report import markdown
from tests.chaos.run import Run, run
from tests.chaos.schedule import SERVICES, draw
from tests.chaos.servers import started
from tests.services.processes import own_directory, remove

EVERY = 9.0
"""Seconds from fault to fault, on average."""

PATIENCE = 480.0
"""Seconds to catch up: the lease of a message whose sender was killed is five minutes."""


def main() -> int:
    environ = os.environ
    seed = int(environ.get("CHOREOSCOPE_CHAOS_SEED") or secrets.randbelow(10_000))
    count = int(environ.get("CHOREOSCOPE_CHAOS_FAULTS") or 56)
    rate = float(environ.get("CHOREOSCOPE_CHAOS_RATE") or 40)
    schedule = draw(seed, count, EVERY)
    load = Load(schedule[-1].at + EVERY, rate, timedelta(seconds=1.5))
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - began:6.1f}] {what}", flush=True)

    print(f"seed {seed}, {count} faults:", *map(str, schedule), sep="\n", flush=True)
    for library in ("aiokafka", "aio_pika", "aiormq", "mail.log"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # our publishers' troubles are wanted here
    folder = own_directory("chaos")
    with ExitStack() as stack:
        services = started(SERVICES, stack)
        outcome = asyncio.run(run(Run(seed, load, schedule, PATIENCE), services, folder, say))
    told = markdown(outcome)
    print(told)
    (folder / "report.md").write_text(told, "utf-8")
    if report := environ.get("CHOREOSCOPE_CHAOS_REPORT"):
        Path(report).write_text(told, "utf-8")
    if not outcome.differences:
        remove(folder)
    return bool(outcome.differences)


if __name__ == "__main__":
    sys.exit(main())
