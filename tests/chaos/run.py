"""One run from beginning to end: start everything, let it fail, let it catch up, compare."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from monitor.landscape.plan import Plan
from monitor.landscape.publish import rabbitmq
from monitor.landscape.wire import TOPICS
from monitor.settings import load as read_settings
from monitor.storage.migrate import upgrade
from tests.chaos import landscape
from tests.chaos.compare import differences
from tests.chaos.faults import inflict
from tests.chaos.held import held
from tests.chaos.judged import Held
from tests.chaos.landscape import Addresses, Ledger, Load, Publisher
from tests.chaos.proxy import Link
from tests.chaos.receivers import Hook
from tests.chaos.recovery import Inflicted, Stored
from tests.chaos.report import Outcome
from tests.chaos.schedule import BROKERS, KINDS, OURS, Fault
from tests.chaos.supervisor import Ours
from tests.chaos.truth import truth_of
from tests.chaos.world import World
from tests.services import Service
from tests.support.kafka_requests import ByTheProxy
from tests.support.smtp_server import MailServer

Say = Callable[[str], None]

_LEAD = timedelta(seconds=1)
_BEGINS_WITHIN = 90.0


@dataclass(frozen=True)
class Run:
    """``patience``: seconds that everything may take to catch up once the load and the faults are over.
    ``hurry``: the leases of messages whose sender was killed are ended by hand rather than waited for, which
    would take five minutes."""

    seed: int
    load: Load
    schedule: list[Fault]
    patience: float
    hurry: bool = False


async def run(chosen: Run, services: Mapping[str, Service], folder: Path, say: Say) -> Outcome:
    """``services``: servers of its own by name, running. What differs in the end is in the outcome."""
    ledger = Ledger()
    async with _world(chosen.load, services, folder, ledger) as world:
        await asyncio.to_thread(upgrade, world.database)
        async with _processes(world):
            await _until(partial(_reading, world), _BEGINS_WITHIN, "the sources are not read")
            say("everything runs")
            stored = Stored()
            watching = asyncio.create_task(stored.watch(world.database), name="count of events")
            told = chosen.load.plan(chosen.seed, datetime.now(UTC) + _LEAD)
            began = time.monotonic()
            inflicted = await _trouble(chosen, world, told, ledger, say)
            over = time.monotonic()
            say(f"the load and the faults are over after {over - began:.0f} s")
            outcome = Outcome(chosen.seed, chosen.schedule, over - began, logs=str(folder))
            await _settle(chosen, world, told, ledger, over, outcome, say)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        outcome.load = _load(chosen, told, ledger, world)
        outcome.inflicted = [(one, stored.recovered(one)) for one in inflicted]
    return outcome


# the world ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _world(
    load: Load, services: Mapping[str, Service], folder: Path, ledger: Ledger
) -> AsyncIterator[World]:
    rabbit, bootstrap = services["rabbitmq"].address, services["kafka"].address
    await landscape.prepared(rabbit, bootstrap)
    hook = Hook()
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(MailServer())
        receiver = await stack.enter_async_context(hook.receiver())
        links: dict[str, Link] = {}
        for name, service in services.items():
            for link in (name, f"{name}-producer") if name in BROKERS else (name,):
                links[link] = await stack.enter_async_context(_link(name, service))
        where = Addresses(
            database=_by(links["postgres"], services["postgres"].address),
            rabbitmq=_by(links["rabbitmq"], rabbit),
            kafka=f"127.0.0.1:{links['kafka'].listening}",
            webhook=f"{receiver.url}/hook",
            smtp_port=mail.port,
        )
        config = landscape.configured(folder / "choreoscope.yaml", where, load)
        by_link = _by(links["rabbitmq-producer"], rabbit)
        publishers = {
            "rabbitmq": Publisher(partial(rabbitmq, by_link), ledger),
            "kafka": Publisher(
                partial(landscape.kafka, f"127.0.0.1:{links['kafka-producer'].listening}"), ledger
            ),
        }
        processes = {
            name: Ours(name, name.partition("-")[0], config, folder / f"{name}.log") for name in OURS
        }
        turns = {target: asyncio.Lock() for kind in KINDS for target in kind.targets}
        yield World(folder, config, services, links, processes, publishers, hook, mail, turns)


def _link(name: str, service: Service) -> Link:
    address = service.address if "//" in service.address else f"//{service.address}"
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    if name == "kafka":
        return Link(host, port, lambda proxy: ByTheProxy(host, port, proxy))
    return Link(host, port)


def _by(link: Link, url: str) -> str:
    """The address of a service by its link."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{login}@127.0.0.1:{link.listening}").geturl()


