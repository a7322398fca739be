"""The composition root: puts the parts together from settings and runs them until told to stop.

Every role is a named task; one that fails stops the service, for a monitor that only half works is worse
than one that is seen to be down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from uuid import uuid4

import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.alerting import alerts_of, desk_of
from monitor.alerting_pictures import TracePictures
from monitor.alerts.base import Channel
from monitor.assembly import (
    decoder_of,
    feeds_of,
    known_labels,
    mapping_of,
    models_of,
    objectives_of,
    rules_of,
)
from monitor.bpmn.document import Severity
from monitor.commanding import command_ticks, commander_of
from monitor.configuration import Configuration
from monitor.dashboard.app import create_app
from monitor.dashboard.auth.assembly import login_of, proxies_of
from monitor.dashboard.promises import promises_of
from monitor.dashboard.receive import Receiver
from monitor.deployed import DeployedFlows
from monitor.errors import ConfigError
from monitor.figures import Figures
from monitor.flows import Flows, problems_of
from monitor.listening import Server, address_of, listen
from monitor.mending.mender import Mender
from monitor.metrics import Metrics
from monitor.opening import store_of
from monitor.pipeline import Pipeline
from monitor.probing import Probed, probing
from monitor.reading import FEW, Reader
from monitor.settings import HttpSource, MemorySource, RabbitmqSource, Settings, SourceSettings
from monitor.settings.root import exposed
from monitor.sight import Blindness
from monitor.sources.base import Source
from monitor.sources.file import File
from monitor.sources.http import Http
from monitor.sources.kafka import Kafka
from monitor.sources.memory import Memory
from monitor.sources.rabbitmq import Rabbitmq
from monitor.storage.sql import SqlStore
from monitor.sweep import Sweeper
from monitor.tracing import UNTRACED, Tracer

log = logging.getLogger("choreoscope")

ROLES = frozenset({"ingest", "sweep", "dashboard"})

ADAPTERS: Mapping[str, Callable[..., Source]] = {
    "rabbitmq": Rabbitmq,
    "kafka": Kafka,
    "http": Http,
    "file": File,
    "memory": Memory,
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class App:
    """Everything one process runs, ready to :meth:`run`. Made by :func:`assembled`."""

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        flows: Flows,
        sources: Mapping[str, Source],
        *,
        now: Callable[[], datetime],
        configuration: Configuration | None = None,
        channels: Mapping[str, Channel] | None = None,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self.settings = settings
        self.channels = channels or {}
        self.tracer = tracer
        self.store = store
        self.flows = flows
        self.sources = sources
        self.now = now
        self.metrics = Metrics()
        self.configuration = configuration or Configuration(now())
        self.metrics.configuration(self.configuration)
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self.commander = commander_of(settings, store, flows, now)
        self._readers: list[Reader] = []
        self._sweeper: Sweeper | None = None

    def pipeline(self) -> Pipeline:
        flows = [expected.flow for expected in self.flows.active.values()]
        mapping = mapping_of(self.settings, flows, older=self.flows.older)
        return Pipeline(decoder_of(self.settings), mapping, self.flows, self.store, self.metrics, self.tracer)

    def mender(self) -> Mender:
        """What mends the inbox, by the configuration in use."""
        labels = known_labels([expected.flow for expected in self.flows.active.values()], self.flows.older)
        return Mender(self.pipeline(), self.store.inbox, self.settings, labels, rules_of(self.settings))

    def reader(self, source: Source, pipeline: Pipeline) -> Reader:
        return Reader(
            source,
            pipeline,
            self.store,
            self.metrics,
            worker=self.worker,
            now=self.now,
            batch_size=self.settings.ingest.batch_size,
            wait=self.settings.ingest.wait.total_seconds(),
            pace=self._pace(source),
            inbox_limit=self.settings.ingest.inbox_limit,
        )

    def _pace(self, source: Source) -> float:
        """Senders of an http source wait for the answer; a source that may hold few messages unacknowledged
        gets no more before these are stored."""
        held = next((one for one in self.settings.sources if one.name == source.name), None)
        few = isinstance(held, RabbitmqSource) and held.prefetch < 2 * FEW
        return 0.0 if few or source.kind == "http" else self.settings.ingest.pace.total_seconds()

    def handed_over(self, name: str) -> Source:
        """A source whose deliveries this process itself has at hand."""
        return Memory(MemorySource(kind="memory", name=name), worker=self.worker)

    async def ingest(self) -> None:
        """Read every source; returns when all have ended."""
        pipeline = self.pipeline()
        async with asyncio.TaskGroup() as tasks:
            for source in self.sources.values():
                reader = self.reader(source, pipeline)
                self._readers.append(reader)
                tasks.create_task(reader.run(), name=f"source {source.name}")

    async def sweep(self) -> None:
        """Do what time brings about, until cancelled."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        self._sweeper = sweeper = Sweeper(
            self.store,
            self.flows,
            feeds_of(self.settings),
            self.metrics,
            now=self.now,
            blindness=Blindness(self.settings.blindness.after, self.settings.blindness.at_most),
            keep_traces=self.settings.retention.traces,
            keep_open=self.settings.retention.open,
            keep_inbox=self.settings.retention.inbox,
            tracer=self.tracer,
        )
        alerts = alerts_of(
            self.settings,
            self.store,
            self.flows,
            self.metrics,
            worker=self.worker,
            now=self.now,
            alive=sweeper.is_alive,
            channels=self.channels,
            pictures=TracePictures(self.store.views, DeployedFlows(self.flows)),
            tracer=self.tracer,
        )
        commands = command_ticks(
            self.settings,
            self.commander,
            self.store,
            self.flows,
            self.metrics,
            worker=self.worker,
            now=self.now,
            watermarks=sweeper.watermarks,
        )
        figures = Figures(self.store.views, self.metrics)
        sweeper.schedule(scheduler, [*alerts.ticks(), *commands, *figures.ticks()])
        scheduler.start()
        try:
            await sweeper.failed
        finally:
            scheduler.shutdown(wait=False)
            await sweeper.stop()
            await alerts.close()

    async def troubles(self) -> list[str]:
        """Why this process does not do its work; empty when it does. Raises StorageError."""
        await self.store.views.pulse()
        return self.hindrances()

    def hindrances(self) -> list[str]:
        """Of that, what is not the database's: sources that are not read, a sweep that does not get on."""
        found = [f"source {one.source.name}: {one.trouble}" for one in self._readers if one.trouble]
        if self._sweeper is not None and not self._sweeper.is_alive():
            found.append("the sweep does not get on: clocks and confirmations have not been looked at lately")
        return found

    async def dashboard(self, listening: Callable[[str], None]) -> None:
        """Serve the pages and the API, until cancelled; ``listening`` is told the address."""
        settings = self.settings.dashboard
        for _, said in exposed(settings, self.settings.auth is not None):
            raise ConfigError(f"The dashboard must not listen: {said}.")
        active = [expected.flow for expected in self.flows.active.values()]
        app = create_app(
            self.store.views,
            flows=DeployedFlows(self.flows),
            settings=settings,
            now=self.now,
            receivers=self._receivers(),
            feeds=feeds_of(self.settings),
            blind_after=self.settings.blindness.after,
            configuration=self.configuration,
            objectives=objectives_of(active),
            promises=promises_of(active),
            registry=self.metrics.registry,
            mender=self.mender(),
            acknowledges=self.store,
            commands=self.commander,
            alerts=desk_of(self.settings, self.store),
            tracer=self.tracer,
            hindrances=self.hindrances,
            **await login_of(self.settings, self.store.access, self.now),
        )
        mend = "Choose another with dashboard: {port: ...}; 0 picks a free one."
        with listen("dashboard", settings.host, settings.port, mend) as listener:
            address = address_of(settings.host, listener)
            proxies = proxies_of(self.settings)
            config = uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="on", forwarded_allow_ips=proxies
            )
            server = Server(config, lambda: listening(address))
            serving = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
            try:
                await asyncio.shield(serving)
            finally:
                app.state.live.close()
                server.should_exit = True
                await serving

    def _receivers(self) -> list[Receiver]:
        receivers = []
        for settings in self.settings.sources:
            source = self.sources.get(settings.name)
            if isinstance(settings, HttpSource) and isinstance(source, Http):
                receivers.append(Receiver(settings.name, source.accept, settings.token))
        return receivers


