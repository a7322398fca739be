"""What goes wrong: each kind does its harm, and has undone it when it returns."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from random import Random

import psycopg

from tests.chaos.schedule import Fault
from tests.chaos.supervisor import Ours
from tests.chaos.world import World

_OURS = "SELECT {} FROM pg_stat_activity WHERE application_name = 'choreoscope' AND pid <> pg_backend_pid()"


async def inflict(world: World, fault: Fault) -> str | None:
    """Do it, one after the other for each target. What went wrong with that itself, if anything did: a
    database that another fault has taken away cannot be harmed."""
    async with world.turns[fault.target]:
        try:
            await _KINDS[fault.kind](world, fault)
        except psycopg.OperationalError as error:
            return str(error).strip().partition("\n")[0]
    return None


# our processes --------------------------------------------------------------------------------------------


async def _kill(world: World, fault: Fault) -> None:
    await world.processes[fault.target].kill()
    await world.processes[fault.target].is_ready_again()


async def _terminate(world: World, fault: Fault) -> None:
    process = world.processes[fault.target]
    await process.terminate()
    await process.is_ready_again()


async def _freeze(world: World, fault: Fault) -> None:
    process = world.processes[fault.target]
    await process.freeze()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await process.thaw()


async def _rebalance(world: World, fault: Fault) -> None:
    """A third ingest comes, reads along and goes, sometimes without a word."""
    third = Ours(fault.target, "ingest", world.config, world.folder / f"{fault.target}.log")
    await third.begin()
    try:
        await third.is_ready_again()
        await asyncio.sleep(fault.seconds)
    finally:
        if fault.luck % 2:
            await third.end()
        else:
            await third.destroy()


# servers --------------------------------------------------------------------------------------------------


async def _server_restart(world: World, fault: Fault) -> None:
    service = world.services[fault.target]
    await asyncio.to_thread(service.stop)
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(service.start)


async def _server_kill(world: World, fault: Fault) -> None:
    service = world.services[fault.target]
    await asyncio.to_thread(service.kill)
    await asyncio.sleep(fault.seconds)
    await asyncio.to_thread(service.start)


async def _server_freeze(world: World, fault: Fault) -> None:
    service = world.services[fault.target]
    await asyncio.to_thread(service.pause)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(service.resume)


async def _immediate(world: World, fault: Fault) -> None:
    """PostgreSQL drops everything and recovers from its log at the next start."""
    service = world.services[fault.target]
    pid = await _postmaster(world)
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
    await asyncio.sleep(0.5 + fault.seconds)
    await asyncio.to_thread(service.stop)
    await asyncio.to_thread(service.start)


async def _backend(world: World, fault: Fault) -> None:
    """One of our sessions' processes dies: PostgreSQL ends all the others, and recovers by itself."""
    async with await world.session() as session:
        rows = await (await session.execute(_OURS.format("pid"))).fetchall()
    if rows and await _postmaster(world) is not None:
        os.kill(Random(fault.luck).choice(rows)[0], signal.SIGKILL)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(world.services[fault.target].start)


async def _postmaster(world: World) -> int | None:
    """Its process here; None where it runs elsewhere, as in a container."""
    async with await world.session() as session:
        row = await (await session.execute("SHOW data_directory")).fetchone()
    assert row is not None
    try:
        with open(f"{row[0]}/postmaster.pid", encoding="utf-8") as file:  # noqa: ASYNC230 - a few bytes
            return int(file.readline())
    except OSError:
        return None


# the store, by somebody hostile ---------------------------------------------------------------------------


async def _sessions(world: World, fault: Fault) -> None:
    async with await world.session() as session:
        await session.execute(_OURS.format("pg_terminate_backend(pid)"))


async def _statements(world: World, fault: Fault) -> None:
    async with await world.session() as session:
        for _ in range(20):
            await session.execute(_OURS.format("pg_cancel_backend(pid)"))
            await asyncio.sleep(0.05)