@asynccontextmanager
async def _processes(world: World) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for process in world.processes.values():
            stack.push_async_callback(process.destroy)
            await process.begin()
        await asyncio.gather(*(process.until_ready() for process in world.processes.values()))
        yield


async def _reading(world: World) -> bool:
    """Whether every queue and partition is read to its end."""
    async with await world.session() as session:
        rows = await (await session.execute("SELECT state FROM source_shards")).fetchall()
    wanted = 1 + len(TOPICS) * landscape.PARTITIONS
    return len(rows) >= wanted and all(row[0] == "caught_up" for row in rows)


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        await asyncio.sleep(0.2)


# trouble --------------------------------------------------------------------------------------------------


async def _trouble(chosen: Run, world: World, told: Plan, ledger: Ledger, say: Say) -> list[Inflicted]:
    """The load and the faults, until both are over."""
    began = time.monotonic()
    inflicted: list[Inflicted] = []

    async def one(fault: Fault) -> None:
        await asyncio.sleep(began + fault.at - time.monotonic())
        begun = time.monotonic()
        failed = await inflict(world, fault)
        done = Inflicted(fault, begun, time.monotonic(), ledger.events, failed)
        inflicted.append(done)
        met = f", in vain: {failed}" if failed else ""
        say(f"{fault} (done after {done.ended - done.began:.1f} s{met})")

    async with asyncio.TaskGroup() as tasks:
        for channel, name in (("rabbit", "rabbitmq"), ("kafka", "kafka")):
            sending = world.publishers[name].run(landscape.of_channel(told, channel))
            tasks.create_task(sending, name=f"{name} publisher")
        for fault in chosen.schedule:
            tasks.create_task(one(fault), name=str(fault))
    for link in world.links.values():
        link.mend()
    return inflicted


# the end --------------------------------------------------------------------------------------------------


async def _settle(
    chosen: Run, world: World, told: Plan, ledger: Ledger, over: float, outcome: Outcome, say: Say
) -> None:
    """Wait until everything is as it must be, or as long as it may take; then stop our processes and look
    once more."""
    settings = read_settings(world.config, {})
    truth = outcome.truth = await truth_of(told, ledger, chosen.load, settings, world.config)
    left = (told.end + chosen.load.lateness - datetime.now(UTC)).total_seconds()
    await asyncio.sleep(max(0.0, left))
    if chosen.hurry:
        await _end_leases(world)
    while True:
        outcome.held = await _held(world)
        outcome.differences = differences(truth, outcome.held)
        outcome.settled = time.monotonic() - over
        if not outcome.differences or outcome.settled > chosen.patience:
            break
        first = outcome.differences[0]
        say(f"{outcome.settled:.0f} s later: {len(outcome.differences)} differences, as: {first[:150]}")
        await asyncio.sleep(2)
    codes = {name: await process.end() for name, process in world.processes.items()}
    if not outcome.differences:
        outcome.held = await _held(world)
        outcome.differences = differences(truth, outcome.held)
    outcome.differences += [
        f"{name} was told to stop and ended with {code}" for name, code in codes.items() if code
    ]


async def _end_leases(world: World) -> None:
    """Whoever was killed while sending a message sends it no more."""
    async with await world.session() as session:
        await session.execute(
            "UPDATE notifications SET next_at = now() WHERE id IN"
            " (SELECT notification_id FROM attempts WHERE outcome IS NULL) AND next_at IS NOT NULL"
        )


async def _held(world: World) -> Held:
    logs = sorted(world.folder.glob("*-[0-9].log"))
    ended = [
        f"{one.name} with {one.code}: {one.tail}"
        for process in world.processes.values()
        for one in process.exits
        if not one.gave_up
    ]
    return await held(world.database, world.hook, world.mail, logs, ended)


def _load(chosen: Run, told: Plan, ledger: Ledger, world: World) -> dict[str, object]:
    return {
        "orders": len(told.truths),
        "messages planned": len(told.emissions),
        "events per second": f"{chosen.load.rate:g}",
        "messages handed to the brokers, repeats included": ledger.sends,
        "confirmed": ledger.confirmed,
        "times a publisher had to connect again": sum(one.reconnects for one in world.publishers.values()),
        "starts of our four processes": sum(one.starts for one in world.processes.values()),
        "starts given up while the database was away": sum(
            exit_.gave_up for one in world.processes.values() for exit_ in one.exits
        ),
    }
