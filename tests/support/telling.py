"""Tests of alerts: a policy to tell by, a channel that notes what it was given, and a clock to set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from monitor.alerts.base import Notification, Undeliverable
from monitor.alerts.dispatch import Dispatcher
from monitor.alerts.policy import Policy, Receiver
from monitor.alerts.routing import Route
from monitor.bpmn.flow import Flow
from monitor.metrics import Metrics
from monitor.storage.alerting import Alerting

BEGIN = datetime(2026, 3, 1, 15, tzinfo=UTC)

ROUTE = Route(
    key="{}",
    receiver="ops",
    group_by=("alertname", "flow"),
    group_wait=timedelta(seconds=30),
    group_interval=timedelta(minutes=5),
    repeat_interval=timedelta(hours=4),
)


@dataclass
class Noting:
    """A channel. ``fails``: what is raised, one after the other, before anything arrives."""

    sent: list[Notification] = field(default_factory=list)
    fails: list[Undeliverable] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    timeout: timedelta = timedelta(seconds=15)

    async def send(self, notification: Notification, now: datetime) -> str:
        self.before()
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(notification)
        self.after()
        return "taken"

    async def close(self) -> None:
        return None

    @property
    def told(self) -> list[list[tuple[str, str]]]:
        """Of each message what it told: names and states."""
        return [[(alert.name, alert.status) for alert in one.alerts] for one in self.sent]


class Telling:
    """A dispatcher over a store, with the time in one's hand."""

    def __init__(
        self,
        store: Alerting,
        *,
        route: Route = ROUTE,
        receivers: Sequence[Receiver] = (Receiver("ops"),),
        flow: Flow | None = None,
        **rest: object,
    ) -> None:
        self.store = store
        self.now = BEGIN
        self.channels = {one.name: Noting() for one in receivers}
        self.policy = replace(Policy(route, {one.name: one for one in receivers}), **rest)  # type: ignore[arg-type]

        async def known(_id: int) -> Flow | None:
            return flow

        self.dispatcher = Dispatcher(
            store,
            self.policy,
            self.channels,
            Metrics(),
            flow=known,
            worker="w",
            now=lambda: self.now,
            chance=lambda: 0.0,
        )

    @property
    def ops(self) -> Noting:
        return self.channels["ops"]

    async def begin(self, routing: str = "1", settings: str = "1") -> None:
        await self.store.configured(dict.fromkeys(self.channels, settings), routing, self.now)

    async def go(self, **ahead: float) -> None:
        """Let so much time pass, then do what is due."""
        self.now += timedelta(**ahead)
        await self.dispatcher.route()
        await self.dispatcher.flush()
        for name in self.channels:
            await self.dispatcher.deliver(name)

    async def over(self, step: timedelta, until: timedelta) -> None:
        """Let time pass step by step."""
        end = self.now + until
        while self.now < end:
            await self.go(seconds=step.total_seconds())