_TABLES = ("traces", "events", "findings", "clocks", "notifications", "source_shards", "seen", "alerts")


async def _tables(world: World, fault: Fault) -> None:
    """Somebody holds a table for themselves."""
    table = Random(fault.luck).choice(_TABLES)
    async with await world.session() as session, session.transaction():
        await session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(fault.seconds)


async def _rows(world: World, fault: Fault) -> None:
    """Somebody locks rows one by one, newest first, against the order in which we do: a deadlock, if we are
    at work on the same. PostgreSQL ends one of the two, possibly this one."""
    loop = asyncio.get_running_loop()
    end = loop.time() + fault.seconds
    while loop.time() < end:
        async with await world.session() as session:
            asked = "SELECT id FROM traces ORDER BY id DESC LIMIT 60"
            ids = [row[0] for row in await (await session.execute(asked)).fetchall()]
            try:
                async with session.transaction():
                    for id_ in ids:
                        await session.execute("SELECT 1 FROM traces WHERE id = %s FOR UPDATE", (id_,))
                        await session.execute("SELECT 1 FROM clocks WHERE trace_id = %s FOR UPDATE", (id_,))
                        await asyncio.sleep(0.02)
            except psycopg.errors.DeadlockDetected:
                continue


# links ----------------------------------------------------------------------------------------------------


async def _reset(world: World, fault: Fault) -> None:
    world.links[fault.target].reset()


async def _stalled(world: World, fault: Fault) -> None:
    link = world.links[fault.target]
    link.stall()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        link.mend()


async def _half_open(world: World, fault: Fault) -> None:
    link = world.links[fault.target]
    link.half_open()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        link.mend()


async def _late(world: World, fault: Fault) -> None:
    link = world.links[fault.target]
    link.delay = Random(fault.luck).uniform(0.02, 0.3)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        link.mend()


async def _slow(world: World, fault: Fault) -> None:
    link = world.links[fault.target]
    link.rate = Random(fault.luck).uniform(4_000, 60_000)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        link.mend()


# the landscape and the receivers --------------------------------------------------------------------------


async def _producer_reset(world: World, fault: Fault) -> None:
    """What is not confirmed by then is sent again, whether it had arrived or not."""
    for _ in range(3):
        world.links[fault.target].reset()
        await asyncio.sleep(0.15)


async def _again(world: World, fault: Fault) -> None:
    """Messages of a while ago come once more, as they were; and what is delivered is delivered again."""
    world.publishers[fault.target].send_again(20)
    world.links[fault.target].reset()


async def _receiver_fails(world: World, fault: Fault) -> None:
    if fault.target == "webhook":
        world.hook.fails = True
    else:
        world.mail.says = "451 not now"
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        world.hook.fails = False
        world.mail.says = "250 queued"


async def _receiver_hangs(world: World, fault: Fault) -> None:
    world.hook.hangs = True
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        world.hook.hangs = False


_KINDS: dict[str, Callable[[World, Fault], Awaitable[None]]] = {
    "kill": _kill,
    "terminate": _terminate,
    "freeze": _freeze,
    "server restart": _server_restart,
    "server kill": _server_kill,
    "server freeze": _server_freeze,
    "postgres immediate shutdown": _immediate,
    "postgres backend kill": _backend,
    "sessions terminated": _sessions,
    "statements cancelled": _statements,
    "tables locked": _tables,
    "rows locked": _rows,
    "link reset": _reset,
    "link stalled": _stalled,
    "link half open": _half_open,
    "link late": _late,
    "link slow": _slow,
    "producer reset": _producer_reset,
    "messages again": _again,
    "rebalance": _rebalance,
    "receiver fails": _receiver_fails,
    "receiver hangs": _receiver_hangs,
}
"""How each kind of the schedule is done."""

KNOWN = frozenset(_KINDS)
