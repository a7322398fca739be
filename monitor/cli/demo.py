"""``demo``: everything at once, nothing to install, nothing to configure."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import click

from monitor import logs

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.storage.views import Totals

PORT = 8321
BACKFILL = timedelta(minutes=10)
TELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Choices:
    data: Path
    port: int
    seed: int
    duration: float | None
    open_browser: bool


@click.command(short_help="See it work in a minute: a simulated landscape, watched.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"The dashboard's port [default: {PORT}, or a free one]."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the database in this folder [default: a temporary one, removed afterwards].",
)
@click.option("--seed", type=int, help="The same seed tells the same stories [default: another each time].")
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="Stop after so many seconds.")
@click.option("--open", "open_browser", is_flag=True, help="Open the dashboard in the browser.")
def demo(
    port: int | None, data: Path | None, seed: int | None, duration: float | None, open_browser: bool
) -> None:
    """Watch a simulated order landscape: five services that misbehave now and then.

    Ten minutes of history are there at once, then orders go on live: steps out of order, missing or done
    twice, parcels that leave late, orders that get stuck. Everything runs in this process, on one SQLite
    file; the time limits are seconds, so that things happen while you look. Ctrl-C stops it.

    \b
    Examples:
      choreoscope demo
      choreoscope demo --open --data ./demo-data
      choreoscope demo --duration 60 --seed 7
    """
    logs.configure("warning", "text")
    chosen_port = _free(PORT) if port is None else port
    chosen_seed = SystemRandom().randrange(1_000_000) if seed is None else seed
    with _folder(data) as folder:
        asyncio.run(_demo(_Choices(folder, chosen_port, chosen_seed, duration, open_browser)))


async def _demo(chosen: _Choices) -> None:
    from monitor import resources
    from monitor.app import ROLES, assembled, run
    from monitor.landscape import demo as shop
    from monitor.landscape.plan import in_order, stream
    from monitor.landscape.publish import live
    from monitor.landscape.story import Limits
    from monitor.settings import MemorySource
    from monitor.sources.memory import Memory

    limits = Limits.of(shop.PACE.step)
    start = datetime.now(UTC) - BACKFILL
    settings = shop.settings(chosen.data, resources.models() / "order-fulfilment.bpmn", chosen.port, limits)
    sources = {name: Memory(MemorySource(name=name), worker="demo") for name in (shop.RABBIT, shop.KAFKA)}
    orders = stream(chosen.seed, start, shop.PACE, shop.FAULTS, limits, prefix=f"{start:%d%H%M}-")

    aside = {name: shop.Aside() for name in (shop.TEAM, shop.ON_CALL)}
    async with assembled(settings, sources=sources, channels=aside) as app:
        send = shop.into(sources[shop.RABBIT], sources[shop.KAFKA], start)
        stop = asyncio.Event()
        with _stopping(stop, chosen.duration):
            feeding = asyncio.create_task(live(in_order(orders), send), name="landscape")
            telling = asyncio.create_task(_tell(app), name="progress")
            for task in (feeding, telling):
                task.add_done_callback(lambda _: stop.set())
            try:
                await run(app, ROLES, stop, _welcome(chosen))
            finally:
                for task in (feeding, telling):
                    task.cancel()
                ended = await asyncio.gather(feeding, telling, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error
        click.echo(f"Stopped. {_line(await app.store.views.totals())}")


def _welcome(chosen: _Choices) -> Callable[[str], None]:
    def welcome(address: str) -> None:
        click.echo(
            f"The dashboard is at {address} (seed {chosen.seed}, data in {chosen.data}). Ctrl-C stops."
        )
        if chosen.open_browser:
            webbrowser.open(address)

    return welcome


async def _tell(app: App) -> None:
    """A line now and then about what has been found."""
    await asyncio.sleep(1.0)
    while True:
        click.echo(f"{datetime.now():%H:%M:%S}  {_line(await app.store.views.totals())}")  # noqa: DTZ005 - for eyes
        await asyncio.sleep(TELL_SECONDS)


def _line(totals: Totals) -> str:
    return (
        f"{totals.events} events, {totals.traces} traces ({totals.open} open): {totals.deviating} deviating, "
        f"{totals.at_risk} at risk, {totals.breached} breached; {totals.inbox} in the inbox"
    )


@contextlib.contextmanager
def _stopping(stop: asyncio.Event, duration: float | None) -> Iterator[None]:
    """Ctrl-C, SIGTERM and the end of the duration all stop the demo."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if duration is not None:
        loop.call_later(duration, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="choreoscope-demo-") as name:
            yield Path(name)
    else:
        data.mkdir(parents=True, exist_ok=True)
        yield data


def _free(port: int) -> int:
    """The port if nobody has it, else 0: any free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