@contextlib.asynccontextmanager
async def assembled(
    settings: Settings,
    *,
    roles: frozenset[str] = ROLES,
    sources: Mapping[str, Source] | None = None,
    channels: Mapping[str, Channel] | None = None,
    now: Callable[[], datetime] = utc_now,
    configuration: Configuration | None = None,
    tracer: Tracer = UNTRACED,
) -> AsyncIterator[App]:
    """An app with its database open and its models deployed. ``sources`` and ``channels`` stand in for the
    configured ones of their names (an embedding program's own). Raises ConfigError, ModelError,
    StorageError."""
    models = models_of(settings)
    mapping_of(settings, [])  # an invalid rule should not wait for the database
    for problem in (one for model in models for one in problems_of(model)):
        if problem.severity is Severity.WARNING:
            log.warning("%s", problem)
    worker = f"{socket.gethostname()}-{os.getpid()}"
    store = await store_of(settings)
    try:
        given = dict(sources or {})
        if "ingest" in roles:
            for source in settings.sources:
                if source.name not in given:
                    given[source.name] = await _source(source, worker, store, now())
        flows = Flows(store)
        await flows.deploy(models, now())
        await flows.watch(feeds_of(settings), now())
        yield App(
            settings,
            store,
            flows,
            given,
            now=now,
            configuration=configuration,
            channels=dict(channels or {}),
            tracer=tracer,
        )
    finally:
        await store.close()


