"""SQLite's disk is full for a while: nothing is told to be stored that is not, and all of it is judged once
there is room again."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from monitor.domain.event import Delivery, Position
from monitor.landscape.plan import Pace, Plan, plan
from monitor.landscape.wire import STRUCTURED, Emission
from monitor.settings import load
from tests.support.lacking import lacking
from tests.support.serving import PATIENCE, Serving, command, environment, serving, written
from tests.support.shop import Said, offline, stored_in

PACE = Pace(every=timedelta(milliseconds=200), step=timedelta(milliseconds=500))
AT_ONCE = 20


class Disk(Protocol):
    """Where the database lies."""

    folder: Path

    def fill(self, process: int) -> None: ...

    def make_room(self, process: int) -> None: ...


class Small:
    """A file system of its own that holds a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, process: int) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass  # not a byte more

    def make_room(self, process: int) -> None:
        (self.folder / "ballast").unlink()


class Limited:
    """No file may grow: the database's own end is where it stands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, process: int) -> None:
        size = (self.folder / "choreoscope.db").stat().st_size
        self._set(process, size)

    def make_room(self, process: int) -> None:
        self._set(process, resource.prlimit(process, resource.RLIMIT_FSIZE)[1])

    def _set(self, process: int, soft: int) -> None:
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def mounted(folder: Path) -> Iterator[Small]:
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        lacking("only root may mount a small file system")
    try:
        yield Small(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["small", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "small":
        with mounted(tmp_path / "disk") as small:
            yield small
    else:
        (tmp_path / "disk").mkdir()
        yield Limited(tmp_path / "disk")


def test_a_full_disk_costs_nothing_but_time(tmp_path: Path, disk: Disk) -> None:
    database = f"sqlite:///{disk.folder}/choreoscope.db"
    orders = plan(5, 60, datetime.now(UTC) - timedelta(minutes=2), PACE)
    config = written(
        tmp_path / "choreoscope.yaml", database, [{"name": "web", "kind": "http"}], orders.limits
    )
    half = len(orders.emissions) // 2
    with serving(config, tmp_path / "log") as monitor, ThreadPoolExecutor(AT_ONCE) as senders:
        taken = {one.id for one in _sent(monitor, orders.emissions[:half], senders)}
        assert taken == {one.id for one in orders.emissions[:half]}

        disk.fill(monitor.process.pid)
        second = orders.emissions[half:]
        # as much as is in the file's free pages may still be stored
        taken |= {one.id for one in _sent(monitor, second, senders, seconds=3)}
        assert len(taken) < len({one.id for one in orders.emissions}), "the disk was not full"
        monitor.until(lambda: "the batch waits and is tried again" in monitor.log)
        held = _events(database)
        assert taken - held == _noise(orders) & taken, "what was told to be stored is not"
        assert monitor.get("/livez").status_code == 200
        assert monitor.get("/traces", headers={"Accept": "text/html"}).status_code == 200

        disk.make_room(monitor.process.pid)
        missing = [one for one in second if one.id not in taken]
        assert len(_sent(monitor, missing, senders, seconds=PATIENCE)) == len(missing)
        _settled(database, _wanted(config, orders), monitor)
        reasons = monitor.get("/api/v1/inbox").raise_for_status().json()["items"]
        assert not [one for one in reasons if one["reason"] == "failed"]
        assert "Traceback" not in monitor.log
        assert monitor.stop() == 0


def test_a_start_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        database = f"sqlite:///{disk.folder}/choreoscope.db"
        config = written(
            tmp_path / "choreoscope.yaml",
            database,
            [{"name": "web", "kind": "http"}],
            plan(5, 1, datetime.now(UTC), PACE).limits,
        )
        disk.fill(0)
        done = subprocess.run(
            command("run", "-c", config),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode != 0
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr


def _sent(
    monitor: Serving, messages: Sequence[Emission], senders: ThreadPoolExecutor, seconds: float = PATIENCE
) -> list[Emission]:
    """Those that were told to be stored, each tried for so long."""
    end = time.monotonic() + seconds

    def one(message: Emission) -> bool:
        while (left := end - time.monotonic()) > 0:
            try:
                answer = httpx.post(
                    f"{monitor.address}/api/v1/events",
                    content=message.line(),
                    headers={"Content-Type": STRUCTURED},
                    timeout=max(0.2, left),
                )
            except httpx.HTTPError:
                continue
            if answer.is_success:
                return True
            time.sleep(0.1)
        return False

    return [message for message, took in zip(messages, senders.map(one, messages), strict=True) if took]


def _noise(orders: Plan) -> set[str]:
    """Messages that cannot be placed: they go to the inbox."""
    return {one.id for one in orders.emissions if one.type.endswith(".ParcelWeighed")}


def _events(database: str) -> set[str | None]:
    """The ids of all that is stored."""
    return {event for said in asyncio.run(stored_in(database)) for _, _, event in said.events}


def _wanted(config: Path, orders: Plan) -> list[Said]:
    deliveries = [
        Delivery("web", one.line(), Position("http", receipt=str(number)), one.at, content_type=STRUCTURED)
        for number, one in enumerate(orders.emissions)
    ]
    return offline(load(config, {}), deliveries, orders.end + timedelta(seconds=20))


def _settled(database: str, wanted: list[Said], monitor: Serving) -> None:
    end = time.monotonic() + PATIENCE
    while (found := asyncio.run(stored_in(database))) != wanted and time.monotonic() < end:
        assert monitor.process.poll() is None, monitor.log[-4000:]
        time.sleep(0.3)
    assert found == wanted
