"""Where the processor time of an event goes: the pipeline alone, in this process, on a real database."""

from __future__ import annotations

import asyncio
import gc
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter, thread_time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.pipeline import configuration
from benchmarks.pipeline.messages import Message, deliveries
from benchmarks.usage import Usage, postmaster
from monitor import process
from monitor.assembly import decoder_of, mapping_of, models_of
from monitor.domain.event import Delivery
from monitor.flows import Flows
from monitor.landscape import demo
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline, Read
from monitor.settings import Settings
from monitor.storage.engine import normalised
from monitor.storage.migrate import upgrade
from monitor.storage.postgres import PostgresTransaction
from monitor.storage.sql import SqlStore, utc_now
from monitor.storage.transaction import Transaction
from monitor.tracing import Span

BATCH = 5000
BEFORE = 10_000
"""In a batch of what is not measured: long deviating traces are judged anew for each."""

SOURCE = {"name": demo.KAFKA, "kind": "memory"}


class Clock:
    """Processor seconds of this thread, by stage. A stage within another is not counted as the other's.

    Only one batch is under way at a time, so what runs while a stage waits for the database is that stage's
    own: the driver's code.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._within: list[str] = []
        self._since = thread_time()

    def _turn(self) -> None:
        now = thread_time()
        if self._within:
            self.seconds[self._within[-1]] += now - self._since
        self._since = now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._turn()
        self._within.append(name)
        try:
            yield
        finally:
            self._turn()
            self._within.pop()


def _timed(clock: Clock, name: str, of: Callable[..., Any]) -> Callable[..., Any]:
    async def timed(*asked: Any, **named: Any) -> Any:
        with clock.stage(name):
            return await of(*asked, **named)

    return timed


_BULK = ("append", "claim", "look_up", "upsert", "update", "delete", "execute", "ids")


class _Transaction(PostgresTransaction):
    """Its statements are stages of their own, by table where they name one."""

    def __init__(self, connection: AsyncConnection, spare: dict[str, list[int]], clock: Clock) -> None:
        super().__init__(connection, spare)
        self._depth = 0
        for name in _BULK:
            setattr(self, name, self._timed(clock, name, getattr(self, name)))

    def _timed(self, clock: Clock, name: str, of: Callable[..., Any]) -> Callable[..., Any]:
        async def timed(*asked: Any, **named: Any) -> Any:
            if self._depth:  # a bulk statement is one, however it is sent
                return await of(*asked, **named)
            self._depth += 1
            table = getattr(asked[0], "name", "") or "select"
            try:
                with clock.stage(f"  statement: {name} {table}".rstrip()):
                    return await of(*asked, **named)
            finally:
                self._depth -= 1

        return timed


class _Ingest:
    def __init__(self, ingest: Any, clock: Clock) -> None:
        self._ingest = ingest
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return _timed(self._clock, _STAGES.get(name, name), getattr(self._ingest, name))


_STAGES = {
    "store": "identity, groups, placing",
    "correlate": "identity, groups, placing",
    "check": "judge",
    "recall": "inbox",
    "misfits": "inbox",
    "fresh": "deduplicate",
    "events": "write events",
    "chains": "correlate, load state",
    "history": "load history",
    "checkpoints": "load history",
    "part": "load history",
    "new_trace": "judge",
    "save": "write findings, clocks, traces, observations",
}


class Store(SqlStore):
    """The database, timed."""

    def __init__(self, url: str, clock: Clock, *, by_statement: bool) -> None:
        super().__init__(normalised(url), utc_now)
        self._clock = clock
        self._by_statement = by_statement

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[Any]:
        with self._clock.stage("begin, counts, commit"):
            async with super().ingest() as ingest:
                yield _Ingest(ingest, self._clock)

    def _transaction(self, connection: AsyncConnection) -> Transaction:
        if not self._by_statement:
            return super()._transaction(connection)
        return _Transaction(connection, self._spare_ids, self._clock)


class Timed(Pipeline):
    clock: Clock

    async def read(self, deliveries: Sequence[Delivery]) -> Read:
        with self.clock.stage("decode"):
            return await super().read(deliveries)

    def observe(self, decoded: Any, outcome: Any) -> Any:
        with self.clock.stage("map"):
            return super().observe(decoded, outcome)

    @contextmanager
    def _stage(self, name: str) -> Iterator[Span]:
        with self.clock.stage(_STAGES.get(name, name)), super()._stage(name) as span:
            yield span


@dataclass(frozen=True, slots=True)
class Measured:
    """``stages``: processor seconds of this process, by stage; ``database``: those of the database;
    ``seconds``: on the clock."""

    messages: int
    seconds: float
    stages: Mapping[str, float]
    database: float

    @property
    def worker(self) -> float:
        """Microseconds of this process for each message."""
        return sum(self.stages.values()) / self.messages * 1e6

    @property
    def of_database(self) -> float:
        """Microseconds of the database for each message."""
        return self.database / self.messages * 1e6


async def measured(
    url: str,
    chosen: Settings,
    before: Sequence[Delivery],
    sent: Sequence[Delivery],
    *,
    by_statement: bool = False,
    batch: int = BATCH,
) -> Measured:
    """What ``sent`` costs once ``before`` has been stored."""
    gc.set_threshold(process.YOUNG, *gc.get_threshold()[1:])
    clock, server = Clock(), postmaster(url)
    store = Store(url, clock, by_statement=by_statement)
    try:
        await store.check()
        flows = Flows(store)
        await flows.deploy(models_of(chosen), datetime.now(UTC))
        mapping = mapping_of(chosen, [expected.flow for expected in flows.active.values()])
        pipeline = Timed(decoder_of(chosen), mapping, flows, store, Metrics())
        pipeline.clock = clock
        for at in range(0, len(before), BEFORE):
            await pipeline.process(before[at : at + BEFORE])
        gc.collect()
        gc.freeze()  # as a service does, see monitor.process
        clock.seconds.clear()
        usage, begin = Usage.of({"database": server}), perf_counter()
        for at in range(0, len(sent), batch):
            await pipeline.process(sent[at : at + batch])
        took = perf_counter() - begin
        after = Usage.of({"database": server})
    finally:
        gc.unfreeze()
        await store.close()
    return Measured(len(sent), took, clock.seconds, after.cpu["database"] - usage.cpu["database"])


def fresh(url: str, sent: Sequence[Message]) -> None:
    """Print where the time goes on a database of its own, half of the messages being there before."""
    chosen = Settings.model_validate(configuration.configuration(url, SOURCE))
    told = list(deliveries(sent, SOURCE["name"], datetime.now(UTC)))
    upgrade(url)
    half = len(told) // 2
    found = asyncio.run(measured(url, chosen, told[:half], told[half:], by_statement=True))
    print(f"Processor time for each of {found.messages:,} messages, in batches of {BATCH}, by stage:")
    for name, seconds in found.stages.items():
        print(f"  {name:46} {seconds / found.messages * 1e6:7.1f} µs")
    print(f"  {'worker, without receiving':46} {found.worker:7.1f} µs")
    print(f"  {'database':46} {found.of_database:7.1f} µs", flush=True)
