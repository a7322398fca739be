"""The service's life: from its start to its stop, and over to another configuration meanwhile.

A configuration that cannot be used never stops a service that runs: it goes on with the last good one, and
says so wherever people look.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from monitor.app import ROLES, App, assembled, run, utc_now
from monitor.assembly import mapping_of, models_of
from monitor.configuration import Configuration, Refused
from monitor.errors import ChoreoscopeError, ConfigError
from monitor.flows import build
from monitor.model import Model
from monitor.settings import Settings
from monitor.telemetry import traced

log = logging.getLogger("choreoscope")

TRIAL_SECONDS = 10.0
"""An error so soon after a change of the configuration is one of the change."""


class Checked(NamedTuple):
    """A configuration that a start would accept, with its models."""

    settings: Settings
    models: list[Model]


def checked(settings: Settings, roles: frozenset[str]) -> Checked:
    """Everything a start finds wrong without asking a service. Raises InvalidInput."""
    check(settings, roles)
    models = models_of(settings)
    mapping_of(settings, [build(model)[1] for model in models])
    return Checked(settings, models)


def check(settings: Settings, roles: frozenset[str]) -> None:
    """Raises ConfigError where a role has nothing to do."""
    if "ingest" in roles and not settings.sources:
        raise ConfigError(
            "sources: none is configured, so there is nothing to read.",
            mend="Add one, for example: - {name: web, kind: http}",
        )
    if roles & {"ingest", "sweep"} and not settings.models:
        raise ConfigError(
            "models: none is configured, so there is nothing to hold events against.",
            mend="Add one, for example: - {file: models/order-fulfilment.bpmn, key: order}",
        )


async def serve(
    settings: Settings,
    *,
    roles: frozenset[str] = ROLES,
    ready: Callable[[str], None] | None = None,
    again: Callable[[], Settings] | None = None,
    probes: tuple[str, int] | None = None,
) -> None:
    """Run the roles until SIGINT or SIGTERM; ``ready`` is told the dashboard's address, or what runs.
    ``again`` reads the configuration anew, at each SIGHUP. ``probes``: host and port where health
    and metrics are served without a dashboard. Raises ChoreoscopeError when nothing can run."""
    check(settings, roles)
    life = _Life(roles, ready or (lambda _: None), again, probes)
    with _handled({signal.SIGINT: life.stop, signal.SIGTERM: life.stop, signal.SIGHUP: life.asked}):
        await life.live(settings)


class _Life:
    def __init__(
        self,
        roles: frozenset[str],
        ready: Callable[[str], None],
        again: Callable[[], Settings] | None,
        probes: tuple[str, int] | None,
    ) -> None:
        self.stop = asyncio.Event()
        self.asked = asyncio.Event()
        self._roles = roles
        self._ready = ready
        self._again = again
        self._probes = probes
        self._port = 0
        self._models: list[Model] = []
        self._configuration = Configuration(utc_now())

    async def live(self, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        fallback: Settings | None = None
        while True:
            begun = loop.time()
            try:
                following = await self._run(settings)
            except ChoreoscopeError as error:
                if fallback is None or loop.time() - begun > TRIAL_SECONDS:
                    raise
                self._refuse(f"It does not start: {error}")
                settings, fallback = fallback, None
                continue
            if following is None:
                return
            self._configuration = Configuration(utc_now())
            settings, fallback = following, settings

    async def _run(self, settings: Settings) -> Settings | None:
        """Until told to stop (None), or until there is another configuration."""
        leave = asyncio.Event()
        self._models = models_of(settings)
        async with (
            traced(settings.telemetry, sorted(self._roles)) as tracer,
            assembled(
                self._on_the_same_port(settings),
                roles=self._roles,
                configuration=self._configuration,
                tracer=tracer,
            ) as app,
        ):
            following = asyncio.create_task(self._following(app, settings), name="configuration")
            following.add_done_callback(lambda _: leave.set())
            try:
                await run(app, self._roles, leave, self._heard, self._probes)
            finally:
                if not following.done():
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        return None if following.cancelled() else following.result()

    async def _following(self, app: App, settings: Settings) -> Settings | None:
        """The next configuration that can be used; None once told to stop."""
        stopping = asyncio.create_task(self.stop.wait())
        try:
            while not self.stop.is_set():
                asking = asyncio.create_task(self.asked.wait())
                await asyncio.wait({stopping, asking}, return_when=asyncio.FIRST_COMPLETED)
                asking.cancel()
                if self.stop.is_set() or self._again is None:
                    continue
                self.asked.clear()
                found = await self._read(settings)
                app.metrics.configuration(self._configuration)
                if found is not None:
                    return found
            return None
        finally:
            stopping.cancel()

    async def _read(self, settings: Settings) -> Settings | None:
        """Read the configuration again; None where it cannot be used, or is the one in use."""
        assert self._again is not None
        try:
            found = await asyncio.to_thread(lambda again: checked(again(), self._roles), self._again)
        except ChoreoscopeError as error:
            self._refuse(str(error))
            return None
        if found.settings == settings and found.models == self._models:
            self._configuration.refused = None
            log.info("configuration: nothing has changed")
            return None
        log.info("configuration: it has changed, and is put to use")
        return found.settings

    def _refuse(self, why: str) -> None:
        self._configuration.refused = Refused(utc_now(), why)
        log.error("configuration: it cannot be used, and the last good one goes on. %s", why)

    def _heard(self, said: str) -> None:
        self._port = urlsplit(said).port or self._port if said.startswith("http") else self._port
        self._ready(said)

    def _on_the_same_port(self, settings: Settings) -> Settings:
        """A port that was picked stays, so that links to pages do."""
        if settings.dashboard.port or not self._port:
            return settings
        return settings.model_copy(
            update={"dashboard": settings.dashboard.model_copy(update={"port": self._port})}
        )


@contextmanager
def _handled(events: dict[signal.Signals, asyncio.Event]) -> Iterator[None]:
    """Signals set events, as long as this lasts."""
    loop = asyncio.get_running_loop()
    for number, event in events.items():
        loop.add_signal_handler(number, event.set)
    try:
        yield
    finally:
        for number in events:
            loop.remove_signal_handler(number)