async def run(
    app: App,
    roles: frozenset[str],
    stop: asyncio.Event,
    ready: Callable[[str], None],
    probes: tuple[str, int] | None = None,
) -> None:
    """Run the roles of an app until ``stop``. The first error of any of them is raised. ``probes``: host and
    port where health and metrics are served without a dashboard."""
    if probes is None:
        await _run(app, roles, stop, ready)
        return
    async with probing(probes, Probed(app.troubles, app.metrics.registry)):
        await _run(app, roles, stop, ready)


async def _run(app: App, roles: frozenset[str], stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    tasks: list[asyncio.Task[None]] = []
    if "ingest" in roles:
        tasks.append(asyncio.create_task(app.ingest(), name="ingest"))
    if "sweep" in roles:
        tasks.append(asyncio.create_task(app.sweep(), name="sweep"))
    if "dashboard" in roles:
        tasks.append(asyncio.create_task(app.dashboard(ready), name="dashboard"))
    else:
        ready(f"Running: {', '.join(sorted(roles))}.")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    waiting: set[asyncio.Task[object]] = {stopping, *tasks}
    try:
        while not stopping.done() and len(waiting) > 1:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                if (error := task.exception()) is not None:
                    raise _cause(error)
                if roles != {"ingest"}:
                    log.info("%s: all sources are read to their end", task.get_name())
    finally:
        stopping.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _source(settings: SourceSettings, worker: str, store: SqlStore, now: datetime) -> Source:
    if not isinstance(settings, RabbitmqSource) or settings.stream is None:
        return ADAPTERS[settings.kind](settings, worker=worker)
    rows = [row for row in await store.views.sources(now) if row.name == settings.name]
    offsets = [int(shard.position) for row in rows for shard in row.shards if shard.position.isdigit()]
    return Rabbitmq(settings, worker=worker, resume=min(offsets, default=None))


def _cause(error: BaseException) -> BaseException:
    """The first error inside a task group's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
